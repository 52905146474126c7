/** What went wrong with a server. */
import { integer, text, uuid } from '../../oslo/objects/fields.ts'
import { defineList, defineObject, type ObjectValue } from '../../oslo/objects/object.ts'
import { persistent } from './common.ts'

export const InstanceFault = defineObject('InstanceFault', '1.2', {
  id: integer,
  instance_uuid: uuid,
  code: integer,
  message: text.orNull(),
  details: text.orNull(),
  host: text.orNull(),
  ...persistent,
})
export type InstanceFault = ObjectValue<typeof InstanceFault>

export const InstanceFaultList = defineList('InstanceFaultList', '1.2', InstanceFault)
export type InstanceFaultList = ObjectValue<typeof InstanceFaultList>
