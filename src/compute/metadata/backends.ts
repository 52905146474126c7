/** What the metadata service stands on. */
import type { Log } from '../../oslo/log.ts'
import type { CachePlace } from '../../oslo/memcached/cache.ts'
import type { NeutronClient } from '../../peers/neutron.ts'
import type { VendordataServices } from '../../peers/vendordata.ts'
import type { ServerMappings } from '../../stores/api/mappings.ts'
import type { CellStore, Cells } from '../../stores/cells.ts'
import type { Clock } from '../backends.ts'
import type { MetadataSettings } from './settings.ts'

export interface MetadataBackends {
  /** Which cell holds a server, and the cells; null when this service serves one cell alone. */
  readonly global: { readonly mappings: ServerMappings; readonly cells: Cells } | null
  /** The database of [database] connection: the one cell, or what is left for servers that are in none. */
  readonly main: () => Promise<CellStore>
  /** As Nova itself. */
  readonly neutron: NeutronClient
  readonly vendordata: VendordataServices
  readonly settings: MetadataSettings
  /** Where what is known of servers is kept for a while. */
  readonly cache: CachePlace
  readonly clock: Clock
  readonly log: Log
}
