/** Moves of servers between hosts: resizes, cold and live migrations, evacuations. */
import type { Database } from '../../oslo/database/database.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import { rowOf } from '../camel.ts'
import { type Order, paged } from '../paging.ts'
import type { CellTables } from './schema.ts'
import { type CellRow, type CellValues, from, insert } from './table.ts'

export type Migration = CellRow<'migrations'>
export type MigrationValues = CellValues<'migrations'>

export interface MigrationFilter {
  readonly status?: string | undefined
  /** It left this host or went there; `sourceCompute` is not looked at then. */
  readonly host?: string | undefined
  readonly sourceCompute?: string | undefined
  readonly migrationType?: string | undefined
  readonly hidden?: boolean | undefined
  readonly instanceUuid?: string | undefined
  readonly userId?: string | undefined
  readonly projectId?: string | undefined
  /** Changed at this time or later, or earlier; what was never changed is left out. */
  readonly changesSince?: string | undefined
  readonly changesBefore?: string | undefined
}

/** Newest first; the same in all cells, so that their pages can be merged. */
export const migrationOrder: readonly Order[] = [
  { column: 'created_at', direction: 'desc' },
  { column: 'id', direction: 'desc' },
  { column: 'uuid', direction: 'asc' },
]

export const migrations = (database: Database<CellTables>, now: () => number) => ({
  /** The last one of a server in this status. */
  inStatus: (uuid: string, status: string): Promise<Migration | undefined> =>
    database.read((tx) =>
      from(tx, 'migrations')
        .where('instance_uuid', '=', uuid)
        .where('status', '=', status)
        .where('deleted', '=', 0)
        .orderBy('id', 'desc')
        .executeTakeFirst(),
    ),

  /** Those of a server that are in one of these states, oldest first. */
  ofServer: (uuid: string, statuses: readonly string[]): Promise<Migration[]> =>
    database.read((tx) =>
      from(tx, 'migrations')
        .where('instance_uuid', '=', uuid)
        .where('status', 'in', statuses)
        .where('deleted', '=', 0)
        .orderBy('id')
        .execute(),
    ),

  /** In the order in which they were made; or a page, newest first, behind the values of `migrationOrder` in `after`. */
  list: (filter: MigrationFilter, page?: { limit: number; after?: readonly unknown[] | undefined }): Promise<Migration[]> =>
    database.read((tx) => {
      let query = from(tx, 'migrations').where('deleted', '=', 0)
      const equal: [column: 'status' | 'migration_type' | 'instance_uuid' | 'user_id' | 'project_id', value: string | undefined][] = [
        ['status', filter.status],
        ['migration_type', filter.migrationType],
        ['instance_uuid', filter.instanceUuid],
        ['user_id', filter.userId],
        ['project_id', filter.projectId],
      ]
      for (const [column, value] of equal) if (value !== undefined) query = query.where(column, '=', value as never)
      const { host, sourceCompute, hidden, changesSince, changesBefore } = filter
      if (host !== undefined) query = query.where((eb) => eb.or([eb('source_compute', '=', host), eb('dest_compute', '=', host)]))
      else if (sourceCompute !== undefined) query = query.where('source_compute', '=', sourceCompute)
      if (hidden !== undefined) query = query.where('hidden', '=', hidden)
      if (changesSince !== undefined) query = query.where('updated_at', '>=', changesSince)
      if (changesBefore !== undefined) query = query.where('updated_at', '<=', changesBefore)
      return (page ? paged(query, { order: migrationOrder, ...page }) : query.orderBy('id')).execute()
    }),

  findByUuid: (uuid: string): Promise<Migration | undefined> =>
    database.read((tx) => from(tx, 'migrations').where('uuid', '=', uuid).where('deleted', '=', 0).executeTakeFirst()),

  /** Those that are in none of these states, oldest first. */
  otherThan: (statuses: readonly string[]): Promise<Migration[]> =>
    database.read((tx) => from(tx, 'migrations').where('status', 'not in', statuses).where('deleted', '=', 0).orderBy('id').execute()),

  /** Changes its state when it is in one of those expected; says whether it did. */
  advance: (id: number, values: MigrationValues & { status: string }, expected: readonly string[]): Promise<boolean> =>
    database.write(async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('migrations')
        .set({ ...(rowOf(values) as object), updated_at: toDateTime(now()) })
        .where('id', '=', id)
        .where('status', 'in', expected)
        .executeTakeFirst()
      return numUpdatedRows > 0
    }),

  find: (id: number): Promise<Migration | undefined> =>
    database.read((tx) => from(tx, 'migrations').where('id', '=', id).executeTakeFirst()),

  create: (values: MigrationValues & { instanceUuid: string; uuid: string }): Promise<number> =>
    database.write((tx) => insert(tx, 'migrations', { ...values, createdAt: toDateTime(now()) })),

  update: (id: number, values: MigrationValues): Promise<void> =>
    database.write(async (tx) => {
      await tx
        .updateTable('migrations')
        .set({ ...(rowOf(values) as object), updated_at: toDateTime(now()) })
        .where('id', '=', id)
        .execute()
    }),
})

export type Migrations = ReturnType<typeof migrations>
