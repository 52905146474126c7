/** Lists servers: those that no cell holds yet first, then those of all cells in one order. */
import type { RequestContext } from '../../oslo/context.ts'
import { bounded } from '../../oslo/database/regexp.ts'
import { str } from '../../oslo/python.ts'
import { fromPython } from '../../oslo/python-regexp.ts'
import { camel } from '../../stores/camel.ts'
import { isServerColumn, type Server, type ServerFilter, sortValues } from '../../stores/cell/servers.ts'
import { answered } from '../../stores/cells.ts'
import type { Order } from '../../stores/paging.ts'
import { serverOfRequest } from '../../stores/pending.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { findFlavor } from '../flavors.ts'
import { partialServer } from './partial.ts'

/** What a search and a filter hold alike. */
const shared = ['tags', 'tagsAny', 'notTags', 'notTagsAny', 'changesSince', 'changesBefore', 'deleted', 'softDeleted'] as const

/** A search as it was asked for; every value but the directions of its order has been checked. */
export interface ServerSearch extends Pick<ServerFilter, (typeof shared)[number]> {
  /** By Nova's names: columns of a server, or flavor, ip, ip6, and short names (image, name, tenant_id). */
  readonly filters: Readonly<Record<string, string | readonly string[] | boolean>>
  /** Keys as Nova's columns, which the caller may use, and directions as they were given. */
  readonly sort: { readonly keys: readonly string[]; readonly directions: readonly string[] }
  readonly limit: number
  readonly marker?: string | undefined
  /** Of all projects. */
  readonly everyProject: boolean
  /** Shows what is known of servers whose cell does not answer. */
  readonly partial: boolean
}

/** Filters that must match exactly; others are regular expressions (nova/db/main/api.py instance_get_all_by_filters_sort). */
const exactNames = new Set([
  'project_id',
  'user_id',
  'image_ref',
  'vm_state',
  'instance_type_id',
  'uuid',
  'host',
  'task_state',
  'locked',
  'hidden',
])
const remapped: Readonly<Record<string, string>> = { image: 'image_ref', name: 'display_name', tenant_id: 'project_id' }

/** Throws `markerNotFound`. Nothing matches a flavor that is not there. */
export async function listServers(backends: Backends, context: RequestContext, search: ServerSearch): Promise<Server[]> {
  const { limit, marker } = search
  const filter = await filterOf(backends, context, search)
  if (!filter) return []
  if (limit === 0 && marker === undefined) return []
  checkSort(search.sort)
  const order = orderOf(search.sort)
  // Only the legacy endpoint lets others pass: each cell fails for them, which leaves nothing (nova/compute/multi_cell_list.py)
  if (order.some(({ column }) => !isServerColumn(column))) return []
  const byAddress = 'ip' in search.filters || 'ip6' in search.filters
  // Servers that no cell holds have no addresses yet
  const waiting =
    byAddress && marker === undefined
      ? []
      : await pendingServers(
          backends,
          context.isAdmin || search.everyProject ? null : (context.projectId ?? ''),
          filter,
          waitingOrderOf(search.sort),
        )
  const markerAt = waiting.findIndex((server) => server.uuid === marker)
  const first = (markerAt < 0 ? (marker === undefined ? waiting : []) : waiting.slice(markerAt + 1)).slice(0, limit)
  const rest = limit - first.length
  const { found, down } = await serversOfCells(backends, context, filter, {
    order,
    limit: rest,
    marker: markerAt < 0 ? marker : undefined,
    // Then what is known of the others is shown (nova/compute/multi_cell_list.py get_records_sorted)
    skipping: search.partial || backends.settings.api.listRecordsBySkippingDownCells,
  })
  const all = unique([...first, ...found])
  if (!search.partial || down.length === 0) return all
  return [...(await partialServers(backends, down, search.everyProject ? null : context.projectId, limit - all.length)), ...all]
}

const unique = (servers: readonly Server[]): Server[] => [...new Map(servers.map((server) => [server.uuid, server])).values()]

type Sort = ServerSearch['sort']

/** Throws `badRequest`. nova/db/utils.py process_sort_params */
function checkSort({ keys, directions }: Sort): void {
  if (directions.some((direction) => direction !== 'asc' && direction !== 'desc'))
    throw new Fault('badRequest', "Invalid input received: Unknown sort direction, must be 'desc' or 'asc'")
  if (directions.length > keys.length) throw new Fault('badRequest', 'Invalid input received: Sort direction size exceeds sort key size')
}

/** The order of the cells, in which no two servers are equal. nova/compute/instance_list.py InstanceSortContext */
function orderOf({ keys, directions }: Sort): Order[] {
  if (keys.length === 0) return ordered(['created_at', 'id', 'uuid'], ['desc', 'desc', 'asc'])
  if (keys.includes('uuid')) return ordered(keys, directions)
  // Nova appends to what was given, so that a direction that is missing before it becomes this one
  return ordered([...keys, 'uuid'], [...directions, 'asc'], firstOf(directions))
}

/** That of servers that no cell holds yet: when and in which order they were asked for decides between equals. */
const waitingOrderOf = ({ keys, directions }: Sort): Order[] =>
  ordered([...keys, ...['created_at', 'id'].filter((key) => !keys.includes(key))], directions)

const firstOf = (directions: readonly string[]): string => directions[0] ?? 'desc'

/** Directions that are missing are the first one's. */
const ordered = (columns: readonly string[], directions: readonly string[], missing = firstOf(directions)): Order[] =>
  columns.map((column, i) => ({ column, direction: (directions[i] ?? missing) as Order['direction'] }))

async function filterOf(backends: Backends, context: RequestContext, search: ServerSearch): Promise<ServerFilter | undefined> {
  const exact: Record<string, unknown> = {}
  const anyOf: Record<string, readonly unknown[]> = {}
  const like: Record<string, string> = {}
  const addresses: string[] = []
  for (const [asked, value] of Object.entries(search.filters)) {
    const name = remapped[asked] ?? asked
    if (name === 'ip' || name === 'ip6') addresses.push(String(value))
    else if (name === 'flavor') exact.instance_type_id = await flavorKey(backends, context, String(value))
    else if (!isServerColumn(name)) continue
    else if (Array.isArray(value)) anyOf[name] = value
    else if (exactNames.has(name)) exact[name] = value
    else like[name] = String(value)
  }
  if (exact.instance_type_id === null) return undefined
  if (addresses.length > 0) {
    const uuids = await withAddresses(backends, context, addresses)
    if (uuids.length === 0) return undefined
    anyOf.uuid = [...uuids, ...(exact.uuid === undefined ? [] : [exact.uuid]), ...(anyOf.uuid ?? [])]
    delete exact.uuid
  }
  if (Object.values(anyOf).some((values) => values.length === 0)) return undefined
  if (!context.isAdmin && !search.everyProject) {
    if (context.projectId) exact.project_id = context.projectId
    else exact.user_id = context.userId
  }
  const given = shared.filter((name) => search[name] !== undefined).map((name) => [name, search[name]])
  return { exact, anyOf, like, ...(Object.fromEntries(given) as Pick<ServerFilter, (typeof shared)[number]>) }
}

async function flavorKey(backends: Backends, context: RequestContext, flavorid: string): Promise<number | null> {
  try {
    return (await findFlavor(backends, context, flavorid)).id
  } catch (error) {
    if (error instanceof Fault && error.kind === 'flavorNotFound') return null
    throw error
  }
}

/** Servers with a port whose address holds one of these texts. A Neutron that fails finds nothing, as in Nova. */
async function withAddresses({ peers }: Backends, context: RequestContext, texts: readonly string[]): Promise<string[]> {
  const neutron = peers.neutron.as(context)
  const found = await Promise.all(
    texts.map((text) => neutron.list('ports', { fixed_ips: `ip_address_substr=${text}`, fields: ['device_id'] }).catch(() => [])),
  )
  return [...new Set(found.flat().map((port) => port.device_id))]
}

async function pendingServers(
  backends: Backends,
  projectId: string | null,
  filter: ServerFilter,
  order: readonly Order[],
): Promise<Server[]> {
  if (filter.deleted) return []
  const requests = await backends.stores.api.requests.list(projectId)
  const servers = requests.map(serverOfRequest).filter(matching(filter))
  return servers.sort((a, b) => compared(a, b, order))
}

/** Nova compares these as texts, and only where they are true: a server that no cell holds yet is neither. */
const neverTrue = new Set(['locked', 'hidden'])

/** nova/objects/build_request.py BuildRequestList.get_by_filters: what the database does for others. Times do not count here. */
function matching({ exact = {}, anyOf = {}, like = {}, ...filter }: ServerFilter): (server: Server) => boolean {
  const patterns = Object.entries(like).map(([column, pattern]) => [column, bounded(fromPython(pattern) ?? /(?!)/, pattern)] as const)
  return (server) => {
    const value = (column: string) => (server as unknown as Record<string, unknown>)[camel(column)]
    const tags = server.pending?.tags ?? []
    return (
      Object.entries(exact).every(([column, wanted]) => neverTrue.has(column) || (value(column) ?? null) === wanted) &&
      Object.entries(anyOf).every(([column, wanted]) => wanted.includes(value(column))) &&
      patterns.every(([column, found]) => !value(column) || found(str(value(column)))) &&
      (filter.tags ?? []).every((tag) => tags.includes(tag)) &&
      (filter.tagsAny?.some((tag) => tags.includes(tag)) ?? true) &&
      !filter.notTags?.every((tag) => tags.includes(tag)) &&
      !filter.notTagsAny?.some((tag) => tags.includes(tag))
    )
  }
}

/** Null sorts before everything, as in the databases. */
function compared(a: Server, b: Server, order: readonly Order[]): number {
  const left = sortValues(a, order)
  const right = sortValues(b, order)
  for (const [i, { direction }] of order.entries()) {
    const [x, y] = [left[i] ?? null, right[i] ?? null] as [number | string | null, number | string | null]
    if (x === y) continue
    const smaller = x === null || (y !== null && x < y)
    return smaller === (direction === 'asc') ? -1 : 1
  }
  return 0
}

interface CellPage {
  readonly order: readonly Order[]
  readonly limit: number
  readonly marker: string | undefined
  /** Leaves out cells that do not answer, instead of failing. */
  readonly skipping: boolean
}

/** The cells' pages merged into one, and the cells that did not answer. */
async function serversOfCells(
  { stores, settings }: Backends,
  context: RequestContext,
  filter: ServerFilter,
  { order, limit, marker, skipping }: CellPage,
): Promise<{ found: Server[]; down: number[] }> {
  const after = marker === undefined ? undefined : await markerValues({ stores }, marker, order)
  if (limit === 0) return { found: [], down: [] }
  const only =
    settings.api.instanceListPerProjectCells && !context.isAdmin && context.projectId
      ? await stores.api.serverMappings.cellsOf(context.projectId)
      : undefined
  const answers = await stores.cells.gather((cell) => cell.servers.list(filter, { order, after, limit }), only)
  const failed = answers.filter((answer) => !answered(answer))
  if (failed.length > 0 && !skipping) throw new Fault('cellDown', failed[0]!.cell.uuid)
  const pages = answers.filter(answered).map(({ value }) => value)
  return { found: merged(pages, order).slice(0, limit), down: failed.map(({ cell }) => cell.id) }
}

/** Each page is sorted, so one of them alone is already the answer. */
function merged(pages: readonly Server[][], order: readonly Order[]): Server[] {
  const filled = pages.filter((page) => page.length > 0)
  return filled.length < 2 ? (filled[0] ?? []) : filled.flat().sort((a, b) => compared(a, b, order))
}

async function markerValues({ stores }: Pick<Backends, 'stores'>, marker: string, order: readonly Order[]): Promise<unknown[]> {
  const mapping = await stores.api.serverMappings.find(marker)
  const cell = mapping?.cellId ? await stores.cells.byId(mapping.cellId) : undefined
  const server = await cell?.servers.find(marker, { deletedToo: true })
  if (!server) throw new Fault('markerNotFound', marker)
  return sortValues(server, order)
}

async function partialServers({ stores }: Backends, cells: readonly number[], projectId: string | null, limit: number): Promise<Server[]> {
  const mappings = await Promise.all(cells.map((cell) => stores.api.serverMappings.ofCell(cell, projectId, Math.max(limit, 0))))
  return mappings
    .flat()
    .slice(0, Math.max(limit, 0))
    .map((mapping) => partialServer(mapping, null)!)
}
