/** Which networks a new server shall have. */
import { ipAddress, text, uuid } from '../../oslo/objects/fields.ts'
import { defineList, defineObject, type ObjectValue } from '../../oslo/objects/object.ts'

/** One interface: a network, a port, or nothing at all (`network_id` auto or none). */
export const NetworkRequest = defineObject('NetworkRequest', '1.3', {
  network_id: text.orNull(),
  address: ipAddress.orNull(),
  port_id: uuid.orNull(),
  pci_request_id: uuid.orNull(),
  tag: text.orNull(),
  arq_uuid: uuid.orNull(),
  device_profile: text.orNull(),
})
export type NetworkRequest = ObjectValue<typeof NetworkRequest>

export const NetworkRequestList = defineList('NetworkRequestList', '1.1', NetworkRequest)
export type NetworkRequestList = ObjectValue<typeof NetworkRequestList>
