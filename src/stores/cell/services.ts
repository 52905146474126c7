/** The services of a cell and the nodes that computes run on. */
import type { Database } from '../../oslo/database/database.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import { rowOf } from '../camel.ts'
import { inList } from '../rows.ts'
import type { CellTables } from './schema.ts'
import { type CellRow, type CellValues, from, insert, selectFrom } from './table.ts'

export type Service = CellRow<'services'>
/** What decides whether one is up. */
export type ServiceState = Pick<Service, 'lastSeenUp' | 'createdAt' | 'forcedDown' | 'disabled'>
export type ComputeNode = CellRow<'compute_nodes'>

export const services = (database: Database<CellTables>, now: () => number) => ({
  list: (): Promise<Service[]> => database.read((tx) => from(tx, 'services').where('deleted', '=', 0).orderBy('id').execute()),

  find: (host: string, binary: string): Promise<Service | undefined> =>
    database.read((tx) =>
      from(tx, 'services').where('host', '=', host).where('binary', '=', binary).where('deleted', '=', 0).executeTakeFirst(),
    ),

  /** By UUID, or by id. */
  get: (id: string | number): Promise<Service | undefined> =>
    database.read((tx) =>
      from(tx, 'services')
        .where(typeof id === 'number' ? 'id' : 'uuid', '=', id)
        .where('deleted', '=', 0)
        .executeTakeFirst(),
    ),

  /** With the compute nodes of `nodesOf`, when that is a host (nova/db/main/api.py service_destroy). */
  remove: (id: number, nodesOf: string | null): Promise<void> =>
    database.write(async (tx) => {
      const at = toDateTime(now())
      await tx.updateTable('services').set({ deleted: id, deleted_at: at }).where('id', '=', id).execute()
      if (nodesOf === null) return
      await tx
        .updateTable('compute_nodes')
        .set((eb) => ({ deleted: eb.ref('id'), deleted_at: at, mapped: 0 }))
        .where('deleted', '=', 0)
        .where((eb) => eb.or([eb('service_id', '=', id), eb('host', '=', nodesOf)]))
        .execute()
    }),

  /** Of these hosts, those with this binary. */
  ofHosts: async (hosts: readonly string[], binary: string): Promise<Service[]> => {
    if (hosts.length === 0) return []
    const sql = `${selectFrom('services')} WHERE host IN ${inList(hosts.length)} AND services.binary = ? AND deleted = 0`
    return database.rows<Service>(sql, [...hosts, binary])
  },

  /** The lowest version among services with this binary; null when there is none. */
  minimumVersion: (binary: string): Promise<number | null> =>
    database.read(async (tx) => {
      const row = await tx
        .selectFrom('services')
        .select((eb) => eb.fn.min('version').as('version'))
        .where('binary', '=', binary)
        .where('deleted', '=', 0)
        .where('forced_down', '=', false)
        .executeTakeFirst()
      return row?.version ?? null
    }),

  create: (values: CellValues<'services'>): Promise<number> =>
    database.write((tx) => insert(tx, 'services', { ...values, createdAt: toDateTime(now()) })),

  update: (id: number, values: CellValues<'services'>): Promise<void> =>
    database.write(async (tx) => {
      await tx
        .updateTable('services')
        .set({ ...(rowOf(values) as object), updated_at: toDateTime(now()) })
        .where('id', '=', id)
        .execute()
    }),
})

export type Services = ReturnType<typeof services>

export const computeNodes = (database: Database<CellTables>, now: () => number) => ({
  list: (): Promise<ComputeNode[]> => database.read((tx) => from(tx, 'compute_nodes').where('deleted', '=', 0).orderBy('id').execute()),

  find: (host: string, node: string): Promise<ComputeNode | undefined> =>
    database.read((tx) =>
      from(tx, 'compute_nodes')
        .where('host', '=', host)
        .where('hypervisor_hostname', '=', node)
        .where('deleted', '=', 0)
        .executeTakeFirst(),
    ),

  /** By UUID, or by id. */
  get: (id: string | number): Promise<ComputeNode | undefined> =>
    database.read((tx) =>
      from(tx, 'compute_nodes')
        .where(typeof id === 'number' ? 'id' : 'uuid', '=', id)
        .where('deleted', '=', 0)
        .executeTakeFirst(),
    ),

  /** By id, after that of `after`. */
  page: ({ after, limit }: { after?: number | undefined; limit?: number | undefined }): Promise<ComputeNode[]> =>
    database.read((tx) => {
      let query = from(tx, 'compute_nodes').where('deleted', '=', 0).orderBy('id')
      if (after !== undefined) query = query.where('id', '>', after)
      return (limit === undefined ? query : query.limit(limit)).execute()
    }),

  /** Those in whose names a text stands; `%` and `_` in it stand for any characters, as in SQL. */
  matching: (pattern: string): Promise<ComputeNode[]> =>
    database.read((tx) =>
      from(tx, 'compute_nodes').where('hypervisor_hostname', 'like', `%${pattern}%`).where('deleted', '=', 0).orderBy('id').execute(),
    ),

  ofHost: (host: string): Promise<ComputeNode[]> =>
    database.read((tx) => from(tx, 'compute_nodes').where('host', '=', host).where('deleted', '=', 0).orderBy('id').execute()),

  create: (values: CellValues<'compute_nodes'>): Promise<number> =>
    database.write((tx) => insert(tx, 'compute_nodes', { ...values, createdAt: toDateTime(now()) })),

  update: (id: number, values: CellValues<'compute_nodes'>): Promise<void> =>
    database.write(async (tx) => {
      await tx
        .updateTable('compute_nodes')
        .set({ ...(rowOf(values) as object), updated_at: toDateTime(now()) })
        .where('id', '=', id)
        .execute()
    }),
})
