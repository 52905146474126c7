/** `GET /v2/images`: which images, in which order, which page of them (glance/api/v2/images.py index, glance/db/sqlalchemy/api.py image_get_all). */
import type { AuthenticatedCall } from '../service.ts'
import { badRequest, noImage, notAllowed } from './faults.ts'
import { type Image, imageView, type Store } from './model.ts'
import { isListed, isVisible, owns } from './rules.ts'

const sortKeys = ['name', 'status', 'container_format', 'disk_format', 'size', 'id', 'created_at', 'updated_at']
/** [DEFAULT] limit_param_default and api_limit_max. */
const usualLimit = 25
const largestLimit = 1000

type View = Readonly<Record<string, unknown>>
type Test = (view: View, image: Image) => boolean

export function listImages(store: Store, call: AuthenticatedCall): object {
  const { caller, query } = call
  if (!caller.isAdmin && !caller.roles.includes('reader')) throw notAllowed('get_images')
  const limit = limitOf(query)
  const memberStatus = oneOf(query.get('member_status') ?? 'accepted', ['pending', 'accepted', 'rejected', 'all'], 'Invalid status')
  const tests = testsOf(query)
  const order = orderOf(query)
  const visibility = query.get('visibility')
  const rows = store.images
    .filter((image) => isListed(store, caller, image, memberStatus))
    // Others' community images are shown only to who asks for them.
    .filter((image) => visibility !== null || image.visibility !== 'community' || owns(caller, image))
    .map((image) => ({ image, view: imageView(image) }))
    .filter(({ image, view }) => tests.every((test) => test(view, image)))
    .sort((a, b) => order(a, b))
  const marker = query.get('marker')
  const from = marker === null ? 0 : after(store, call, rows, order, marker)
  const page = rows.slice(from, from + limit).map(({ view }) => view)
  const rest = new URLSearchParams([...new Map(query)].filter(([name]) => name !== 'marker'))
  const first = rest.size > 0 ? `/v2/images?${rest}` : '/v2/images'
  const last = page.at(-1)?.id as string | undefined
  const next = last !== undefined && page.length === limit ? { next: `/v2/images?${withMarker(rest, last)}` } : {}
  return { images: page, first, schema: '/v2/schemas/images', ...next }
}

function withMarker(query: URLSearchParams, marker: string): URLSearchParams {
  const all = new URLSearchParams(query)
  all.set('marker', marker)
  return all
}

interface Row {
  readonly image: Image
  readonly view: View
}
type Order = (a: Row, b: Row) => number

/** The place after the marker, also when the filters leave the marker itself out. */
function after(store: Store, { caller }: AuthenticatedCall, rows: readonly Row[], order: Order, marker: string): number {
  const image = store.images.get(marker)
  if (!image || !isVisible(store, caller, image)) throw badRequest(noImage(marker).message)
  const at = { image, view: imageView(image) }
  const next = rows.findIndex((row) => order(row, at) > 0)
  return next < 0 ? rows.length : next
}

function limitOf(query: URLSearchParams): number {
  const given = query.get('limit')
  if (given === null) return usualLimit
  if (!/^\s*[+-]?\d+\s*$/.test(given)) throw badRequest('limit param must be an integer')
  if (Number(given) < 0) throw badRequest('limit param must be positive')
  return Math.min(Number(given), largestLimit)
}

function oneOf(value: string, allowed: readonly string[], complaint: string): string {
  if (!allowed.includes(value)) throw badRequest(`${complaint}: ${value}`)
  return value
}

/** The last said of the two ways to name an order: `sort=name:asc,size` or pairs of `sort_key` and `sort_dir`. */
function orderOf(query: URLSearchParams): Order {
  const [keys, directions] = sortingOf(query)
  const usual = directions.length === 1 ? directions[0]! : 'desc'
  const all = keys.map((key, i) => [key, directions[i] ?? usual] as const)
  for (const key of ['created_at', 'id']) if (!keys.includes(key)) all.push([key, usual])
  return (a, b) => {
    for (const [key, direction] of all) {
      const way = compare(sortValue(a, key), sortValue(b, key))
      if (way !== 0) return direction === 'asc' ? way : -way
    }
    return 0
  }
}

function sortingOf(query: URLSearchParams): [keys: string[], directions: string[]] {
  const key = (value: string) => {
    const name = value.trim()
    if (!sortKeys.includes(name)) throw badRequest(`Invalid sort key: ${name}. It must be one of the following: ${sortKeys.join(', ')}.`)
    return name
  }
  const direction = (value: string) => oneOf(value.trim(), ['asc', 'desc'], 'Invalid sort direction')
  const sort = query.get('sort')
  if (sort !== null) {
    if (query.has('sort_key') || query.has('sort_dir')) throw badRequest('Old and new sorting syntax cannot be combined')
    const pairs = sort.split(',').map((part) => part.split(':') as [string, string?])
    return [pairs.map(([name]) => key(name)), pairs.map(([, way]) => direction(way || 'desc'))]
  }
  const keys = query.getAll('sort_key').map(key)
  const directions = query.getAll('sort_dir').map(direction)
  if (directions.length > 1 && directions.length !== keys.length)
    throw badRequest('Number of sort dirs does not match the number of sort keys')
  return [keys.length > 0 ? keys : ['created_at'], directions.length > 0 ? directions : ['desc']]
}

/** Times to the millisecond, since views round them. */
function sortValue({ image, view }: Row, key: string): string | number | null {
  if (key === 'created_at') return image.created
  if (key === 'updated_at') return image.updated
  return view[key] as string | number | null
}

/** Null comes before everything, as in MariaDB. */
function compare(a: string | number | null, b: string | number | null): number {
  if (a === b) return 0
  if (a === null || b === null) return a === null ? -1 : 1
  return a < b ? -1 : 1
}

const withOperator = ['name', 'id', 'status', 'container_format', 'disk_format']
const notFilters = ['limit', 'marker', 'member_status', 'sort', 'sort_key', 'sort_dir']

function testsOf(query: URLSearchParams): Test[] {
  if (query.get('changes-since')) throw badRequest('The "changes-since" filter is no longer available on v2.')
  const tests: Test[] = query.getAll('tag').map((tag) => (_, image) => image.tags.includes(tag.trim()))
  const hidden = flagOf(query, 'os_hidden') ?? false
  tests.push((_, image) => image.os_hidden === hidden)
  for (const [name, value] of new Map(query)) {
    if (notFilters.includes(name) || name === 'tag' || name === 'os_hidden') continue
    tests.push(testOf(query, name, value))
  }
  return tests
}

function testOf(query: URLSearchParams, name: string, value: string): Test {
  if (name === 'visibility') {
    const wanted = oneOf(value, ['community', 'public', 'private', 'shared', 'all'], 'Invalid visibility value')
    return (view) => wanted === 'all' || view.visibility === wanted
  }
  if (name === 'protected') {
    const wanted = flagOf(query, name)
    return (view) => view.protected === wanted
  }
  if (/_(min|max)$/.test(name)) return rangeTest(name, value)
  if (name === 'created_at' || name === 'updated_at') return timeTest(name, value)
  if (withOperator.includes(name)) return operatorTest(name, value)
  return (view) => view[name] !== undefined && view[name] !== null && String(view[name]) === value
}

function flagOf(query: URLSearchParams, name: string): boolean | undefined {
  const value = query.get(name)
  if (value === null) return undefined
  const word = name === 'os_hidden' ? value.toLowerCase() : value
  if (word !== 'true' && word !== 'false')
    throw badRequest(`Invalid value '${word}' for '${name}' filter. Valid values are 'true' or 'false'.`)
  return word === 'true'
}

function rangeTest(name: string, value: string): Test {
  if (!/^\s*[+-]?\d+\s*$/.test(value)) throw badRequest('Unable to filter on a range with a non-numeric value.')
  const [key, bound] = [name.slice(0, -4), Number(value)]
  const least = name.endsWith('_min')
  return (view) => typeof view[key] === 'number' && (least ? view[key] >= bound : view[key] <= bound)
}

function operatorTest(name: string, value: string): Test {
  const colon = value.indexOf(':')
  if (colon < 0) return (view) => view[name] === value
  const [operator, operand] = [value.slice(0, colon), value.slice(colon + 1)]
  if (operator === 'eq') return (view) => view[name] === operand
  if (operator !== 'in') throw badRequest(`Unable to filter by unknown operator '${operator}'.`)
  const wanted = listOf(operand)
  return (view) => wanted.includes(view[name] as string)
}

/** `a,"b,c"` → a and b,c. */
const listOf = (text: string): string[] =>
  [...text.matchAll(/"((?:[^"\\]|\\.)*)",?|([^,]+),?|,/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')

const comparisons: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  gt: (a, b) => a > b,
  gte: (a, b) => a >= b,
  lt: (a, b) => a < b,
  lte: (a, b) => a <= b,
  eq: (a, b) => a === b,
  neq: (a, b) => a !== b,
}

function timeTest(name: 'created_at' | 'updated_at', value: string): Test {
  const [, operator = 'eq', text = ''] = /^(?:([a-z]+):)?(.*)$/s.exec(value) ?? []
  const time = /^\d{4}-\d\d-\d\d/.test(text)
    ? Date.parse(/T.*(Z|[+-]\d\d:?\d\d)$/.test(text) || !text.includes('T') ? text : `${text}Z`)
    : Number.NaN
  if (Number.isNaN(time)) throw badRequest(`Bad "${name}" query filter format. Use ISO 8601 DateTime notation.`)
  const holds = comparisons[operator]
  if (!holds) throw badRequest(`Unable to filter by unknown operator '${operator}'.`)
  return (view) => holds(Date.parse(view[name] as string), time)
}
