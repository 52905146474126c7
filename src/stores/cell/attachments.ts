/** What a server was given beside disks and networks: PCI devices and shares. */
import type { Database } from '../../oslo/database/database.ts'
import type { CellTables } from './schema.ts'
import { type CellRow, from } from './table.ts'

export type PciDeviceRow = CellRow<'pci_devices'>

export const pciDevices = (database: Database<CellTables>) => ({
  of: (uuid: string): Promise<PciDeviceRow[]> =>
    database.read((tx) => from(tx, 'pci_devices').where('instance_uuid', '=', uuid).where('deleted', '=', 0).orderBy('id').execute()),
})

export type PciDevices = ReturnType<typeof pciDevices>

/** Manila shares. */
export const shareMappings = (database: Database<CellTables>) => ({
  /** Whether a server has any. */
  any: (uuid: string): Promise<boolean> =>
    database.read(async (tx) => {
      const row = await tx.selectFrom('share_mapping').select('id').where('instance_uuid', '=', uuid).executeTakeFirst()
      return row !== undefined
    }),
})

export type ShareMappings = ReturnType<typeof shareMappings>
