/** Tags of servers. */
import type { Database, Reading } from '../../oslo/database/database.ts'
import { DuplicateKey } from '../../oslo/database/errors.ts'
import { grouped, inList } from '../rows.ts'
import type { CellTables } from './schema.ts'

export const tags = (database: Database<CellTables>) => ({
  /** By server, sorted; one without any is absent. */
  of: async (uuids: readonly string[]): Promise<Map<string, string[]>> => {
    if (uuids.length === 0) return new Map()
    const sql = `SELECT resource_id, tag FROM tags WHERE resource_id IN ${inList(uuids.length)} ORDER BY resource_id, tag`
    const rows = await database.rows<{ resource_id: string; tag: string }>(sql, uuids)
    return grouped(
      rows,
      (row) => row.resource_id,
      (row) => row.tag,
    )
  },

  /** Adding one that is there is no error. */
  add: async (uuid: string, tag: string): Promise<void> => {
    try {
      await database.write((tx) => tx.insertInto('tags').values({ resource_id: uuid, tag }).execute())
    } catch (error) {
      if (!(error instanceof DuplicateKey)) throw error
    }
  },

  /** Makes these the server's tags. */
  set: (uuid: string, wanted: readonly string[]): Promise<void> =>
    database.write(async (tx) => {
      const before = await tagsIn(tx, uuid)
      const gone = before.filter((tag) => !wanted.includes(tag))
      const added = [...new Set(wanted)].filter((tag) => !before.includes(tag))
      if (gone.length > 0) await tx.deleteFrom('tags').where('resource_id', '=', uuid).where('tag', 'in', gone).execute()
      if (added.length > 0)
        await tx
          .insertInto('tags')
          .values(added.map((tag) => ({ resource_id: uuid, tag })))
          .execute()
    }),

  /** Whether there was one. */
  remove: (uuid: string, tag: string): Promise<boolean> =>
    database.write(async (tx) => {
      const { numDeletedRows } = await tx.deleteFrom('tags').where('resource_id', '=', uuid).where('tag', '=', tag).executeTakeFirst()
      return numDeletedRows > 0
    }),
})

export type Tags = ReturnType<typeof tags>

async function tagsIn(tx: Reading<CellTables>, uuid: string): Promise<string[]> {
  const rows = await tx.selectFrom('tags').select('tag').where('resource_id', '=', uuid).execute()
  return rows.map((row) => row.tag)
}
