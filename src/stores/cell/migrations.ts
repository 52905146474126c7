/** Moves of servers between hosts: resizes, cold and live migrations, evacuations. */
import type { Database } from '../../oslo/database/database.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import { rowOf } from '../camel.ts'
import type { CellTables } from './schema.ts'
import { type CellRow, type CellValues, from, insert } from './table.ts'

export type Migration = CellRow<'migrations'>
export type MigrationValues = CellValues<'migrations'>

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
