/** How full the hosts of a cell are: what their servers take, and where certain servers are. */
import type { Database } from '../../oslo/database/database.ts'
import type { CellTables } from './schema.ts'

/** Servers of a host that have something in common, and what they take together. */
export interface Occupants {
  readonly host: string
  readonly vmState: string | null
  readonly taskState: string | null
  readonly projectId: string | null
  readonly osType: string | null
  readonly servers: number
  readonly memoryMb: number
  readonly vcpus: number
  /** Root and ephemeral disks. */
  readonly diskGb: number
}

/** A move that is not over, with the flavors of its server as JSON text. */
export interface MoveInProgress {
  readonly instanceUuid: string
  readonly status: string | null
  readonly migrationType: string | null
  readonly sourceCompute: string | null
  readonly destCompute: string | null
  /** Where the server is at this moment. */
  readonly host: string | null
  readonly flavor: string | null
}

// nova/db/main/api.py migration_get_in_progress_by_host_and_node
export const endStates = ['confirmed', 'reverted', 'error', 'failed', 'completed', 'cancelled', 'done'] as const

/** A server on its host, with its flavors as JSON text. */
export interface Holder {
  readonly uuid: string
  readonly host: string
  readonly projectId: string
  readonly userId: string
  readonly flavor: string | null
}

/** A move that is not over and has found its destination, with what takes its server's place on the source. */
export interface HoldingMove extends MoveInProgress {
  readonly uuid: string
  readonly projectId: string
  readonly userId: string
}

export const occupancy = (database: Database<CellTables>) => ({
  /** One line per host and kind of server. */
  list: (): Promise<Occupants[]> =>
    database.rows<Occupants>(
      `SELECT host, vm_state AS "vmState", task_state AS "taskState", project_id AS "projectId", os_type AS "osType", COUNT(*) AS servers,
         COALESCE(SUM(memory_mb), 0) AS "memoryMb", COALESCE(SUM(vcpus), 0) AS vcpus,
         COALESCE(SUM(root_gb), 0) + COALESCE(SUM(ephemeral_gb), 0) AS "diskGb"
       FROM instances WHERE deleted = 0 AND host IS NOT NULL GROUP BY host, vm_state, task_state, project_id, os_type`,
    ),

  /** Who takes something of these hosts. */
  holders: (hosts: readonly string[]): Promise<Holder[]> =>
    database.read(async (tx) => {
      if (hosts.length === 0) return []
      return (await tx
        .selectFrom('instances')
        .leftJoin('instance_extra', 'instance_extra.instance_uuid', 'instances.uuid')
        .select([
          'instances.uuid as uuid',
          'instances.host as host',
          'instances.project_id as projectId',
          'instances.user_id as userId',
          'instance_extra.flavor as flavor',
        ])
        .where('instances.deleted', '=', 0)
        .where('instances.host', 'in', hosts)
        .execute()) as Holder[]
    }),

  moves: (): Promise<HoldingMove[]> =>
    database.read(
      (tx) =>
        tx
          .selectFrom('migrations')
          .innerJoin('instances', 'instances.uuid', 'migrations.instance_uuid')
          .leftJoin('instance_extra', 'instance_extra.instance_uuid', 'migrations.instance_uuid')
          .select([
            'migrations.uuid as uuid',
            'instances.project_id as projectId',
            'instances.user_id as userId',
            'instances.uuid as instanceUuid',
            'migrations.status as status',
            'migrations.migration_type as migrationType',
            'migrations.source_compute as sourceCompute',
            'migrations.dest_compute as destCompute',
            'instances.host as host',
            'instance_extra.flavor as flavor',
          ])
          .where('migrations.deleted', '=', 0)
          .where('instances.deleted', '=', 0)
          .where('migrations.status', 'not in', [...endStates])
          .execute() as Promise<HoldingMove[]>,
    ),

  /** Where these servers are; those on no host are absent. */
  hostsOf: (uuids: readonly string[]): Promise<Map<string, string>> =>
    database.read(async (tx) => {
      if (uuids.length === 0) return new Map()
      const rows = await tx
        .selectFrom('instances')
        .select(['uuid', 'host'])
        .where('uuid', 'in', uuids)
        .where('deleted', '=', 0)
        .where('host', 'is not', null)
        .execute()
      return new Map(rows.map(({ uuid, host }) => [uuid, host!]))
    }),
})
