/** What is known of servers beside their rows. Each loads a whole page in a constant number of statements and calls. */
import type { RequestContext } from '../../oslo/context.ts'
import type { WireObject } from '../../oslo/objects/object.ts'
import type { NeutronClient } from '../../peers/neutron.ts'
import type { Beside } from '../../stores/cell/beside.ts'
import type { ServerFault } from '../../stores/cell/faults.ts'
import type { Server } from '../../stores/cell/servers.ts'
import { type Answer, answered, type Cell } from '../../stores/cells.ts'
import type { Backends } from '../backends.ts'
import { type HostStatus, hostStatuses } from '../hosts.ts'

type Page = readonly Server[]

/** Asks the cells that hold servers of the page, each for its own; one that fails adds nothing. */
export async function ofCells<T>({ stores }: Backends, page: Page, ask: (cell: Cell, uuids: string[]) => Promise<Map<string, T>>) {
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
  const known: Map<string, Pick<Beside, P>> = await ofCells(backends, page, (cell, uuids) => cell.beside.of(uuids, parts))
  for (const { uuid, pending } of page) if (pending) known.set(uuid, pendingBeside(pending))
  const one = <K extends P>(part: K) => new Map(Array.from(known, ([uuid, values]) => [uuid, values[part]]))
  return Object.fromEntries(parts.map((part) => [part, one(part)])) as { [K in P]: Map<string, Beside[K]> }
}

/** The last fault of each. */
export const faultsOf = (backends: Backends, page: Page): Promise<Map<string, ServerFault>> =>
  ofCells(backends, page, (cell, uuids) => cell.faults.latestOf(uuids))

/** What the scheduler was asked. */
export const requestSpecsOf = ({ stores }: Backends, page: Page): Promise<Map<string, WireObject>> =>
  stores.api.requestSpecs.of(page.map((server) => server.uuid))

/** The UUID of the server group of each that is in one. */
export const groupsOf = ({ stores }: Backends, page: Page): Promise<Map<string, string>> =>
  stores.api.serverGroups.of(page.map((server) => server.uuid))

/** The availability zone of each: that of its host or, before it has one, the one that was asked for. */
export async function zonesOf({ stores, settings }: Backends, page: Page): Promise<Map<string, string | null>> {
  const zones = page.some((server) => server.host) ? await stores.api.aggregates.zonesOfHosts() : new Map<string, string>()
  return new Map(
    page.map(({ uuid, host, availabilityZone }) => [
      uuid,
      host ? (zones.get(host) ?? settings.compute.defaultAvailabilityZone) : availabilityZone,
    ]),
  )
}

const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)]

export async function hostStatusesOf(backends: Backends, page: Page): Promise<Map<string, HostStatus>> {
  const onHosts = page.filter(({ host, cellId }) => host && cellId !== null)
  const statuses = await hostStatuses(backends, distinct(onHosts.map(({ host }) => host!)), distinct(onHosts.map(({ cellId }) => cellId!)))
  return new Map(page.filter((server) => !server.partial).map((server) => [server.uuid, (server.host && statuses.get(server.host)) || '']))
}

/** Servers that are asked for at once. */
const portsBatch = 150

export const securityGroupsOf = ({ peers }: Backends, context: RequestContext, page: Page): Promise<Map<string, { name: string }[]>> =>
  securityGroupNames(
    peers.neutron.as(context),
    page.map((server) => server.uuid),
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
