/** Host aggregates: groups of hosts with metadata, some of which are availability zones. */
import type { Database, Reading, Writing } from '../../oslo/database/database.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import { DuplicateKey } from '../../oslo/database/errors.ts'
import { parsed } from '../parsed.ts'
import type { ApiTables } from './schema.ts'
import { from, insert } from './table.ts'

export interface Aggregate {
  readonly id: number
  readonly uuid: string | null
  readonly name: string | null
  readonly createdAt: string | null
  readonly updatedAt: string | null
  readonly hosts: readonly string[]
  readonly metadata: Readonly<Record<string, string>>
}

// The name stands in the text: SQLite plans a join anew each time when what it is compared with is a parameter
/** Hosts with their availability zones: `zoneColumns` may be selected from it. */
export const fromZonesOfHosts = `FROM aggregate_hosts JOIN aggregate_metadata ON aggregate_metadata.aggregate_id = aggregate_hosts.aggregate_id AND aggregate_metadata.key = 'availability_zone'`
export const zoneColumns = ['aggregate_hosts.id', 'aggregate_hosts.host', 'aggregate_metadata.value'] as const
const zonesOfHosts = `SELECT aggregate_hosts.host AS host, aggregate_metadata.value AS zone ${fromZonesOfHosts} ORDER BY aggregate_hosts.id DESC`

/** The availability zone of each host, from a list of `zoneColumns` as JSON text. */
export function zonesFrom(text: string | null): ReadonlyMap<string, string> {
  const rows = parsed<[id: number, host: string, zone: string][]>(text) ?? []
  let zones = known.get(rows)
  if (!zones) known.set(rows, (zones = new Map(rows.toSorted(([one], [other]) => other - one).map(([, host, zone]) => [host, zone]))))
  return zones
}
// As long as the text is remembered, which in large clouds is long, and is the same from one server to the next
const known = new WeakMap<object, ReadonlyMap<string, string>>()

export const aggregates = (database: Database<ApiTables>, now: () => number) => ({
  list: (): Promise<Aggregate[]> => database.read((tx) => read(tx)),

  find: (id: number): Promise<Aggregate | undefined> => database.read(async (tx) => (await read(tx, id))[0]),

  /** The availability zone of each host that is in one. */
  zonesOfHosts: async (): Promise<Map<string, string>> => {
    const rows = await database.rows<{ host: string; zone: string }>(zonesOfHosts)
    return new Map(rows.map(({ host, zone }) => [host, zone]))
  },

  /** Undefined when the name is taken. */
  create: (values: { uuid: string; name: string; metadata: Readonly<Record<string, string>> }): Promise<Aggregate | undefined> =>
    unlessTaken(() =>
      database.write(async (tx) => {
        const { metadata, ...row } = values
        const createdAt = toDateTime(now())
        const id = await insert(tx, 'aggregates', { ...row, createdAt })
        await setPairs(tx, id, metadata, createdAt)
        return { id, ...row, createdAt, updatedAt: null, hosts: [], metadata }
      }),
    ),

  /** Undefined when the name is taken. */
  rename: (id: number, name: string): Promise<true | undefined> =>
    unlessTaken(() =>
      database.write(async (tx) => {
        await tx
          .updateTable('aggregates')
          .set({ name, updated_at: toDateTime(now()) })
          .where('id', '=', id)
          .execute()
        return true as const
      }),
    ),

  /** Sets these pairs and keeps the others; a pair whose value is null goes. */
  setMetadata: (id: number, pairs: Readonly<Record<string, string | null>>): Promise<void> =>
    database.write((tx) => setPairs(tx, id, pairs, toDateTime(now()))),

  /** Undefined when the host is in it already. */
  addHost: (id: number, host: string): Promise<true | undefined> =>
    unlessTaken(() =>
      database.write(async (tx) => {
        await insert(tx, 'aggregate_hosts', { aggregateId: id, host, createdAt: toDateTime(now()) })
        return true as const
      }),
    ),

  /** Whether it was in it. */
  removeHost: (id: number, host: string): Promise<boolean> =>
    database.write(async (tx) => {
      const { numDeletedRows } = await tx
        .deleteFrom('aggregate_hosts')
        .where('aggregate_id', '=', id)
        .where('host', '=', host)
        .executeTakeFirst()
      return numDeletedRows > 0
    }),

  remove: (id: number): Promise<void> =>
    database.write(async (tx) => {
      await tx.deleteFrom('aggregate_metadata').where('aggregate_id', '=', id).execute()
      await tx.deleteFrom('aggregate_hosts').where('aggregate_id', '=', id).execute()
      await tx.deleteFrom('aggregates').where('id', '=', id).execute()
    }),
})

export type Aggregates = ReturnType<typeof aggregates>

async function read(tx: Reading<ApiTables>, only?: number): Promise<Aggregate[]> {
  const rows = await (only === undefined ? from(tx, 'aggregates') : from(tx, 'aggregates').where('id', '=', only)).orderBy('id').execute()
  if (rows.length === 0) return []
  const ids = rows.map((row) => row.id)
  const hosts = await tx
    .selectFrom('aggregate_hosts')
    .select(['aggregate_id', 'host'])
    .where('aggregate_id', 'in', ids)
    .orderBy('id')
    .execute()
  const metadata = await tx
    .selectFrom('aggregate_metadata')
    .select(['aggregate_id', 'key', 'value'])
    .where('aggregate_id', 'in', ids)
    .execute()
  return rows.map((row) => ({
    ...row,
    hosts: hosts.filter((host) => host.aggregate_id === row.id).map((host) => host.host!),
    metadata: Object.fromEntries(metadata.filter((pair) => pair.aggregate_id === row.id).map((pair) => [pair.key, pair.value])),
  }))
}

async function setPairs(tx: Writing<ApiTables>, id: number, pairs: Readonly<Record<string, string | null>>, at: string): Promise<void> {
  for (const [key, value] of Object.entries(pairs)) {
    if (value === null) {
      await tx.deleteFrom('aggregate_metadata').where('aggregate_id', '=', id).where('key', '=', key).execute()
      continue
    }
    const { numUpdatedRows } = await tx
      .updateTable('aggregate_metadata')
      .set({ value, updated_at: at })
      .where('aggregate_id', '=', id)
      .where('key', '=', key)
      .executeTakeFirst()
    if (numUpdatedRows === 0n) await insert(tx, 'aggregate_metadata', { aggregateId: id, key, value, createdAt: at })
  }
}

async function unlessTaken<T>(write: () => Promise<T>): Promise<T | undefined> {
  try {
    return await write()
  } catch (error) {
    if (error instanceof DuplicateKey) return undefined
    throw error
  }
}
