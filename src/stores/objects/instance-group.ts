/** Server groups. */
import { dictOf, integer, listOf, text, uuid } from '../../oslo/objects/fields.ts'
import { defineList, defineObject, type ObjectValue } from '../../oslo/objects/object.ts'
import { persistent } from './common.ts'

export const InstanceGroup = defineObject('InstanceGroup', '1.11', {
  id: integer,
  user_id: text.orNull(),
  project_id: text.orNull(),
  uuid: uuid,
  name: text.orNull(),
  policies: listOf(text).orNull(),
  members: listOf(text).orNull(),
  hosts: listOf(text).orNull(),
  policy: text.orNull(),
  _rules: dictOf(text),
  ...persistent,
})
export type InstanceGroup = ObjectValue<typeof InstanceGroup>

export const InstanceGroupList = defineList('InstanceGroupList', '1.8', InstanceGroup)
export type InstanceGroupList = ObjectValue<typeof InstanceGroupList>
