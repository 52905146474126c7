/** How long a page is and where it starts (nova/api/openstack/common.py get_limit_and_marker). */
import { Fault } from '../../compute/faults.ts'
import { integerFrom } from '../../oslo/python.ts'
import { last } from './query.ts'

type Query = Readonly<Record<string, readonly string[] | undefined>>

/** The limit asked for, at most `maxLimit`; the marker, when there is one. Throws where no shape has judged before: some queries of the legacy endpoint. */
export function pageOf(query: Query, maxLimit: number): { limit: number; marker: string | undefined } {
  const [limit] = ['limit', 'page_size', 'offset'].map((name) => natural(name, last(query, name)))
  return { limit: Math.min(limit ?? maxLimit, maxLimit), marker: last(query, 'marker') }
}

/** None below 0. nova/utils.py validate_integer */
function natural(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = integerFrom(text)
  if (value === undefined) throw new Fault('badRequest', `Invalid input received: ${name} must be an integer`)
  if (value < 0) throw new Fault('badRequest', `Invalid input received: ${name} must be >= 0`)
  return value
}

/** The part of a whole list that `offset` and `limit` ask for; a limit of 0 is none (nova/api/openstack/common.py limited). */
export function limited<T>(query: Query, items: readonly T[], maxLimit: number): readonly T[] {
  const offset = Number(last(query, 'offset') ?? 0)
  return items.slice(offset, offset + Math.min(maxLimit, Number(last(query, 'limit') ?? 0) || maxLimit))
}
