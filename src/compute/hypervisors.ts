/** Hypervisors: the nodes that computes run servers on, with the state of their computes. */
import type { RequestContext } from '../oslo/context.ts'
import type { NodeTotals } from '../stores/cell/hosts.ts'
import type { ComputeNode, Service } from '../stores/cell/services.ts'
import { answered, type Cell } from '../stores/cells.ts'
import type { Backends } from './backends.ts'
import { Fault } from './faults.ts'
import { callHost } from './rpc/host.ts'
import { hypervisorName } from './servers/names.ts'
import { isServing } from './services/list.ts'
import { sideBySide } from './side-by-side.ts'

export interface Hypervisor extends ComputeNode {
  readonly cell: Cell
  readonly service: Service
  readonly up: boolean
}

export interface GuestName {
  /** Its name on the hypervisor. */
  readonly name: string
  readonly uuid: string
}

interface Found {
  readonly cell: Cell
  readonly node: ComputeNode
}

/** A page over all cells, in their order. `marker` is an id or a UUID. Throws `markerNotFound`. */
export async function listHypervisors(
  backends: Backends,
  { limit, marker }: { limit?: number; marker?: string | undefined },
): Promise<Hypervisor[]> {
  const found: Found[] = []
  let after = marker === undefined ? undefined : await placeOf(backends, marker)
  if (marker !== undefined && !after) throw new Fault('markerNotFound', marker)
  for (const cell of await computeCells(backends)) {
    if (after && cell.id !== after.cell.id) continue
    const left = limit === undefined ? undefined : limit - found.length
    if (left !== undefined && left <= 0) break
    for (const node of await cell.computeNodes.page({ after: after?.node.id, limit: left })) found.push({ cell, node })
    // The cells behind the marker's are read from their start
    after = undefined
  }
  return withServices(backends, found)
}

async function placeOf(backends: Backends, id: string): Promise<Found | undefined> {
  const key = /^\d+$/.test(id) ? Number(id) : id
  const answers = await backends.stores.cells.gather((cell) => cell.computeNodes.get(key))
  return answers.filter(answered).flatMap(({ cell, value }) => (value ? [{ cell, node: value }] : []))[0]
}

/** Those in whose names a text stands. Throws `noSuchHypervisors` when there is none, and if `allMapped` `hostNotMapped` for the first whose host is in no cell. */
export async function matchingHypervisors(
  backends: Backends,
  pattern: string,
  { allMapped = false }: { allMapped?: boolean } = {},
): Promise<Hypervisor[]> {
  const answers = await backends.stores.cells.gather((cell) => cell.computeNodes.matching(pattern))
  const found = answers.filter(answered).flatMap(({ cell, value }) => value.map((node) => ({ cell, node })))
  if (found.length === 0) throw new Fault('noSuchHypervisors', pattern)
  return withServices(backends, found, allMapped)
}

/** By id or UUID. Throws `hypervisorNotFound`, also when its compute is gone. */
export async function findHypervisor(backends: Backends, id: string): Promise<Hypervisor> {
  const found = await placeOf(backends, id)
  const [hypervisor] = found ? await withServices(backends, [found]) : []
  if (!hypervisor) throw new Fault('hypervisorNotFound', id)
  return hypervisor
}

const computeCells = async ({ stores }: Backends): Promise<Cell[]> =>
  (await stores.cells.all()).filter(({ transportUrl }) => transportUrl !== null)

/** Leaves out nodes that are left behind: their compute is deleted, or their host is not mapped (unless they shall all be). */
async function withServices(backends: Backends, found: readonly Found[], allMapped = false): Promise<Hypervisor[]> {
  const { stores } = backends
  const hosts = [...new Set(found.map(({ node }) => node.host!))]
  const cellIds = [...new Set(found.map(({ cell }) => cell.id))]
  const [mapped, answers] = await Promise.all([
    stores.api.hostMappings.of(hosts),
    stores.cells.gather((cell) => cell.services.ofHosts(hosts, 'nova-compute'), cellIds),
  ])
  const cellOf = new Map(mapped.map(({ host, cellId }) => [host, cellId]))
  const unmapped = allMapped ? hosts.find((host) => !cellOf.has(host)) : undefined
  if (unmapped !== undefined) throw new Fault('hostNotMapped', unmapped)
  const services = new Map(
    answers.filter(answered).flatMap(({ cell, value }) => value.map((service) => [`${cell.id} ${service.host}`, service])),
  )
  return found.flatMap(({ cell, node }) => {
    const service = services.get(`${cell.id} ${node.host}`)
    return service && cellOf.get(node.host!) === cell.id ? [{ ...node, cell, service, up: isServing(backends, service) }] : []
  })
}

/** The servers on each of these hosts. */
export async function guestsOf({ stores, settings }: Backends, page: readonly Hypervisor[]): Promise<Map<string, GuestName[]>> {
  const out = new Map<string, GuestName[]>()
  const hosts = page.flatMap(({ host }) => host ?? [])
  const answers = await stores.cells.gather((cell) => cell.hosts.servers(hosts), [...new Set(page.map(({ cell }) => cell.id))])
  for (const server of answers.filter(answered).flatMap(({ value }) => value)) {
    const list = out.get(server.host) ?? []
    list.push({ uuid: server.uuid, name: hypervisorName(settings.compute.instanceNameTemplate!, server) })
    out.set(server.host, list)
  }
  return out
}

/** How many computes are asked at once. */
const atOnce = 16

/** What each says of its uptime, as far as it is up and its driver can tell; null otherwise. */
export async function uptimesOf(
  backends: Backends,
  context: RequestContext,
  page: readonly Hypervisor[],
): Promise<Map<string, string | null>> {
  const uptimes = await sideBySide(page, atOnce, async (hypervisor) => {
    const known = statedUptime(hypervisor.stats)
    if (known !== undefined || !hypervisor.up) return known ?? null
    try {
      return await uptimeOf(backends, context, hypervisor)
    } catch (error) {
      if (error instanceof Fault && error.kind === 'notImplemented') return null
      throw error
    }
  })
  return new Map(page.map(({ uuid }, i) => [uuid!, uptimes[i]!]))
}

function statedUptime(stats: string | null): string | null | undefined {
  const parsed: unknown = JSON.parse(stats || '{}')
  return typeof parsed === 'object' && parsed !== null && 'uptime' in parsed ? (parsed.uptime as string | null) : undefined
}

/** Throws `computeUnavailable` when the compute is down, `notImplemented` when its driver cannot tell. */
export async function uptimeOf(backends: Backends, context: RequestContext, { cell, service, up }: Hypervisor): Promise<string> {
  if (!up) throw new Fault('computeUnavailable', service.host)
  return callHost(backends, context, { cell, service }, 'get_host_uptime', {})
}

/** Sums over all nodes whose computes are enabled. */
export async function hypervisorTotals({ stores }: Backends): Promise<NodeTotals> {
  const answers = await stores.cells.gather((cell) => cell.hosts.totals())
  const all = answers.filter(answered).map(({ value }) => value)
  const sum = (name: keyof NodeTotals) => all.reduce((total, each) => total + each[name], 0)
  return Object.fromEntries((Object.keys(all[0] ?? {}) as (keyof NodeTotals)[]).map((name) => [name, sum(name)])) as NodeTotals
}
