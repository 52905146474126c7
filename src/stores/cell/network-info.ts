/** What a cell remembers of the network of its servers: the cache that the API shows, and which ports they were given in which order. */
import type { Database } from '../../oslo/database/database.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import { DuplicateKey } from '../../oslo/database/errors.ts'
import type { CellTables } from './schema.ts'
import { type CellRow, from, insert } from './table.ts'

export type VirtualInterface = CellRow<'virtual_interfaces'>

export type NetworkInfoCache = CellRow<'instance_info_caches'>

export const networkInfo = (database: Database<CellTables>, now: () => number) => ({
  find: (uuid: string): Promise<NetworkInfoCache | undefined> =>
    database.read((tx) => from(tx, 'instance_info_caches').where('instance_uuid', '=', uuid).executeTakeFirst()),

  of: (uuids: readonly string[]): Promise<NetworkInfoCache[]> =>
    database.read(async (tx) => (uuids.length === 0 ? [] : from(tx, 'instance_info_caches').where('instance_uuid', 'in', uuids).execute())),

  /** Replaces the cache with this JSON text. */
  set: (uuid: string, info: string): Promise<void> =>
    database.write(async (tx) => {
      await tx
        .updateTable('instance_info_caches')
        .set({ network_info: info, updated_at: toDateTime(now()) })
        .where('instance_uuid', '=', uuid)
        .execute()
    }),
})

export const virtualInterfaces = (database: Database<CellTables>, now: () => number) => ({
  /** In the order of their making. `uuid` is the port's. */
  of: (instanceUuid: string): Promise<VirtualInterface[]> =>
    database.read((tx) =>
      from(tx, 'virtual_interfaces').where('instance_uuid', '=', instanceUuid).where('deleted', '=', 0).orderBy('id').execute(),
    ),

  /** The one of a port. */
  find: (port: string): Promise<VirtualInterface | undefined> =>
    database.read((tx) => from(tx, 'virtual_interfaces').where('uuid', '=', port).where('deleted', '=', 0).executeTakeFirst()),

  /** One that is there stays as it is. `address` is the MAC address, a slash and the port's id. */
  create: async (values: { instanceUuid: string; uuid: string; address: string; tag: string | null }): Promise<void> => {
    try {
      await database.write((tx) => insert(tx, 'virtual_interfaces', { ...values, createdAt: toDateTime(now()) }))
    } catch (error) {
      if (!(error instanceof DuplicateKey)) throw error
    }
  },

  /** All of a server, or the one of a port. */
  remove: (instanceUuid: string, port?: string): Promise<void> =>
    database.write(async (tx) => {
      let query = tx
        .updateTable('virtual_interfaces')
        .set((eb) => ({ deleted: eb.ref('id'), deleted_at: toDateTime(now()) }))
        .where('instance_uuid', '=', instanceUuid)
        .where('deleted', '=', 0)
      if (port !== undefined) query = query.where('uuid', '=', port)
      await query.execute()
    }),
})

export type VirtualInterfaces = ReturnType<typeof virtualInterfaces>
