/** The services of a cell and the nodes that computes run on. */
import type { Database } from '../../oslo/database/database.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import { rowOf } from '../camel.ts'
import type { CellTables } from './schema.ts'
import { type CellRow, type CellValues, from, insert } from './table.ts'

export type Service = CellRow<'services'>
export type ComputeNode = CellRow<'compute_nodes'>

export const services = (database: Database<CellTables>, now: () => number) => ({
  list: (): Promise<Service[]> => database.read((tx) => from(tx, 'services').where('deleted', '=', 0).orderBy('id').execute()),

  find: (host: string, binary: string): Promise<Service | undefined> =>
    database.read((tx) =>
      from(tx, 'services').where('host', '=', host).where('binary', '=', binary).where('deleted', '=', 0).executeTakeFirst(),
    ),

  /** Of these hosts, those with this binary. */
  ofHosts: (hosts: readonly string[], binary: string): Promise<Service[]> =>
    database.read(async (tx) =>
      hosts.length === 0
        ? []
        : from(tx, 'services').where('host', 'in', hosts).where('binary', '=', binary).where('deleted', '=', 0).execute(),
    ),

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

export type ComputeNodes = ReturnType<typeof computeNodes>
