/** What is kept of a server in JSON beside its row: flavors, topology, the move it is in. */
import type { Database } from '../../oslo/database/database.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import { rowOf } from '../camel.ts'
import type { CellTables } from './schema.ts'
import { type CellRow, type CellValues, from, insert } from './table.ts'

export type ServerExtra = CellRow<'instance_extra'>

export const serverExtra = (database: Database<CellTables>, now: () => number) => ({
  /** Of a server, deleted or not. */
  find: (uuid: string): Promise<ServerExtra | undefined> =>
    database.read((tx) => from(tx, 'instance_extra').where('instance_uuid', '=', uuid).executeTakeFirst()),

  of: (uuids: readonly string[]): Promise<ServerExtra[]> =>
    database.read(async (tx) => (uuids.length === 0 ? [] : from(tx, 'instance_extra').where('instance_uuid', 'in', uuids).execute())),

  /** Columns as JSON text. nova/db/main/api.py instance_extra_update_by_uuid: very old servers have no row yet */
  update: (uuid: string, values: CellValues<'instance_extra'>): Promise<void> =>
    database.write(async (tx) => {
      const at = toDateTime(now())
      const set = { ...(rowOf(values) as object), updated_at: at }
      const { numUpdatedRows } = await tx.updateTable('instance_extra').set(set).where('instance_uuid', '=', uuid).executeTakeFirst()
      if (numUpdatedRows === 0n) await insert(tx, 'instance_extra', { ...values, instanceUuid: uuid, createdAt: at })
    }),
})
