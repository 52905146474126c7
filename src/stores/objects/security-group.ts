/** Security groups, by name or UUID; the rest is Neutron's. */
import { integer, text, uuid } from '../../oslo/objects/fields.ts'
import { defineList, defineObject, type ObjectValue } from '../../oslo/objects/object.ts'
import { persistent } from './common.ts'

export const SecurityGroup = defineObject('SecurityGroup', '1.2', {
  id: integer,
  name: text,
  description: text,
  user_id: text,
  project_id: text,
  uuid: uuid,
  ...persistent,
})
export type SecurityGroup = ObjectValue<typeof SecurityGroup>

export const SecurityGroupList = defineList('SecurityGroupList', '1.1', SecurityGroup)
export type SecurityGroupList = ObjectValue<typeof SecurityGroupList>
