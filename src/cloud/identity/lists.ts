/** What the lists of the identity API share: filters in the query, links, pages. */
import type { Call } from '../service.ts'

/** The address of something under /v3. */
export const link = (call: Pick<Call, 'baseUrl'>, path: string): string => `${call.baseUrl}/v3/${path}`

/** A member with its link; `collection` is the path it stands under. */
export const member = <T extends { id: string }>(call: Pick<Call, 'baseUrl'>, collection: string, value: T) => ({
  ...value,
  links: { self: link(call, `${collection}/${value.id}`) },
})

/**
 * The rows that the query asks for. A name of `names` may come alone (equal), or with `__contains`, `__startswith`, `__endswith`, each
 * with an `i` before it to ignore case; other parameters are ignored (keystone/server/flask/common.py build_driver_hints).
 */
export function filtered<T extends object>(rows: readonly T[], query: URLSearchParams, names: readonly string[]): T[] {
  const tests: ((row: Readonly<Record<string, unknown>>) => boolean)[] = []
  for (const [key, value] of query) {
    const [name, comparator] = key.split('__') as [string, string | undefined]
    if (!names.includes(name)) continue
    tests.push(comparator === undefined ? (row) => equal(row[name], value) : (row) => inexact(row[name], comparator, value))
  }
  return rows.filter((row) => tests.every((test) => test(row as Readonly<Record<string, unknown>>)))
}

function equal(held: unknown, wanted: string): boolean {
  if (typeof held === 'boolean') return held === asBoolean(wanted)
  return held !== undefined && held !== null && String(held) === wanted
}

/** oslo's bool_from_string with True for what it does not know, as in keystone.common.utils.attr_as_boolean. */
export const asBoolean = (value: string): boolean => !['0', 'f', 'false', 'off', 'n', 'no'].includes(value.trim().toLowerCase())

function inexact(held: unknown, comparator: string, wanted: string): boolean {
  if (typeof held !== 'string') return false
  const ignoreCase = comparator.startsWith('i')
  const [text, part] = ignoreCase ? [held.toLowerCase(), wanted.toLowerCase()] : [held, wanted]
  switch (ignoreCase ? comparator.slice(1) : comparator) {
    case 'contains':
      return text.includes(part)
    case 'startswith':
      return text.startsWith(part)
    case 'endswith':
      return text.endsWith(part)
    default:
      return true
  }
}

/** A parameter such as `include_names`: true when it is there at all, unless it is `0`. */
export const flag = (call: Pick<Call, 'query'>, name: string): boolean => call.query.has(name) && call.query.get(name) !== '0'

/** The answer to a list. All of it, unless `limit` asks for a page; then `marker` is the last id of the page before. */
export function listed<T extends { readonly id: string }>(call: Call, name: string, rows: readonly T[], path = name) {
  return wrapped(call, name, rows, (row) => member(call, path, row))
}

/** As `listed`, for rows that have links of their own. */
export function wrapped<T extends object>(call: Call, name: string, rows: readonly T[], show: (row: T) => object = (row) => row) {
  const marker = call.query.get('marker')
  const limit = Number(call.query.get('limit') ?? Number.NaN)
  const from = marker ? rows.findIndex((row) => idOf(row) === marker) + 1 : 0
  const rest = from > 0 ? rows.slice(from) : rows
  const page = limit > 0 ? rest.slice(0, limit) : rest
  const self = `${call.baseUrl}${call.request.path}`
  const more = page.length < rest.length
  const last = page.length > 0 ? idOf(page.at(-1)!) : undefined
  const next = more ? `${self}?${nextQuery(call.query, last ?? '')}` : null
  const links = { next, self: `${self}${call.request.query ? `?${call.request.query}` : ''}`, previous: null }
  return { [name]: page.map(show), links, ...(more && { truncated: true }) }
}

const idOf = (row: object): string | undefined => (row as { id?: string }).id

function nextQuery(query: URLSearchParams, marker: string): string {
  const next = new URLSearchParams(query)
  next.set('marker', marker)
  return next.toString()
}
