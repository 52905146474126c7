/** The interfaces that cells remember, for the tags of devices. */
import { integer, text, uuid } from '../../oslo/objects/fields.ts'
import { defineList, defineObject, type ObjectValue } from '../../oslo/objects/object.ts'
import { persistent } from './common.ts'

export const VirtualInterface = defineObject('VirtualInterface', '1.3', {
  id: integer,
  address: text.orNull(),
  network_id: integer,
  instance_uuid: uuid,
  uuid: uuid,
  tag: text.orNull(),
  ...persistent,
})
export type VirtualInterface = ObjectValue<typeof VirtualInterface>

export const VirtualInterfaceList = defineList('VirtualInterfaceList', '1.0', VirtualInterface)
export type VirtualInterfaceList = ObjectValue<typeof VirtualInterfaceList>
