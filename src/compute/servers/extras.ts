/** What is known of servers beside their rows. Each loads a whole page in a constant number of statements and calls. */
import type { RequestContext } from '../../oslo/context.ts'
import type { NeutronClient } from '../../peers/neutron.ts'
import type { KnownOfServer } from '../../stores/api/mappings.ts'
import type { Wishes } from '../../stores/api/requests.ts'
import type { Beside } from '../../stores/cell/beside.ts'
import type { ServerFault } from '../../stores/cell/faults.ts'
import type { Server } from '../../stores/cell/servers.ts'
import { type Answer, answered, type Cell } from '../../stores/cells.ts'
import type { Backends } from '../backends.ts'
import { type HostStatus, hostStatuses, statusOf } from '../hosts.ts'

type Page = readonly Server[]

/** Asks the cells that hold servers of the page, each for its own; one that fails adds nothing. */
async function ofCells<T>({ stores }: Backends, page: Page, ask: (cell: Cell, uuids: string[]) => Promise<Map<string, T>>) {
  const byCell = new Map<number, string[]>()
  for (const { cellId, uuid, partial } of page) {
    if (cellId === null || partial) continue
    const uuids = byCell.get(cellId)
    if (uuids) uuids.push(uuid)
    else byCell.set(cellId, [uuid])
  }
  const out = new Map<string, T>()
  if (byCell.size === 0) return out
  const answers: Answer<Map<string, T>>[] = await stores.cells.gather((cell) => ask(cell, byCell.get(cell.id)!), [...byCell.keys()])
  for (const answer of answers) if (answered(answer)) for (const [uuid, value] of answer.value) out.set(uuid, value)
  return out
}

const pendingBeside = ({ metadata, systemMetadata, tags }: NonNullable<Server['pending']>): Beside => ({
  metadata,
  systemMetadata,
  tags,
  volumes: [],
})

/** These parts of each server, by part; of servers that no cell holds yet, what their requests know. */
export async function besideOf<P extends keyof Beside>(
  backends: Backends,
  page: Page,
  parts: readonly P[],
): Promise<{ [K in P]: Map<string, Beside[K]> }> {
  const unknown = page.filter((server) => !server.beside)
  const known: Map<string, Pick<Beside, P>> = await ofCells(backends, unknown, (cell, uuids) => cell.beside.of(uuids, parts))
  for (const { uuid, beside, pending } of page) {
    if (beside) known.set(uuid, beside)
    else if (pending) known.set(uuid, pendingBeside(pending))
  }
  const one = <K extends P>(part: K) => new Map(Array.from(known, ([uuid, values]) => [uuid, values[part]]))
  return Object.fromEntries(parts.map((part) => [part, one(part)])) as { [K in P]: Map<string, Beside[K]> }
}

/** The last fault of each. */
export const faultsOf = (backends: Backends, page: Page): Promise<Map<string, ServerFault>> =>
  ofCells(backends, page, (cell, uuids) => cell.faults.latestOf(uuids))

/** What the scheduler was asked. */
export const wishesOf = async ({ stores }: Backends, page: Page): Promise<Map<string, Wishes>> =>
  knownOf(page, ({ wishes }) => wishes) ?? stores.api.requestSpecs.wishesOf(page.map((server) => server.uuid))

/** The UUID of the server group of each that is in one. */
export const groupsOf = async ({ stores }: Backends, page: Page): Promise<Map<string, string>> =>
  knownOf(page, ({ group }) => group) ?? stores.api.serverGroups.of(page.map((server) => server.uuid))

/** By server, from what was read with each; undefined when something has to be asked for. */
function knownOf<T>(page: Page, get: (known: KnownOfServer) => T | null): Map<string, T> | undefined {
  const out = new Map<string, T>()
  for (const { uuid, known } of page) {
    if (!known) return undefined
    const value = get(known)
    if (value !== null) out.set(uuid, value)
  }
  return out
}

/** The availability zone of each: that of its host or, before it has one, the one that was asked for. */
export async function zonesOf({ stores, settings }: Backends, page: Page): Promise<Map<string, string | null>> {
  const known = page.find((server) => server.known)?.known?.zones
  const zones = known ?? (page.some((server) => server.host) ? await stores.api.aggregates.zonesOfHosts() : new Map<string, string>())
  return new Map(
    page.map(({ uuid, host, availabilityZone }) => [
      uuid,
      host ? (zones.get(host) ?? settings.compute.defaultAvailabilityZone) : availabilityZone,
    ]),
  )
}

const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)]

/** The first of its servers decides for a host, and where that is deleted there is none. nova/compute/api.py API.get_instances_host_statuses */
export async function hostStatusesOf(backends: Backends, page: Page): Promise<Map<string, HostStatus>> {
  const asked = page.filter(({ host, cellId, service }) => host && cellId !== null && service === undefined)
  const statuses = await hostStatuses(backends, distinct(asked.map(({ host }) => host!)), distinct(asked.map(({ cellId }) => cellId!)))
  const first = new Map(page.toReversed().map((server) => [server.host, server]))
  for (const [host, { deleted }] of first) if (host && deleted) statuses.set(host, '')
  const statusFor = ({ host, service }: Server) => (service ? statusOf(backends, service) : ((host && statuses.get(host)) ?? ''))
  return new Map(page.filter((server) => !server.partial).map((server) => [server.uuid, statusFor(server)]))
}

/** Servers that are asked for at once. */
const portsBatch = 150

/** Those of servers whose cell does not answer are not shown, so Neutron, which may be away as well, is not asked for them. */
export const securityGroupsOf = ({ peers }: Backends, context: RequestContext, page: Page): Promise<Map<string, { name: string }[]>> =>
  securityGroupNames(
    peers.neutron.as(context),
    page.filter((server) => !server.partial).map((server) => server.uuid),
  )

/**
 * Names of the security groups on the ports of each server, in the order of its ports; a group that the caller may not see is left out.
 * Only what is shown is asked for (nova commit b97e46334d, after 33.0.2).
 */
export async function securityGroupNames(neutron: NeutronClient, uuids: readonly string[]): Promise<Map<string, { name: string }[]>> {
  const batches = Array.from({ length: Math.ceil(uuids.length / portsBatch) }, (_, i) => uuids.slice(i * portsBatch, (i + 1) * portsBatch))
  const fields = ['device_id', 'security_groups']
  const ports = (await Promise.all(batches.map((batch) => neutron.list('ports', { device_id: batch, fields })))).flat()
  const ids = [...new Set(ports.flatMap((port) => port.security_groups))]
  const groups = ids.length === 0 ? [] : await neutron.list('security-groups', { id: ids, fields: ['id', 'name'] })
  const names = new Map(groups.map((group) => [group.id, group.name || group.id]))
  const out = new Map<string, { name: string }[]>()
  for (const port of ports)
    for (const id of port.security_groups) {
      const name = names.get(id)
      if (name === undefined) continue
      const known = out.get(port.device_id)
      if (known) known.push({ name })
      else out.set(port.device_id, [{ name }])
    }
  return out
}
