/** How full each host is, written where everybody reads it: the rows of compute_nodes. nova/compute/resource_tracker.py, compute/stats.py */
import type { MoveInProgress, Occupants } from '../../stores/cell/occupancy.ts'
import type { StoredFlavors } from '../../stores/cell/servers.ts'
import type { ComputeNode } from '../../stores/cell/services.ts'
import type { Cell } from '../../stores/cells.ts'
import { Flavor } from '../../stores/objects/flavor.ts'

/** What servers take of a host. */
export interface Taken {
  readonly memoryMb: number
  readonly vcpus: number
  readonly diskGb: number
}

export interface HostUse extends Taken {
  readonly servers: number
  readonly occupants: readonly Occupants[]
}

/** What every host of the cell holds, with what moves hold on both of their ends. Hosts without anything are absent. */
export async function usage(cell: Cell): Promise<Map<string, HostUse>> {
  const [occupants, moves] = await Promise.all([cell.occupancy.list(), cell.occupancy.moves()])
  const out = new Map<string, HostUse>()
  const add = (host: string, taken: Taken, servers: number, occupant?: Occupants) => {
    const { memoryMb = 0, vcpus = 0, diskGb = 0, servers: before = 0, occupants: known = [] } = out.get(host) ?? {}
    out.set(host, {
      memoryMb: memoryMb + taken.memoryMb,
      vcpus: vcpus + taken.vcpus,
      diskGb: diskGb + taken.diskGb,
      servers: before + servers,
      occupants: occupant ? [...known, occupant] : known,
    })
  }
  for (const each of occupants) if (each.vmState !== 'deleted') add(each.host, each, each.servers, each)
  for (const move of moves) for (const { host, taken } of elsewhere(move)) add(host, taken, 0)
  return out
}

/** What a move holds on the host where its server is not. */
function elsewhere({ host, sourceCompute, destCompute, flavor }: MoveInProgress): { host: string; taken: Taken }[] {
  const stored = flavor === null ? null : (JSON.parse(flavor) as StoredFlavors)
  if (!stored) return []
  if (sourceCompute && sourceCompute !== host) return [{ host: sourceCompute, taken: takenBy(Flavor.fromWire(stored.old ?? stored.cur)) }]
  if (destCompute && destCompute !== host) return [{ host: destCompute, taken: takenBy(Flavor.fromWire(stored.new ?? stored.cur)) }]
  return []
}

export const takenBy = (flavor: Flavor): Taken => ({
  memoryMb: flavor.memory_mb ?? 0,
  vcpus: flavor.vcpus ?? 0,
  diskGb: (flavor.root_gb ?? 0) + (flavor.ephemeral_gb ?? 0) + Math.ceil((flavor.swap ?? 0) / 1024),
})

export interface UsageTracker {
  /** The host has changed; its row follows within a moment. */
  touch(host: string | null): void
  /** How builds on a host end: after a failure the scheduler prefers others. */
  built(host: string, well: boolean): void
  failedBuilds(host: string): number
  /** Writes what is due. */
  flush(): Promise<void>
  stop(): Promise<void>
}

export interface UsageParts {
  readonly cell: Cell
  readonly reservedMemoryMb: number
  readonly report: (error: unknown) => void
  /** Told of the hosts whose servers have changed, once their rows are written. */
  readonly tell?: (hosts: readonly string[]) => Promise<void>
  /** Changes within so many milliseconds are written together. */
  readonly gatherMs?: number
}

export function trackUsage({ cell, reservedMemoryMb, report, tell, gatherMs = 50 }: UsageParts): UsageTracker {
  const dirty = new Set<string>()
  const failures = new Map<string, number>()
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()

  async function write(): Promise<void> {
    const hosts = [...dirty]
    dirty.clear()
    if (hosts.length === 0) return
    const [used, nodes] = await Promise.all([usage(cell), cell.computeNodes.list()])
    for (const node of nodes) {
      if (!node.host || !hosts.includes(node.host)) continue
      const values = rowValues(node, used.get(node.host), reservedMemoryMb, failures.get(node.host) ?? 0)
      if (Object.entries(values).some(([key, value]) => node[key as keyof ComputeNode] !== value))
        await cell.computeNodes.update(node.id, values)
    }
    await tell?.(hosts)
  }

  function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    writing = writing.then(write).catch(report)
    return writing
  }

  return {
    touch(host) {
      if (host === null) return
      dirty.add(host)
      timer ??= setTimeout(flush, gatherMs)
    },
    built(host, well) {
      failures.set(host, well ? 0 : (failures.get(host) ?? 0) + 1)
      this.touch(host)
    },
    failedBuilds: (host) => failures.get(host) ?? 0,
    flush,
    async stop() {
      await flush()
    },
  }
}

const nothing: HostUse = { memoryMb: 0, vcpus: 0, diskGb: 0, servers: 0, occupants: [] }

function rowValues(node: ComputeNode, use: HostUse = nothing, reservedMemoryMb: number, failed: number) {
  const memoryMbUsed = use.memoryMb + reservedMemoryMb
  return {
    vcpusUsed: use.vcpus,
    memoryMbUsed,
    localGbUsed: use.diskGb,
    freeRamMb: node.memoryMb - memoryMbUsed,
    freeDiskGb: node.localGb - use.diskGb,
    runningVms: use.servers,
    currentWorkload: busy(use.occupants),
    stats: JSON.stringify(statsOf(use, failed)),
  }
}

const busy = (occupants: readonly Occupants[]): number =>
  occupants.reduce((sum, { taskState, servers }) => sum + (taskState === null ? 0 : servers), 0)

/** Tasks that read and write a lot. nova/compute/stats.py Stats.io_workload */
const heavy = new Set(['resize_migrating', 'rebuilding', 'resize_prep', 'image_snapshot', 'image_backup', 'rescuing', 'unshelving'])

export const ioWorkload = (occupants: readonly Occupants[]): number =>
  occupants.reduce((sum, { vmState, taskState, servers }) => sum + (vmState === 'building' || heavy.has(taskState ?? '') ? servers : 0), 0)

function statsOf({ servers, occupants }: HostUse, failed: number): Record<string, string> {
  const counts: Record<string, number> = { failed_builds: failed }
  if (servers > 0) counts.num_instances = servers
  for (const each of occupants)
    for (const key of [
      `num_vm_${each.vmState}`,
      `num_task_${each.taskState ?? 'None'}`,
      `num_os_type_${each.osType ?? 'None'}`,
      `num_proj_${each.projectId}`,
    ])
      counts[key] = (counts[key] ?? 0) + each.servers
  if (servers > 0) counts.io_workload = ioWorkload(occupants)
  return Object.fromEntries(Object.entries(counts).map(([key, count]) => [key, String(count)]))
}
