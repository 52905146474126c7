/** Reservations of quota, as old callers pass them on. */
import { listOf, text } from '../../oslo/objects/fields.ts'
import { defineObject, type ObjectValue } from '../../oslo/objects/object.ts'

export const Quotas = defineObject('Quotas', '1.3', {
  reservations: listOf(text).orNull().initially([]),
  project_id: text.orNull().initially(null),
  user_id: text.orNull().initially(null),
})
export type Quotas = ObjectValue<typeof Quotas>
