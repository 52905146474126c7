/** How long a page is and where it starts (nova/api/openstack/common.py get_limit_and_marker). */
import { last } from './query.ts'

type Query = Readonly<Record<string, readonly string[] | undefined>>

/** The limit asked for, at most `maxLimit`; the marker, when there is one. Both have passed their shapes. */
export function pageOf(query: Query, maxLimit: number): { limit: number; marker: string | undefined } {
  const limit = last(query, 'limit')
  return { limit: limit === undefined ? maxLimit : Math.min(Number(limit), maxLimit), marker: last(query, 'marker') }
}
