/** What a server was given beside disks and networks: PCI devices and shares. */
import type { Database } from '../../oslo/database/database.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import type { CellTables } from './schema.ts'
import { type CellRow, type CellValues, from, insert } from './table.ts'

export type PciDeviceRow = CellRow<'pci_devices'>

export const pciDevices = (database: Database<CellTables>) => ({
  of: (uuid: string): Promise<PciDeviceRow[]> =>
    database.read((tx) => from(tx, 'pci_devices').where('instance_uuid', '=', uuid).where('deleted', '=', 0).orderBy('id').execute()),
})

export type ShareRow = CellRow<'share_mapping'>

/** Manila shares. Nothing of them is kept once they are gone. */
export const shareMappings = (database: Database<CellTables>, now: () => number) => ({
  /** Whether a server has any. */
  any: (uuid: string): Promise<boolean> =>
    database.read(async (tx) => {
      const row = await tx.selectFrom('share_mapping').select('id').where('instance_uuid', '=', uuid).executeTakeFirst()
      return row !== undefined
    }),

  of: (uuid: string): Promise<ShareRow[]> =>
    database.read((tx) => from(tx, 'share_mapping').where('instance_uuid', '=', uuid).orderBy('id').execute()),

  find: (uuid: string, shareId: string): Promise<ShareRow | undefined> =>
    database.read((tx) => from(tx, 'share_mapping').where('instance_uuid', '=', uuid).where('share_id', '=', shareId).executeTakeFirst()),

  /** DuplicateKey when the server has this share or one with this tag. */
  create: (values: CellValues<'share_mapping'>): Promise<number> =>
    database.write((tx) => insert(tx, 'share_mapping', { ...values, createdAt: toDateTime(now()) })),

  setStatus: (id: number, status: string): Promise<void> =>
    database.write(async (tx) => {
      await tx
        .updateTable('share_mapping')
        .set({ status, updated_at: toDateTime(now()) })
        .where('id', '=', id)
        .execute()
    }),
})
