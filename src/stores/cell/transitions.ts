/** Changes of a server's state that touch several of its tables and must not be seen halfway. */
import type { Database } from '../../oslo/database/database.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import { rowOf } from '../camel.ts'
import { removePairs, setPairs } from './metadata.ts'
import type { CellTables } from './schema.ts'
import { type Expected, type ServerChanges, updateServer } from './servers.ts'
import type { CellValues } from './table.ts'

export interface Transition {
  readonly server?: ServerChanges
  readonly extra?: CellValues<'instance_extra'>
  /** System metadata to set; undefined removes a key. */
  readonly systemMetadata?: Readonly<Record<string, string | null | undefined>>
  /** All metadata that its user gives it. */
  readonly metadata?: Readonly<Record<string, string | null>>
}

export const transitions = (database: Database<CellTables>, now: () => number) => ({
  /** Makes all of it when the states are as expected; says whether it did. */
  apply: (uuid: string, { server = {}, extra, systemMetadata, metadata }: Transition, expected: Expected = {}): Promise<boolean> =>
    database.write(async (tx) => {
      const at = toDateTime(now())
      if (!(await updateServer(tx, uuid, server, expected, at))) return false
      if (extra)
        await tx
          .updateTable('instance_extra')
          .set({ ...(rowOf(extra) as object), updated_at: at })
          .where('instance_uuid', '=', uuid)
          .execute()
      if (systemMetadata) {
        const entries = Object.entries(systemMetadata)
        const gone = entries.flatMap(([key, value]) => (value === undefined ? [key] : []))
        const kept = Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Record<string, string | null>
        await removePairs(tx, 'instance_system_metadata', uuid, gone, at)
        if (Object.keys(kept).length > 0) await setPairs(tx, { table: 'instance_system_metadata', uuid, values: kept, at })
      }
      if (metadata) await setPairs(tx, { table: 'instance_metadata', uuid, values: metadata, only: true, at })
      return true
    }),
})
