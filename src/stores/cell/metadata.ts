/** Metadata of servers: what users set, and what Nova notes for itself (system metadata). */
import type { Database, Reading, Writing } from '../../oslo/database/database.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import { parsed } from '../parsed.ts'
import { inList } from '../rows.ts'
import type { CellTables } from './schema.ts'
import { insert } from './table.ts'

type Table = 'instance_metadata' | 'instance_system_metadata'
type Pairs = Record<string, string | null>

/** One of the two tables; both have the same columns. */
const pairs = (database: Database<CellTables>, now: () => number, table: Table) => ({
  /** By server; one without any is absent. What comes back is shared, so nobody may change it. */
  of: async (uuids: readonly string[]): Promise<Map<string, Readonly<Pairs>>> => {
    if (uuids.length === 0) return new Map()
    // One row a server, gathered by the database: of system metadata there are ten pairs each, and most servers have the same
    const sql = `SELECT instance_uuid AS uuid, ${database.fragments.objectOf('key', 'value')} AS pairs FROM ${table} WHERE instance_uuid IN ${inList(uuids.length)} AND deleted = 0 GROUP BY instance_uuid`
    const rows = await database.rows<{ uuid: string; pairs: string }>(sql, uuids)
    return new Map(rows.map((row) => [row.uuid, parsed<Pairs>(row.pairs)!]))
  },

  /** Sets these; with `only`, others go. */
  set: (uuid: string, values: Readonly<Pairs>, { only = false } = {}): Promise<void> =>
    database.write((tx) => setPairs(tx, { table, uuid, values, only, at: toDateTime(now()) })),

  remove: (uuid: string, key: string): Promise<void> => database.write((tx) => removePairs(tx, table, uuid, [key], toDateTime(now()))),
})

export const metadata = (database: Database<CellTables>, now: () => number) => pairs(database, now, 'instance_metadata')
export const systemMetadata = (database: Database<CellTables>, now: () => number) => pairs(database, now, 'instance_system_metadata')
export type Metadata = ReturnType<typeof pairs>

async function pairsOf(tx: Reading<CellTables>, table: Table, uuids: readonly string[]): Promise<Map<string, Pairs>> {
  const out = new Map<string, Pairs>()
  if (uuids.length === 0) return out
  const rows = await tx
    .selectFrom(table)
    .select(['instance_uuid', 'key', 'value'])
    .where('instance_uuid', 'in', uuids)
    .where('deleted', '=', 0)
    .execute()
  for (const { instance_uuid, key, value } of rows) {
    const known = out.get(instance_uuid!) ?? {}
    known[key!] = value
    out.set(instance_uuid!, known)
  }
  return out
}

interface PairsChange {
  readonly table: Table
  readonly uuid: string
  readonly values: Readonly<Pairs>
  /** Others go. */
  readonly only?: boolean
  readonly at: string
}

export async function setPairs(tx: Writing<CellTables>, { table, uuid, values, only = false, at }: PairsChange): Promise<void> {
  const before = (await pairsOf(tx, table, [uuid])).get(uuid) ?? {}
  if (only)
    await removePairs(
      tx,
      table,
      uuid,
      Object.keys(before).filter((key) => !Object.hasOwn(values, key)),
      at,
    )
  for (const [key, value] of Object.entries(values)) {
    if (!Object.hasOwn(before, key)) await insert(tx, table, { instanceUuid: uuid, key, value, createdAt: at })
    else if (before[key] !== value)
      await tx
        .updateTable(table)
        .set({ value, updated_at: at })
        .where('instance_uuid', '=', uuid)
        .where('key', '=', key)
        .where('deleted', '=', 0)
        .execute()
  }
}

/** Nova reads system metadata that is marked as deleted, so there nothing is only marked. nova/db/main/api.py _instance_metadata_update_in_place */
export async function removePairs(tx: Writing<CellTables>, table: Table, uuid: string, keys: readonly string[], at: string): Promise<void> {
  if (keys.length === 0) return
  if (table === 'instance_system_metadata') {
    await tx.deleteFrom(table).where('instance_uuid', '=', uuid).where('key', 'in', keys).execute()
    return
  }
  await tx
    .updateTable(table)
    .set((eb) => ({ deleted: eb.ref('id'), deleted_at: at }))
    .where('instance_uuid', '=', uuid)
    .where('key', 'in', keys)
    .where('deleted', '=', 0)
    .execute()
}
