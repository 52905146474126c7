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
