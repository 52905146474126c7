/** What the hosts of a cell hold: their servers and the moves that concern them. */
import type { Database } from '../../oslo/database/database.ts'
import { endStates } from './occupancy.ts'
import type { CellTables } from './schema.ts'

/** A server on a host, with what its name there may be made of. */
export interface HostedServer {
  readonly id: number
  readonly host: string
  readonly uuid: string
  readonly hostname: string | null
  readonly displayName: string | null
  readonly projectId: string | null
  readonly userId: string | null
  readonly vmState: string | null
  readonly taskState: string | null
}

/** What the servers of one project take of a host. */
export interface ProjectShare {
  readonly projectId: string | null
  readonly vcpus: number
  readonly memoryMb: number
  /** Root and ephemeral disks. */
  readonly diskGb: number
}

/** Sums over the nodes of enabled computes, under the names of their columns. */
export type NodeTotals = Readonly<Record<'count' | (typeof totals)[number], number>>

const totals = [
  'vcpus',
  'memory_mb',
  'local_gb',
  'vcpus_used',
  'memory_mb_used',
  'local_gb_used',
  'free_ram_mb',
  'free_disk_gb',
  'current_workload',
  'running_vms',
  'disk_available_least',
] as const

export interface NamedMove {
  readonly uuid: string
  readonly status: string | null
}

export const hosts = (database: Database<CellTables>) => ({
  /** How many servers these hosts have together. */
  countServers: (names: readonly string[]): Promise<number> =>
    database.read(async (tx) => {
      if (names.length === 0) return 0
      const row = await tx
        .selectFrom('instances')
        .select((eb) => eb.fn.countAll<number>().as('n'))
        .where('host', 'in', names)
        .where('deleted', '=', 0)
        .executeTakeFirstOrThrow()
      return Number(row.n)
    }),

  /** Those of these servers that are there, the newest first: neither deleted, nor hidden, nor waiting to be deleted for good. */
  living: (uuids: readonly string[]): Promise<string[]> =>
    database.read(async (tx) => {
      if (uuids.length === 0) return []
      const rows = await tx
        .selectFrom('instances')
        .select('uuid')
        .where('uuid', 'in', uuids)
        .where('deleted', '=', 0)
        .where((eb) => eb.or([eb('vm_state', '!=', 'soft-delete'), eb('vm_state', 'is', null)]))
        .where((eb) => eb.or([eb('hidden', '=', false), eb('hidden', 'is', null)]))
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .execute()
      return rows.map((row) => row.uuid!)
    }),

  servers: (names: readonly string[]): Promise<HostedServer[]> =>
    database.read(async (tx) => {
      if (names.length === 0) return []
      const rows = await tx
        .selectFrom('instances')
        .select(['id', 'host', 'uuid', 'hostname', 'display_name', 'project_id', 'user_id', 'vm_state', 'task_state'])
        .where('host', 'in', names)
        .where('deleted', '=', 0)
        .orderBy('id')
        .execute()
      return rows.map((row) => ({
        id: row.id,
        host: row.host!,
        uuid: row.uuid!,
        hostname: row.hostname,
        displayName: row.display_name,
        projectId: row.project_id,
        userId: row.user_id,
        vmState: row.vm_state,
        taskState: row.task_state,
      }))
    }),

  /** Moves from or to a host's node that are not over, or wait to be confirmed (nova/db/main/api.py migration_get_in_progress_by_host_and_node). */
  movesInProgress: (host: string, node: string): Promise<NamedMove[]> =>
    database.read(async (tx) => {
      const rows = await tx
        .selectFrom('migrations')
        .select(['uuid', 'status'])
        .where('deleted', '=', 0)
        .where((eb) =>
          eb.or([
            eb.and([eb('source_compute', '=', host), eb('source_node', '=', node)]),
            eb.and([eb('dest_compute', '=', host), eb('dest_node', '=', node)]),
          ]),
        )
        .where('status', 'not in', [...endStates])
        .execute()
      return rows.map((row) => ({ uuid: row.uuid!, status: row.status }))
    }),

  /** Servers that were evacuated from a host which has not come back since. */
  evacuatedFrom: (host: string): Promise<string[]> =>
    database.read(async (tx) => {
      const rows = await tx
        .selectFrom('migrations')
        .select('instance_uuid')
        .where('source_compute', '=', host)
        .where('status', '=', 'done')
        .where('migration_type', '=', 'evacuation')
        .where('deleted', '=', 0)
        .execute()
      return rows.map((row) => row.instance_uuid!)
    }),

  /** By project, in the order in which each came to the host. */
  shares: (host: string): Promise<ProjectShare[]> =>
    database.read(async (tx) => {
      const rows = await tx
        .selectFrom('instances')
        .select((eb) => [
          'project_id as projectId',
          eb.fn.sum<number | string>('vcpus').as('vcpus'),
          eb.fn.sum<number | string>('memory_mb').as('memoryMb'),
          eb.fn.sum<number | string>('root_gb').as('rootGb'),
          eb.fn.sum<number | string>('ephemeral_gb').as('ephemeralGb'),
        ])
        .where('host', '=', host)
        .where('deleted', '=', 0)
        .groupBy('project_id')
        .orderBy((eb) => eb.fn.min('id'))
        .execute()
      return rows.map(({ projectId, vcpus, memoryMb, rootGb, ephemeralGb }) => ({
        projectId,
        vcpus: Number(vcpus),
        memoryMb: Number(memoryMb),
        diskGb: Number(rootGb) + Number(ephemeralGb),
      }))
    }),

  // nova/db/main/api.py compute_node_statistics
  totals: (): Promise<NodeTotals> =>
    database.read(async (tx) => {
      const row = await tx
        .selectFrom('compute_nodes as node')
        .innerJoin('services', (join) =>
          join.on((eb) =>
            eb.and([
              eb.or([eb('node.host', '=', eb.ref('services.host')), eb('node.service_id', '=', eb.ref('services.id'))]),
              eb('services.binary', '=', 'nova-compute'),
              eb('services.disabled', '=', false),
              eb('services.deleted', '=', 0),
            ]),
          ),
        )
        .select((eb) => [
          eb.fn.countAll<number | string>().as('count'),
          ...totals.map((column) => eb.fn.sum<number | string | null>(`node.${column}`).as(column)),
        ])
        .where('node.deleted', '=', 0)
        .executeTakeFirstOrThrow()
      return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value ?? 0)])) as NodeTotals
    }),
})

export type Hosts = ReturnType<typeof hosts>
