/** Pages, orders and filters of lists (cinder/api/common.py). */
import { badRequest, invalidInput } from './faults.ts'
import { nextLink } from './links.ts'
import type { VolumeCall } from './state.ts'
import { integer } from './validation.ts'

/** osapi_max_limit */
const mostAtOnce = 1000

export interface Paging {
  readonly limit: number
  readonly offset: number
  readonly marker: string | undefined
  readonly order: readonly { readonly key: string; readonly descending: boolean }[]
  /** The number of all that fit is asked for (3.45). */
  readonly withCount: boolean
}

type Comparable = string | number | boolean | null
/** What a list can be sorted by. */
export type SortKeys<T> = Readonly<Record<string, (item: T) => Comparable>>

const pagingKeys = ['limit', 'marker', 'offset', 'sort', 'sort_key', 'sort_dir']

/** How the page is asked for, and the parameters that remain. */
export function pagingOf({ query, minor }: VolumeCall): { paging: Paging; filters: Map<string, string> } {
  const filters = new Map(query)
  const order = orderOf(filters)
  const limit = limitOf(filters.get('limit'))
  const withCount = minor >= 45 && filters.has('with_count')
  const paging = {
    limit,
    offset: integer(filters.get('offset') ?? 0, 'offset', 0),
    marker: filters.get('marker'),
    order,
    withCount: withCount && /^(1|t|true|on|y|yes)$/i.test(filters.get('with_count')!),
  }
  for (const key of pagingKeys) filters.delete(key)
  if (withCount) filters.delete('with_count')
  return { paging, filters }
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return mostAtOnce
  if (!/^\s*[+-]?\d+\s*$/.test(text)) throw badRequest('limit param must be an integer')
  if (Number(text) < 0) throw badRequest('limit param must be positive')
  return Math.min(Number(text), mostAtOnce)
}

function orderOf(filters: ReadonlyMap<string, string>): Paging['order'] {
  const sort = filters.get('sort')
  if (sort !== undefined && (filters.has('sort_key') || filters.has('sort_dir')))
    throw badRequest("The 'sort_key' and 'sort_dir' parameters are deprecated and cannot be used with the 'sort' parameter.")
  const asked =
    sort === undefined
      ? [[filters.get('sort_key') ?? 'created_at', filters.get('sort_dir')]]
      : sort
          .trim()
          .split(',')
          .map((each) => each.split(':'))
  return asked.map(([key, direction]) => {
    const written = direction?.trim() || 'desc'
    if (written !== 'asc' && written !== 'desc') throw invalidInput("Unknown sort direction, must be 'desc' or 'asc'.")
    return { key: key!.trim(), descending: written === 'desc' }
  })
}

interface Item {
  readonly id: string
  readonly created_at: number
}

export interface Page<T> {
  readonly items: readonly T[]
  /** Of all that fit, when it was asked for. */
  readonly count: number | undefined
}

/** One page of these items; `missing` is the error for a marker that is not among them. */
export function pageOf<T extends Item>(all: readonly T[], paging: Paging, keys: SortKeys<T>, missing: (id: string) => Error): Page<T> {
  const compare = comparison(paging, keys)
  const sorted = all.toSorted(compare)
  const at = paging.marker === undefined ? -1 : sorted.findIndex(({ id }) => id === paging.marker)
  if (paging.marker !== undefined && at < 0) throw missing(paging.marker)
  const from = at + 1 + paging.offset
  return { items: sorted.slice(from, from + paging.limit), count: paging.withCount ? all.length : undefined }
}

function comparison<T extends Item>({ order }: Paging, keys: SortKeys<T>): (a: T, b: T) => number {
  const steps = order.map(({ key, descending }) => {
    const value = Object.hasOwn(keys, key) ? keys[key] : key === 'created_at' || key === 'id' ? (item: T) => item[key] : undefined
    if (!value) throw invalidInput('Invalid sort key')
    return { value, descending }
  })
  // Equal ones in the direction of the first key (cinder/db/sqlalchemy/api.py process_sort_params).
  const { descending } = order[0]!
  steps.push({ value: ({ created_at }) => created_at, descending }, { value: ({ id }) => id, descending })
  return (a, b) => {
    for (const { value, descending } of steps) {
      const difference = compared(value(a), value(b))
      if (difference !== 0) return descending ? -difference : difference
    }
    return 0
  }
}

/** Null comes first, as in MySQL. */
function compared(a: Comparable, b: Comparable): number {
  if (a === b) return 0
  if (a === null) return -1
  if (b === null) return 1
  return a < b ? -1 : 1
}

interface ListShape<T> {
  readonly limit: number
  readonly view: (item: T) => unknown
  /** Of the list, in links. */
  readonly path?: string
  /** The name under which links stand. */
  readonly links?: string
}

/** The answer: items under a name, the next link when the page is full, the count when it was asked for. */
export function listOf<T extends Item>(
  call: VolumeCall,
  name: string,
  { items, count }: Page<T>,
  { limit, view, path = name, links = `${name}_links` }: ListShape<T>,
): Record<string, unknown> {
  const more = items.length > 0 && limit <= (count || items.length)
  return {
    [name]: items.map(view),
    ...(more && { [links]: nextLink(call, path, items.at(-1)!.id) }),
    ...(count !== undefined && { count }),
  }
}

/** What each list may be filtered by who is no administrator (etc/cinder/resource_filters.json). */
export const resourceFilters: Readonly<Record<string, readonly string[]>> = {
  volume: [
    'name',
    'status',
    'metadata',
    'bootable',
    'migration_status',
    'availability_zone',
    'group_id',
    'size',
    'created_at',
    'updated_at',
    'consumes_quota',
  ],
  backup: ['name', 'status', 'volume_id'],
  snapshot: ['name', 'status', 'volume_id', 'metadata', 'availability_zone', 'consumes_quota'],
  group: ['name'],
  group_snapshot: ['name', 'status', 'group_id'],
  attachment: ['volume_id', 'status', 'instance_id', 'attach_status'],
  message: ['resource_uuid', 'resource_type', 'event_id', 'request_id', 'message_level'],
  pool: ['name', 'volume_type'],
  volume_type: ['is_public', 'extra_specs'],
}

/** Filters that a caller may not use are refused from 3.31, and dropped before. Administrators may use all. */
export function allowFilters({ caller, minor }: VolumeCall, resource: string, filters: Map<string, string>): void {
  if (caller.isAdmin) return
  const refused = [...filters.keys()].filter((key) => !resourceFilters[resource]!.includes(key))
  for (const key of refused) filters.delete(key)
  const told = refused.filter((key) => key !== 'all_tenants')
  if (minor >= 31 && told.length > 0) throw badRequest(`Invalid filters ${told.join(',')} are found in query options.`)
}

/** A dictionary as Python or JSON writes it: `{'a': 'b'}`. Undefined when it is none. */
export function dictionary(text: string): Record<string, string> | undefined {
  try {
    const value: unknown = JSON.parse(text.replace(/u?'((?:[^'\\]|\\.)*)'/g, (_, inner: string) => JSON.stringify(inner)))
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, String(each)]))
  } catch {
    return undefined
  }
}

export const hasAllOf = (held: Readonly<Record<string, unknown>>, wanted: Readonly<Record<string, string>>): boolean =>
  Object.entries(wanted).every(([key, value]) => held[key] === value)
