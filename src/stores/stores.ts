/** Everything that is remembered. */
import type { Database } from '../oslo/database/database.ts'
import { aggregates } from './api/aggregates.ts'
import { flavors } from './api/flavors.ts'
import { keyPairs } from './api/key-pairs.ts'
import { cellMappings, hostMappings, serverMappings } from './api/mappings.ts'
import { quotas } from './api/quotas.ts'
import { requestSpecs, requests } from './api/requests.ts'
import type { ApiTables } from './api/schema.ts'
import { serverGroups } from './api/server-groups.ts'
import type { Cells } from './cells.ts'

export interface Stores {
  readonly api: ApiStore
  readonly cells: Cells
}

/** What nova_api holds. */
export const apiStore = (database: Database<ApiTables>, now: () => number) => ({
  database,
  aggregates: aggregates(database, now),
  cellMappings: cellMappings(database, now),
  flavors: flavors(database, now),
  hostMappings: hostMappings(database, now),
  keyPairs: keyPairs(database, now),
  quotas: quotas(database, now),
  requests: requests(database, now),
  requestSpecs: requestSpecs(database, now),
  serverGroups: serverGroups(database, now),
  serverMappings: serverMappings(database, now),
})

export type ApiStore = ReturnType<typeof apiStore>
