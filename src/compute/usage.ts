/** What projects used: the hours that their servers ran in a span of time, weighed by their sizes. */
import { fromDateTime, toDateTime } from '../oslo/database/datetime.ts'
import type { ServerRun } from '../stores/cell/ran.ts'
import { answered, type Cell } from '../stores/cells.ts'
import type { Backends } from './backends.ts'
import { Fault } from './faults.ts'

export interface ServerUse extends ServerRun {
  /** The flavor's name; empty when it is not known any more. */
  readonly flavorName: string
  readonly localGb: number
  /** Within the span. */
  readonly hours: number
  /** Seconds since its launch, or until its end. */
  readonly uptime: number
}

export interface ProjectUse {
  readonly projectId: string
  readonly servers: readonly ServerUse[]
  readonly hours: number
  readonly localGbHours: number
  readonly vcpuHours: number
  readonly memoryMbHours: number
}

export interface Span {
  /** Both in milliseconds since 1970, to the microsecond. */
  readonly start: number
  readonly stop: number
}

interface Page {
  readonly projectId?: string | undefined
  readonly limit: number
  /** The UUID of the last server seen. */
  readonly marker?: string | undefined
}

/** A page of servers that ran within a span, cell by cell, each sorted by project. Throws `markerMissing`. */
export async function serverUse(backends: Backends, span: Span, { projectId, limit, marker }: Page): Promise<ServerUse[]> {
  const now = backends.clock.now()
  const at = (milliseconds: number) => toDateTime(Math.floor(milliseconds / 1000) * 1000)
  let from = marker === undefined ? undefined : await placeOf(backends, marker)
  const found: ServerRun[] = []
  for (const cell of await backends.stores.cells.all()) {
    if (from && from.cell.id !== cell.id) continue
    const left = limit - found.length
    if (left <= 0) break
    found.push(...(await cell.ran.page({ begin: at(span.start), end: at(span.stop), projectId, limit: left, after: from?.place })))
    // The cells behind the marker's are read from their start
    from = undefined
  }
  return found.map((run) => useOf(run, span, now))
}

type Place = NonNullable<Awaited<ReturnType<Cell['ran']['placeOf']>>>

async function placeOf({ stores }: Backends, marker: string): Promise<{ cell: Cell; place: Place }> {
  const answers = await stores.cells.gather((cell) => cell.ran.placeOf(marker))
  const found = answers.filter(answered).find(({ value }) => value !== undefined)
  if (!found) throw new Fault('markerMissing', marker)
  return { cell: found.cell, place: found.value! }
}

function useOf(run: ServerRun, span: Span, now: number): ServerUse {
  const launched = fromDateTime(run.launchedAt)
  const ended = run.terminatedAt === null ? undefined : fromDateTime(run.terminatedAt)
  const flavor = flavorOf(run)
  return {
    ...run,
    memoryMb: flavor?.memory_mb ?? run.memoryMb,
    vcpus: flavor?.vcpus ?? run.vcpus,
    localGb: flavor ? flavor.root_gb + flavor.ephemeral_gb : run.rootGb + run.ephemeralGb,
    flavorName: flavor?.name ?? '',
    hours: hoursWithin(span, launched, ended),
    uptime: Math.trunc(((ended ?? now) - launched) / 1000),
  }
}

function hoursWithin({ start, stop }: Span, launched: number, ended: number | undefined): number {
  if ((ended !== undefined && ended < start) || launched > stop) return 0
  return (Math.min(stop, ended ?? stop) - Math.max(launched, start)) / 3_600_000
}

interface StoredFlavor {
  readonly name: string
  readonly memory_mb: number
  readonly vcpus: number
  readonly root_gb: number
  readonly ephemeral_gb: number
}

const flavorOf = ({ flavor }: ServerRun): StoredFlavor | undefined =>
  flavor === null ? undefined : (JSON.parse(flavor) as { cur?: { 'nova_object.data': StoredFlavor } }).cur?.['nova_object.data']

/** Summed up by project, in the order in which the projects come. */
export function byProject(servers: readonly ServerUse[]): ProjectUse[] {
  const all = new Map<string, ServerUse[]>()
  for (const server of servers) {
    const list = all.get(server.projectId)
    if (list) list.push(server)
    else all.set(server.projectId, [server])
  }
  return [...all].map(([projectId, list]) => {
    const sum = (weight: (server: ServerUse) => number) => list.reduce((total, server) => total + weight(server) * server.hours, 0)
    return {
      projectId,
      servers: list,
      hours: sum(() => 1),
      localGbHours: sum(({ localGb }) => localGb),
      vcpuHours: sum(({ vcpus }) => vcpus),
      memoryMbHours: sum(({ memoryMb }) => memoryMb),
    }
  })
}
