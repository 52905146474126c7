/** The integers that stand for servers and images in the names of EC2. Nova makes one for an image when somebody asks first. */
import type { Database, Reading, Writing } from '../../oslo/database/database.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import { inList } from '../rows.ts'
import type { CellTables } from './schema.ts'
import { from, insert } from './table.ts'

type Table = 'instance_id_mappings' | 's3_images'

const integers = (database: Database<CellTables>, now: () => number, table: Table) => ({
  /** By UUID, made where there was none (nova/objects/ec2.py get_int_id_from_instance_uuid, glance_id_to_id). */
  of: async (uuids: readonly string[]): Promise<Map<string, number>> => {
    const wanted = [...new Set(uuids)]
    if (wanted.length === 0) return new Map()
    const sql = `SELECT uuid, id FROM ${table} WHERE uuid IN ${inList(wanted.length)} AND deleted = 0 ORDER BY id DESC`
    const found = integersOf(await database.rows<IntegerRow>(sql, wanted))
    const missing = wanted.filter((uuid) => !found.has(uuid))
    return missing.length === 0 ? found : database.write((tx) => made(tx, table, wanted, toDateTime(now())))
  },
})

export const serverIntegers = (database: Database<CellTables>, now: () => number) => integers(database, now, 'instance_id_mappings')
export const imageIntegers = (database: Database<CellTables>, now: () => number) => integers(database, now, 's3_images')

interface IntegerRow {
  readonly uuid: string
  readonly id: number
}

/** Two services may have made one each at the same moment: the first counts, as in Nova, so it comes last. */
const integersOf = (rows: readonly IntegerRow[]): Map<string, number> => new Map(rows.map(({ uuid, id }) => [uuid, id]))

async function known(tx: Reading<CellTables>, table: Table, uuids: readonly string[]): Promise<Map<string, number>> {
  const query = from(tx, table).where('uuid', 'in', uuids).where('deleted', '=', 0)
  return integersOf(await query.orderBy('id', 'desc').execute())
}

async function made(tx: Writing<CellTables>, table: Table, uuids: readonly string[], at: string): Promise<Map<string, number>> {
  // Another request may have made them since
  const found = await known(tx, table, uuids)
  for (const uuid of uuids) if (!found.has(uuid)) found.set(uuid, await insert(tx, table, { uuid, createdAt: at }))
  return found
}
