/** What a server's disks are made of: local disks, volumes, images, snapshots. */
import type { Database } from '../../oslo/database/database.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import { rowOf } from '../camel.ts'
import { grouped } from '../rows.ts'
import type { CellTables } from './schema.ts'
import { type CellRow, type CellValues, from, insert } from './table.ts'

export type BlockDevice = CellRow<'block_device_mapping'>
export type BlockDeviceValues = CellValues<'block_device_mapping'>

export const blockDevices = (database: Database<CellTables>, now: () => number) => ({
  /** By server, in the order of their making; one without any is absent. */
  of: (uuids: readonly string[]): Promise<Map<string, BlockDevice[]>> =>
    database.read(async (tx) => {
      if (uuids.length === 0) return new Map()
      const rows = await from(tx, 'block_device_mapping')
        .where('instance_uuid', 'in', uuids)
        .where('deleted', '=', 0)
        .orderBy('id')
        .execute()
      return grouped(
        rows,
        (row) => row.instanceUuid!,
        (row) => row,
      )
    }),

  /** Of a volume in one server. */
  ofAttachment: (uuid: string, volumeId: string): Promise<BlockDevice | undefined> =>
    database.read((tx) =>
      from(tx, 'block_device_mapping')
        .where('instance_uuid', '=', uuid)
        .where('volume_id', '=', volumeId)
        .where('deleted', '=', 0)
        .orderBy('id')
        .executeTakeFirst(),
    ),

  /** Of a volume, in whatever servers. */
  ofVolume: (volumeId: string): Promise<BlockDevice[]> =>
    database.read((tx) =>
      from(tx, 'block_device_mapping').where('volume_id', '=', volumeId).where('deleted', '=', 0).orderBy('id').execute(),
    ),

  /** Servers with a volume that was never connected. */
  unconnected: async (): Promise<string[]> => {
    const sql = `SELECT DISTINCT instance_uuid AS "uuid" FROM block_device_mapping WHERE deleted = 0 AND destination_type = 'volume' AND source_type = 'volume' AND connection_info IS NULL`
    return (await database.rows<{ uuid: string }>(sql, [])).map(({ uuid }) => uuid)
  },

  create: (values: BlockDeviceValues & { instanceUuid: string; uuid: string }): Promise<number> =>
    database.write((tx) => insert(tx, 'block_device_mapping', { ...values, createdAt: toDateTime(now()) })),

  update: (id: number, values: BlockDeviceValues): Promise<void> =>
    database.write(async (tx) => {
      await tx
        .updateTable('block_device_mapping')
        .set({ ...(rowOf(values) as object), updated_at: toDateTime(now()) })
        .where('id', '=', id)
        .execute()
    }),

  remove: (id: number): Promise<void> =>
    database.write(async (tx) => {
      await tx
        .updateTable('block_device_mapping')
        .set((eb) => ({ deleted: eb.ref('id'), deleted_at: toDateTime(now()) }))
        .where('id', '=', id)
        .execute()
    }),
})
