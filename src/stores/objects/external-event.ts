/** What other services tell of a server: its network is plugged, its volume was extended. */
import { dictOf, text, uuid } from '../../oslo/objects/fields.ts'
import { defineObject, type ObjectValue } from '../../oslo/objects/object.ts'
import { externalEventName, externalEventStatus } from './enums.ts'

export const InstanceExternalEvent = defineObject('InstanceExternalEvent', '1.5', {
  instance_uuid: uuid,
  name: externalEventName,
  status: externalEventStatus,
  tag: text.orNull(),
  data: dictOf(text),
})
export type InstanceExternalEvent = ObjectValue<typeof InstanceExternalEvent>
