/** The integers that stand for servers and images in the names of EC2. Nova makes one for an image when somebody asks first. */
import type { Database, Writing } from '../../oslo/database/database.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import type { CellTables } from './schema.ts'
import { from, insert } from './table.ts'

type Table = 'instance_id_mappings' | 's3_images'

const integers = (database: Database<CellTables>, now: () => number, table: Table) => ({
  /** By UUID, made where there was none (nova/objects/ec2.py get_int_id_from_instance_uuid, glance_id_to_id). */
  of: async (uuids: readonly string[]): Promise<Map<string, number>> => {
    const wanted = [...new Set(uuids)]
    const found = await database.read((tx) => known(tx, table, wanted))
    const missing = wanted.filter((uuid) => !found.has(uuid))
    return missing.length === 0 ? found : database.write((tx) => made(tx, table, wanted, toDateTime(now())))
  },
})

export const serverIntegers = (database: Database<CellTables>, now: () => number) => integers(database, now, 'instance_id_mappings')
export const imageIntegers = (database: Database<CellTables>, now: () => number) => integers(database, now, 's3_images')
export type Integers = ReturnType<typeof integers>

async function known(tx: Parameters<typeof from>[0], table: Table, uuids: readonly string[]): Promise<Map<string, number>> {
  if (uuids.length === 0) return new Map()
  const rows = await from(tx, table).where('uuid', 'in', uuids).where('deleted', '=', 0).orderBy('id', 'desc').execute()
  // Two services may have made one each at the same moment: the first counts, as in Nova
  return new Map(rows.map(({ uuid, id }) => [uuid, id]))
}

async function made(tx: Writing<CellTables>, table: Table, uuids: readonly string[], at: string): Promise<Map<string, number>> {
  // Another request may have made them since
  const found = await known(tx, table, uuids)
  for (const uuid of uuids) if (!found.has(uuid)) found.set(uuid, await insert(tx, table, { uuid, createdAt: at }))
  return found
}
