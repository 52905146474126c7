/** Creates Nova's tables and tells their revision, as `nova-manage api_db sync`, `db sync` and `db version` do. */
import { sql } from 'kysely'
import type { Database, Reading } from '../oslo/database/database.ts'
import { createStatements } from '../oslo/database/ddl.ts'
import { DatabaseError } from '../oslo/database/errors.ts'
import type { Schema } from '../oslo/database/schema.ts'
import { type ApiTables, apiSchema } from './api/schema.ts'
import { type CellTables, cellSchema } from './cell/schema.ts'

// nova/db/{api,main}/migrations/versions of Nova 33, oldest first.
const apiRevisions = ['d67eeaabee36', 'b30f573d3377', 'cdeec0c85668']
const cellRevisions = [
  '8f2f1571d55b',
  '16f1fbcab42b',
  'ccb0fa1a2252',
  '960aac0e09ea',
  '1b91788ec3a6',
  '1acf2c98e646',
  '13863f4e1612',
  'd60bddf7a903',
  '2903cd72dc14',
]

/** The revision that an API database must have. */
export const apiRevision = apiRevisions.at(-1)!

/** The revision that a cell's database must have. */
export const cellRevision = cellRevisions.at(-1)!

/** Whether the tables were made, or were there already with the right revision. */
export type Synced = 'created' | 'current'

/** Makes the tables of the API database. A database of another revision, or with other tables, is refused with a DatabaseError. */
export const syncApi = (database: Database<ApiTables>): Promise<Synced> => sync(database, apiSchema, apiRevisions)

/** Makes the tables of a cell's database; as `syncApi`. */
export const syncCell = (database: Database<CellTables>): Promise<Synced> => sync(database, cellSchema, cellRevisions)

/** The revision that alembic noted, or null when there is none: nothing has been synced yet. */
export const versionOf = <Tables>(database: Database<Tables>): Promise<string | null> =>
  database.read(async (tx) => revisionIn(tx, await tablesOf(tx)))

function sync<Tables>(database: Database<Tables>, schema: Schema, revisions: readonly string[]): Promise<Synced> {
  const head = revisions.at(-1)!
  return database.write(async (tx) => {
    const tables = await tablesOf(tx)
    const found = await revisionIn(tx, tables)
    if (found === head) return 'current'
    if (found !== null) throw new DatabaseError(mismatch(found, head, revisions))
    const { alembic_version: _, ...others } = schema
    const foreign = tables.filter((name) => name !== 'alembic_version')
    if (foreign.length > 0) throw new DatabaseError(`the database has no revision, yet it has tables: ${foreign.slice(0, 3).join(', ')}, …`)
    const missing: Schema = tables.length === 0 ? schema : others
    for (const statement of createStatements(missing, database.engine)) await sql.raw(statement).execute(tx)
    await sql`INSERT INTO alembic_version (version_num) VALUES (${head})`.execute(tx)
    return 'created'
  })
}

function mismatch(found: string, head: string, revisions: readonly string[]): string {
  const why = revisions.includes(found) ? 'older' : 'not one that this release knows'
  return `the database has revision ${found}, which is ${why}; ${head} is needed (nova-manage of Nova 33 upgrades to it)`
}

const tablesOf = async <Tables>(tx: Reading<Tables>): Promise<string[]> => (await tx.introspection.getTables()).map(({ name }) => name)

async function revisionIn<Tables>(tx: Reading<Tables>, tables: readonly string[]): Promise<string | null> {
  if (!tables.includes('alembic_version')) return null
  const { rows } = await sql<{ version_num: string }>`SELECT version_num FROM alembic_version`.execute(tx)
  return rows.length === 0 ? null : rows.map((row) => row.version_num).join(' ')
}
