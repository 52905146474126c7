/** Chooses hosts for servers, best first, with others to turn to when a build fails there. nova/scheduler/manager.py SchedulerManager */
import type { RequestSpec } from '../../../stores/objects/request-spec.ts'
import { Selection } from '../../../stores/objects/selection.ts'
import { nova } from '../errors.ts'
import type { CellCore } from '../parts.ts'
import { type HostState, hostStates, occupied } from './hosts.ts'
import { hostsOf, type Request, readRequest } from './request.ts'
import { mayPlace, passFilters } from './rules.ts'
import { weigh } from './weights.ts'

export interface Scheduler {
  /**
   * A list of hosts for each server, the chosen one first, then, with `alternates`, others to try. Throws a NoValidHost when one of them has none:
   * then none is placed.
   */
  select(spec: RequestSpec, uuids: readonly string[], options?: Choice): Promise<Selection[][]>
  /** The server is on its host, or never will be: what was held for it is free. */
  settled(uuid: string): void
}

export interface Choice {
  readonly alternates?: boolean
  /** The UUID of the only cell that may be; all that are enabled when absent. */
  readonly within?: string | undefined
}

interface Hold {
  readonly host: string
  readonly takes: Request['takes']
  /** Milliseconds since 1970. */
  readonly since: number
}

/** After that a server that was never heard of again holds nothing. */
const holdMs = 60_000

/** One for all of these cells. */
export function openScheduler(cells: readonly [CellCore, ...CellCore[]]): Scheduler {
  const { clock, settings, random, work } = cells[0]
  /** Placed, and not yet on their hosts: the next request must not count on their room. */
  const holds = new Map<string, Hold>()

  async function choose(spec: RequestSpec, uuids: readonly string[], { alternates, within }: Choice): Promise<Selection[][]> {
    const now = clock.now()
    for (const [uuid, { since }] of holds) if (now - since > holdMs || uuids.includes(uuid)) holds.delete(uuid)
    const placed = new Map([...holds].map(([uuid, { host }]) => [uuid, host]))
    const request = await readRequest(cells, spec, uuids, placed)
    let states = await hostStates(await mayServe(cells, within ?? spec.requested_destination?.cell?.uuid))
    const there = await hostsOf(cells, [...holds.keys()])
    for (const [uuid, { host, takes }] of holds)
      if (!there.has(uuid)) states = states.map((state) => (state.host === host ? occupied(state, takes) : state))
    if ((request.host ?? request.node) !== undefined && !states.some((state) => isThe(state, request)))
      throw nova('NoValidHost', { reason: `No such host - host: ${request.host ?? null} node: ${request.node ?? null} ` })
    const others = alternates ? settings.maxAttempts - 1 : 0
    const chosen: { uuid: string; best: HostState; rest: HostState[] }[] = []
    for (const uuid of uuids) {
      const placeable = mayPlace(states, request)
      // nova/scheduler/manager.py: placement has nothing to say why
      if (placeable.length === 0 && chosen.length === 0) throw nova('NoValidHost', { reason: '' })
      const [best, ...rest] = weigh(passFilters(placeable, request), request, random)
      if (!best) throw nova('NoValidHost', { reason: 'There are not enough hosts available.' })
      chosen.push({ uuid, best, rest })
      request.groupServers.set(best.host, (request.groupServers.get(best.host) ?? 0) + 1)
      states = states.map((state) => (state.host === best.host ? occupied(state, request.takes) : state))
    }
    for (const { uuid, best } of chosen) holds.set(uuid, { host: best.host, takes: request.takes, since: now })
    return chosen.map(({ best, rest }) => [best, ...inCellOf(best, rest).slice(0, others)].map(selectionOf))
  }

  return {
    select: (spec, uuids, choice = {}) => work.inTurn('scheduler', () => choose(spec, uuids, choice)),
    settled: (uuid) => void holds.delete(uuid),
  }
}

/** nova/scheduler/host_manager.py HostManager._get_computes_for_cells: of cells that are disabled, only the one that is named */
async function mayServe(cells: readonly CellCore[], within: string | undefined): Promise<readonly CellCore[]> {
  if (within) return cells.filter(({ cell }) => cell.uuid === within)
  if (cells.length === 1) return cells
  const disabled = new Set((await cells[0]!.api.cellMappings.list()).filter((one) => one.disabled).map(({ uuid }) => uuid))
  return cells.filter(({ cell }) => !disabled.has(cell.uuid))
}

/** nova/scheduler/manager.py SchedulerManager._get_alternate_hosts: a server that begins in a cell stays in it */
const inCellOf = (best: HostState, others: readonly HostState[]): HostState[] => others.filter(({ cell }) => cell === best.cell)

const isThe = ({ host, node }: HostState, request: Request): boolean =>
  (request.host === undefined || request.host === host) && (request.node === undefined || request.node === node.hypervisorHostname)

const selectionOf = ({ host, node, zone, cell }: HostState): Selection =>
  Selection.make({
    compute_node_uuid: node.uuid!,
    service_host: host,
    nodename: node.hypervisorHostname!,
    cell_uuid: cell,
    limits: null,
    allocation_request: null,
    allocation_request_version: null,
    availability_zone: zone,
  })
