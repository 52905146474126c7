/** The services of Nova: a binary on a host. */
import { boolean, datetime, integer, text, uuid } from '../../oslo/objects/fields.ts'
import { defineList, defineObject, type ObjectValue, object } from '../../oslo/objects/object.ts'
import { persistent } from './common.ts'
import { ComputeNode } from './compute-node.ts'

export const Service = defineObject('Service', '1.22', {
  id: integer,
  uuid: uuid,
  host: text.orNull(),
  binary: text.orNull(),
  topic: text.orNull(),
  report_count: integer,
  disabled: boolean,
  disabled_reason: text.orNull(),
  availability_zone: text.orNull(),
  compute_node: object(ComputeNode),
  last_seen_up: datetime.orNull(),
  forced_down: boolean,
  version: integer,
  ...persistent,
})
export type Service = ObjectValue<typeof Service>

export const ServiceList = defineList('ServiceList', '1.19', Service)
export type ServiceList = ObjectValue<typeof ServiceList>
