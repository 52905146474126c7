/** Servers that are in the middle of something, and have not moved for a while. */
import type { Database } from '../../oslo/database/database.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import type { CellTables } from './schema.ts'

const mostAtOnce = 500

export const interruptions = (database: Database<CellTables>) => ({
  /** With a task, being built or half deleted, and not changed since then (milliseconds since 1970): their UUIDs, oldest first. */
  list: async (since: number): Promise<string[]> => {
    const rows = await database.rows<{ uuid: string }>(
      `SELECT uuid FROM instances WHERE deleted = 0 AND (task_state IS NOT NULL OR vm_state IN ('building', 'deleted'))
       AND COALESCE(updated_at, created_at) < ? ORDER BY id`,
      [toDateTime(since)],
    )
    return rows.map(({ uuid }) => uuid)
  },

  /** Those of these servers that are there and not deleted. */
  present: async (uuids: readonly string[]): Promise<Set<string>> => {
    const found = new Set<string>()
    for (let at = 0; at < uuids.length; at += mostAtOnce) {
      const some = uuids.slice(at, at + mostAtOnce)
      const rows = await database.read((tx) =>
        tx.selectFrom('instances').select('uuid').where('uuid', 'in', some).where('deleted', '=', 0).execute(),
      )
      for (const { uuid } of rows) found.add(uuid)
    }
    return found
  },
})
