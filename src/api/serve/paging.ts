/** How long a page is and where it starts (nova/api/openstack/common.py get_limit_and_marker). */
import { last } from './query.ts'

type Query = Readonly<Record<string, readonly string[] | undefined>>

/** The limit asked for, at most `maxLimit`; the marker, when there is one. Both have passed their shapes. */
export function pageOf(query: Query, maxLimit: number): { limit: number; marker: string | undefined } {
  const limit = last(query, 'limit')
  return { limit: limit === undefined ? maxLimit : Math.min(Number(limit), maxLimit), marker: last(query, 'marker') }
}

/** The part of a whole list that `offset` and `limit` ask for; a limit of 0 is none (nova/api/openstack/common.py limited). */
export function limited<T>(query: Query, items: readonly T[], maxLimit: number): readonly T[] {
  const offset = Number(last(query, 'offset') ?? 0)
  return items.slice(offset, offset + Math.min(maxLimit, Number(last(query, 'limit') ?? 0) || maxLimit))
}
