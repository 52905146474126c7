/** What ran in a cell: servers during a span of time, and the hosts' own accounts of it. */
import type { Database } from '../../oslo/database/database.ts'
import { paged } from '../paging.ts'
import type { CellTables } from './schema.ts'
import { type CellRow, from } from './table.ts'

/** A server, deleted or not, as far as it counts for usage. */
export interface ServerRun {
  readonly uuid: string
  readonly projectId: string
  readonly name: string | null
  readonly vmState: string | null
  readonly launchedAt: string
  readonly terminatedAt: string | null
  readonly memoryMb: number
  readonly vcpus: number
  readonly rootGb: number
  readonly ephemeralGb: number
  /** The flavors that it has and had, as JSON. */
  readonly flavor: string | null
}

/** Which of them, how many, and after whom. */
export interface RunPage {
  readonly begin: string
  readonly end: string
  readonly projectId?: string | undefined
  readonly limit: number
  /** The project and the UUID of the last one seen. */
  readonly after?: readonly [projectId: string | null, uuid: string] | undefined
}

const order = [
  { column: 'instances.project_id', direction: 'asc' },
  { column: 'instances.uuid', direction: 'asc' },
] as const

export const ran = (database: Database<CellTables>) => ({
  /** Servers that ran between two times, by project. nova/db/main/api.py instance_get_active_by_window_joined */
  page: ({ begin, end, projectId, limit, after }: RunPage): Promise<ServerRun[]> =>
    database.read(async (tx) => {
      let query = tx
        .selectFrom('instances')
        .leftJoin('instance_extra', 'instance_extra.instance_uuid', 'instances.uuid')
        .select([
          'instances.uuid as uuid',
          'instances.project_id as projectId',
          'instances.display_name as name',
          'instances.vm_state as vmState',
          'instances.launched_at as launchedAt',
          'instances.terminated_at as terminatedAt',
          'instances.memory_mb as memoryMb',
          'instances.vcpus as vcpus',
          'instances.root_gb as rootGb',
          'instances.ephemeral_gb as ephemeralGb',
          'instance_extra.flavor as flavor',
        ])
        .where((eb) => eb.or([eb('instances.terminated_at', 'is', null), eb('instances.terminated_at', '>', begin)]))
        .where('instances.launched_at', '<', end)
      if (projectId !== undefined) query = query.where('instances.project_id', '=', projectId)
      return (await paged(query, { order, after, limit }).execute()) as ServerRun[]
    }),

  /** The project of a server, deleted or not; undefined when there is none. */
  placeOf: (uuid: string): Promise<readonly [projectId: string | null, uuid: string] | undefined> =>
    database.read(async (tx) => {
      const row = await tx.selectFrom('instances').select('project_id').where('uuid', '=', uuid).executeTakeFirst()
      return row && [row.project_id, uuid]
    }),

  /** How hosts fared with their accounts of one period. */
  audits: (begin: string, end: string): Promise<CellRow<'task_log'>[]> =>
    database.read((tx) =>
      from(tx, 'task_log')
        .where('task_name', '=', 'instance_usage_audit')
        .where('period_beginning', '=', begin)
        .where('period_ending', '=', end)
        .where('deleted', '=', 0)
        .orderBy('id')
        .execute(),
    ),
})
