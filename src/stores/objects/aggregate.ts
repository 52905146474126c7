/** Host aggregates. */
import { dictOf, integer, listOf, text, uuid } from '../../oslo/objects/fields.ts'
import { defineList, defineObject, type ObjectValue } from '../../oslo/objects/object.ts'
import { persistent } from './common.ts'

export const Aggregate = defineObject('Aggregate', '1.3', {
  id: integer,
  uuid: uuid,
  name: text,
  hosts: listOf(text).orNull(),
  metadata: dictOf(text).orNull(),
  ...persistent,
})
export type Aggregate = ObjectValue<typeof Aggregate>

export const AggregateList = defineList('AggregateList', '1.3', Aggregate)
export type AggregateList = ObjectValue<typeof AggregateList>
