/**
 * What servers take of their hosts, as Placement knows it. It is told by looking at the database and writing what is different, so that what a crash left
 * undone is done at the next look. nova/scheduler/client/report.py
 */
import type { Allocation, Resources } from '../../peers/placement-hosts.ts'
import type { Holder, HoldingMove } from '../../stores/cell/occupancy.ts'
import type { StoredFlavors } from '../../stores/cell/servers.ts'
import { Flavor } from '../../stores/objects/flavor.ts'
import type { CellCore } from './parts.ts'
import { takenBy } from './usage.ts'

/** Writes what the servers of these hosts take, where Placement says something else. */
export async function tellAllocations(
  { cell, hostPlacement }: Pick<CellCore, 'cell' | 'hostPlacement'>,
  hosts: readonly string[],
): Promise<void> {
  const nodes = (await cell.computeNodes.list()).filter(({ host }) => hosts.includes(host!))
  const known = await Promise.all(nodes.map(({ uuid }) => hostPlacement.allocationsOn(uuid!)))
  const [holders, moves] = await Promise.all([cell.occupancy.holders(hosts), cell.occupancy.moves()])
  const wanted = wantedOn(new Map(nodes.map(({ host, uuid }) => [host!, uuid!])), holders, moves)
  const now = new Map(nodes.flatMap(({ uuid }, i) => [...known[i]!].map(([consumer, resources]) => [`${uuid} ${consumer}`, resources])))
  const changed = wanted.filter(({ provider, consumer, resources }) => !same(now.get(`${provider} ${consumer}`), resources))
  const held = new Set(wanted.map(({ consumer }) => consumer))
  const left = known.flatMap((each) => [...each.keys()]).filter((consumer) => !held.has(consumer))
  // one that is on a host that was not looked at is that host's affair
  const elsewhere = await cell.occupancy.hostsOf(left)
  const nobody = '00000000-0000-0000-0000-000000000000'
  const gone = left.filter((consumer) => !elsewhere.has(consumer))
  await hostPlacement.allocate(
    changed,
    gone.map((consumer) => ({ consumer, projectId: nobody, userId: nobody })),
  )
}

/** A server that moves takes of its destination, and its migration takes of the source until the move is over. */
function wantedOn(providers: ReadonlyMap<string, string>, holders: readonly Holder[], moves: readonly HoldingMove[]): Allocation[] {
  const wanted: Allocation[] = []
  const moving = new Set<string>()
  const add = (host: string | null, consumer: string, { projectId, userId }: Holder | HoldingMove, flavor: unknown) => {
    const provider = providers.get(host ?? '')
    if (provider && flavor) wanted.push({ consumer, provider, projectId, userId, resources: resourcesOf(Flavor.fromWire(flavor)) })
  }
  for (const move of moves) {
    if (move.destCompute === null || move.migrationType === 'evacuation') continue
    moving.add(move.instanceUuid)
    const { cur, old, new: next } = flavorsIn(move.flavor)
    add(move.sourceCompute, move.uuid, move, old ?? cur)
    add(move.destCompute, move.instanceUuid, move, next ?? cur)
  }
  for (const holder of holders) if (!moving.has(holder.uuid)) add(holder.host, holder.uuid, holder, flavorsIn(holder.flavor).cur)
  return wanted
}

const flavorsIn = (text: string | null): Partial<StoredFlavors> => (text === null ? {} : (JSON.parse(text) as StoredFlavors))

/** What takes nothing of a class does not name it. nova/scheduler/utils.py resources_from_flavor */
function resourcesOf(flavor: Flavor): Resources {
  const { vcpus, memoryMb, diskGb } = takenBy(flavor)
  return Object.fromEntries(Object.entries({ VCPU: vcpus, MEMORY_MB: memoryMb, DISK_GB: diskGb }).filter(([, amount]) => amount > 0))
}

const same = (one: Resources | undefined, other: Resources): boolean =>
  one !== undefined &&
  Object.keys(one).length === Object.keys(other).length &&
  Object.entries(other).every(([name, amount]) => one[name] === amount)
