/** What the scheduler chose. */
import { text, uuid } from '../../oslo/objects/fields.ts'
import { defineObject, type ObjectValue, object } from '../../oslo/objects/object.ts'
import { SchedulerLimits } from './request-spec.ts'

/** A host, and the allocation that was made there. */
export const Selection = defineObject('Selection', '1.1', {
  compute_node_uuid: uuid,
  service_host: text,
  nodename: text,
  cell_uuid: uuid,
  limits: object(SchedulerLimits).orNull(),
  allocation_request: text.orNull(),
  allocation_request_version: text.orNull(),
  availability_zone: text.orNull(),
})
export type Selection = ObjectValue<typeof Selection>
