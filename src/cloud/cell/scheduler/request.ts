/** What a server asks of its host, read once from the request spec and what stands around it. */
import type { GroupPolicy } from '../../../stores/api/server-groups.ts'
import type { Flavor } from '../../../stores/objects/flavor.ts'
import type { RequestSpec } from '../../../stores/objects/request-spec.ts'
import type { CellCore } from '../parts.ts'
import { type Taken, takenBy } from '../usage.ts'

export interface Request {
  readonly spec: RequestSpec
  readonly flavor: Flavor
  readonly takes: Taken
  /** Values of a scheduler hint. */
  readonly hint: (name: string) => readonly string[]
  /** The one host that may be: forced, or the destination that was asked for. */
  readonly host: string | undefined
  readonly node: string | undefined
  /** The host was named by somebody who may overrule all rules but that of room. */
  readonly forced: boolean
  readonly group: GroupPolicy | undefined
  /** How many servers of the group each host has, those that are just being placed included. */
  readonly groupServers: Map<string, number>
  /** Where the servers are that the hints same_host and different_host name. */
  readonly hintedHosts: ReadonlyMap<string, string>
}

/** Nova's mark on requests to rebuild in place. nova/scheduler/utils.py request_is_rebuild */
const checkType = '_nova_check_type'

export async function readRequest(
  cells: readonly CellCore[],
  spec: RequestSpec,
  uuids: readonly string[],
  placed: Placed,
): Promise<Request> {
  const hints = spec.scheduler_hints ?? {}
  const hint = (name: string) => hints[name] ?? []
  const destination = spec.requested_destination
  const forcedHost = spec.force_hosts?.[0]
  const forcedNode = spec.force_nodes?.[0]
  const group = uuids[0] === undefined ? undefined : await cells[0]!.api.serverGroups.policyOf(uuids[0])
  const others = (group?.members ?? []).filter((member) => !uuids.includes(member))
  const hinted = [...hint('same_host'), ...hint('different_host')]
  const hosts = await hostsOf(cells, [...others, ...hinted])
  const groupServers = new Map<string, number>()
  for (const member of others) {
    const host = hosts.get(member) ?? placed.get(member)
    if (host) groupServers.set(host, (groupServers.get(host) ?? 0) + 1)
  }
  return {
    spec,
    flavor: spec.flavor!,
    takes: takenBy(spec.flavor!),
    hint,
    host: destination?.host ?? forcedHost,
    node: destination?.node ?? forcedNode ?? undefined,
    forced: forcedHost !== undefined || forcedNode !== undefined,
    group,
    groupServers,
    hintedHosts: hosts,
  }
}

/** Where servers are, whichever cell has them. */
export async function hostsOf(cells: readonly CellCore[], uuids: readonly string[]): Promise<Map<string, string>> {
  const found = await Promise.all(cells.map(({ cell }) => cell.occupancy.hostsOf(uuids)))
  return new Map(found.flatMap((each) => [...each]))
}

/** Servers that were placed and are not on their host yet. */
export type Placed = ReadonlyMap<string, string>

export const isRebuild = ({ hint }: Request): boolean => hint(checkType)[0] === 'rebuild'
