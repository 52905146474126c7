/** Servers that come into a cell: the row and everything that belongs to it from the beginning. */
import type { Database, Writing } from '../../oslo/database/database.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import { DuplicateKey } from '../../oslo/database/errors.ts'
import type { NewAction } from './actions.ts'
import type { BlockDeviceValues } from './block-devices.ts'
import type { CellTables } from './schema.ts'
import type { ServerChanges } from './servers.ts'
import { type CellValues, insert } from './table.ts'

/** What nova-conductor writes of a new server, in the order in which Nova does. */
export interface Birth {
  readonly server: ServerChanges & { readonly uuid: string }
  readonly extra: CellValues<'instance_extra'>
  readonly metadata: Readonly<Record<string, string | null>>
  readonly systemMetadata: Readonly<Record<string, string | null>>
  readonly blockDevices: readonly (BlockDeviceValues & { readonly uuid: string })[]
  readonly tags: readonly string[]
  readonly action: Omit<NewAction, 'instanceUuid'> & { readonly startTime: string }
}

export const births = (database: Database<CellTables>, now: () => number) => ({
  /** All of it or nothing. False when the server is there already, deleted or not. */
  create: async (birth: Birth): Promise<boolean> => {
    try {
      await database.write((tx) => createServer(tx, birth, toDateTime(now())))
      return true
    } catch (error) {
      if (error instanceof DuplicateKey && error.table === 'instances') return false
      throw error
    }
  },
})

async function createServer(tx: Writing<CellTables>, birth: Birth, createdAt: string): Promise<void> {
  const { server, extra, metadata, systemMetadata, blockDevices, tags, action } = birth
  const instanceUuid = server.uuid
  await insert(tx, 'instances', { createdAt, ...server })
  await insert(tx, 'instance_id_mappings', { uuid: instanceUuid, createdAt })
  await insert(tx, 'instance_extra', { ...extra, instanceUuid, createdAt })
  await insert(tx, 'instance_info_caches', { instanceUuid, networkInfo: '[]', createdAt })
  for (const [key, value] of Object.entries(metadata)) await insert(tx, 'instance_metadata', { instanceUuid, key, value, createdAt })
  for (const [key, value] of Object.entries(systemMetadata))
    await insert(tx, 'instance_system_metadata', { instanceUuid, key, value, createdAt })
  await insert(tx, 'instance_actions', { ...action, instanceUuid, createdAt, updatedAt: createdAt })
  for (const device of blockDevices) await insert(tx, 'block_device_mapping', { ...device, instanceUuid, createdAt })
  for (const tag of new Set(tags)) await tx.insertInto('tags').values({ resource_id: instanceUuid, tag }).execute()
}
