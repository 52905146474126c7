/** Lists: filters, order, pages and their links. neutron/api/api_common.py, neutron/pecan_wsgi/hooks/query_parameters.py */
import { repr } from '../../oslo/python.ts'
import type { Document } from '../shelf.ts'
import type { Attribute, FilterBy } from './attributes.ts'
import { badRequest, fault, invalidInput } from './faults.ts'
import { fieldsOf, find, mayGet, type Resource, render } from './resource.ts'
import type { Operation } from './state.ts'

const reserved = new Set(['fields', 'sort_key', 'sort_dir', 'limit', 'marker', 'page_reverse'])

/** The answer to a list: what the caller may see of what matches, and links to the pages beside it when there is a limit. */
export function page<T extends Document>(
  resource: Resource<T>,
  operation: Operation,
  query: URLSearchParams,
  url: string,
): Record<string, unknown> {
  const order = orderOf(resource, query, operation)
  const limit = limitOf(query)
  const reverse = query.get('page_reverse')?.toLowerCase() === 'true'
  const rows = matching(resource, operation, query).sort(order)
  const shown = limit ? cut(rows, order, limit, reverse, markerOf(resource, operation, query)) : rows
  const fields = fieldsOf(query)
  const links = limit ? linksOf(shown, query, limit, reverse, url) : []
  return {
    [resource.collection]: shown.map((row) => render(resource, row, operation, fields)),
    ...(links.length > 0 && { [`${resource.collection}_links`]: links }),
  }
}

function matching<T extends Document>(resource: Resource<T>, operation: Operation, query: URLSearchParams): T[] {
  const tests = [...filtersOf(query)].map(([key, values]) => testOf(resource, key, values, operation))
  return candidates(resource, operation, query).filter(
    (row) => resource.visible(row, operation) && tests.every((test) => test(row)) && mayGet(resource, row, operation),
  )
}

function filtersOf(query: URLSearchParams): Map<string, string[]> {
  const filters = new Map<string, string[]>()
  for (const [key, value] of query) {
    if (reserved.has(key)) continue
    const values = filters.get(key)
    if (values) values.push(value)
    else filters.set(key, [value])
  }
  return filters
}

/** The rows to test: by id or by an index when the query has one of these, all otherwise. */
function candidates<T extends Document>(resource: Resource<T>, { neutron }: Operation, query: URLSearchParams): T[] {
  const table = resource.table(neutron.store)
  const ids = query.getAll('id')
  if (ids.length > 0) return [...new Set(ids)].map((id) => table.get(id)).filter((row) => row !== undefined)
  for (const field of resource.indexed ?? []) {
    const values = query.getAll(field)
    if (values.length > 0) return [...new Set(values)].flatMap((value) => table.by(field, value as T[typeof field]))
  }
  return table.all()
}

function testOf<T extends Document>(
  resource: Resource<T>,
  key: string,
  values: readonly string[],
  operation: Operation,
): (row: T) => boolean {
  const special = 'tags' in resource.attributes && Object.hasOwn(standardFilters, key) ? standardFilters[key] : undefined
  if (special) return (special as FilterBy<unknown>)(values, operation)
  const attribute = Object.hasOwn(resource.attributes, key) ? resource.attributes[key] : undefined
  if (!attribute?.filter) throw badRequest(`${repr([key])} is invalid attribute for filtering`)
  if (typeof attribute.filter === 'function') return attribute.filter(values, operation)
  return equals(key, attribute, values, operation)
}

function equals<T>(key: string, { convert, show }: Attribute<T>, values: readonly string[], operation: Operation): (row: T) => boolean {
  const wanted = new Set(values.map((value) => String(convert ? convert(value) : value)))
  return (row) => {
    const held = show ? show(row, operation) : row[key as keyof T]
    if (Array.isArray(held)) return held.some((one) => wanted.has(String(one)))
    return held !== null && held !== undefined && wanted.has(String(held))
  }
}

type Tagged = { readonly tags: readonly string[]; readonly updated_at: string }

const tagFilter =
  (matches: (tags: readonly string[], wanted: readonly string[]) => boolean): FilterBy<Tagged> =>
  (values) => {
    const wanted = values.flatMap((value) => value.split(','))
    return ({ tags }) => matches(tags, wanted)
  }

// neutron/db/standardattrdescription_db.py, neutron_lib/objects/utils, neutron/services/timestamp/timestamp_db.py
const standardFilters: Readonly<Record<string, FilterBy<Tagged>>> = {
  tags: tagFilter((tags, wanted) => wanted.every((tag) => tags.includes(tag))),
  'tags-any': tagFilter((tags, wanted) => wanted.some((tag) => tags.includes(tag))),
  'not-tags': tagFilter((tags, wanted) => !wanted.every((tag) => tags.includes(tag))),
  'not-tags-any': tagFilter((tags, wanted) => !wanted.some((tag) => tags.includes(tag))),
  changed_since: ([value = '']) => {
    const since = Date.parse(value)
    if (Number.isNaN(since)) throw invalidInput(`The input ${value} must be in the following format: YYYY-MM-DDTHH:MM:SS[Z]`)
    return ({ updated_at }) => Date.parse(updated_at) >= since
  },
}

type Order<T> = (a: T, b: T) => number

/** By the keys asked for, then by id, as Neutron's own pagination needs it. Null comes first, as in MariaDB. */
function orderOf<T extends Document>(resource: Resource<T>, query: URLSearchParams, operation: Operation): Order<T> {
  const keys = query.getAll('sort_key').filter((key) => key !== '')
  const directions = query.getAll('sort_dir').filter((direction) => direction !== '')
  if (keys.length !== directions.length) throw badRequest('The number of sort_keys and sort_dirs must be same')
  const unknown = keys.filter((key) => !Object.hasOwn(resource.attributes, key) || !resource.attributes[key]!.sort)
  if (unknown.length > 0) throw badRequest(`${repr(unknown)} is invalid attribute for sort_keys`)
  const wrong = directions.filter((direction) => direction !== 'asc' && direction !== 'desc')
  if (wrong.length > 0) throw badRequest(`${repr(wrong)} is invalid value for sort_dirs, valid value is 'asc' and 'desc'`)
  const steps = keys.map((key, i) => ({ value: shownBy(resource, key, operation), sign: directions[i] === 'asc' ? 1 : -1 }))
  return (a, b) => {
    for (const { value, sign } of steps) {
      const difference = compare(value(a), value(b))
      if (difference !== 0) return difference * sign
    }
    return compare(a.id, b.id)
  }
}

function shownBy<T extends Document>({ attributes }: Resource<T>, key: string, operation: Operation): (row: T) => unknown {
  const show = attributes[key]!.show
  return show ? (row) => show(row, operation) : (row) => row[key as keyof T]
}

function compare(a: unknown, b: unknown): number {
  if (a === b) return 0
  if (a === null || a === undefined) return -1
  if (b === null || b === undefined) return 1
  return (a as string) < (b as string) ? -1 : 1
}

/** Undefined for no limit, which 0 is too. */
function limitOf(query: URLSearchParams): number | undefined {
  const text = query.get('limit') ?? '0'
  if (!/^\s*\+?\d+\s*$/.test(text)) throw fault('BadRequest', 'limit', `Limit must be an integer 0 or greater and not '${text}'`)
  return Number(text) || undefined
}

function markerOf<T extends Document>(resource: Resource<T>, operation: Operation, query: URLSearchParams): T | undefined {
  const id = query.get('marker')
  return id ? find(resource, id, operation) : undefined
}

/** The `limit` rows after the marker, or before it. */
function cut<T>(rows: readonly T[], order: Order<T>, limit: number, reverse: boolean, marker: T | undefined): T[] {
  const sign = reverse ? -1 : 1
  const beyond = marker ? rows.filter((row) => order(row, marker) * sign > 0) : rows
  return reverse ? beyond.slice(-limit) : beyond.slice(0, limit)
}

function linksOf(
  rows: readonly Document[],
  query: URLSearchParams,
  limit: number,
  reverse: boolean,
  url: string,
): { rel: string; href: string }[] {
  const full = rows.length >= limit
  const link = (rel: string, marker: string | undefined, back: boolean) => {
    const params = new URLSearchParams(query)
    params.delete('marker')
    params.delete('page_reverse')
    if (marker) params.append('marker', marker)
    if (back) params.append('page_reverse', 'True')
    return { rel, href: `${url}?${params}` }
  }
  return [
    ...(full || reverse ? [link('next', rows.at(-1)?.id, false)] : []),
    ...(full || !reverse ? [link('previous', rows[0]?.id, true)] : []),
  ]
}
