/** Host aggregates: groups of hosts with metadata, some of which are availability zones. */
import type { Database } from '../../oslo/database/database.ts'
import type { ApiTables } from './schema.ts'
import { from } from './table.ts'

export interface Aggregate {
  readonly id: number
  readonly uuid: string | null
  readonly name: string | null
  readonly createdAt: string | null
  readonly updatedAt: string | null
  readonly hosts: readonly string[]
  readonly metadata: Readonly<Record<string, string>>
}

export const aggregates = (database: Database<ApiTables>) => ({
  list: (): Promise<Aggregate[]> =>
    database.read(async (tx) => {
      const rows = await from(tx, 'aggregates').orderBy('id').execute()
      if (rows.length === 0) return []
      const hosts = await tx.selectFrom('aggregate_hosts').select(['aggregate_id', 'host']).orderBy('id').execute()
      const metadata = await tx.selectFrom('aggregate_metadata').select(['aggregate_id', 'key', 'value']).execute()
      return rows.map((row) => ({
        ...row,
        hosts: hosts.filter((host) => host.aggregate_id === row.id).map((host) => host.host!),
        metadata: Object.fromEntries(metadata.filter((pair) => pair.aggregate_id === row.id).map((pair) => [pair.key, pair.value])),
      }))
    }),

  /** The availability zone of each host that is in one. */
  zonesOfHosts: (): Promise<Map<string, string>> =>
    database.read(async (tx) => {
      const rows = await tx
        .selectFrom('aggregate_hosts')
        .innerJoin('aggregate_metadata', 'aggregate_metadata.aggregate_id', 'aggregate_hosts.aggregate_id')
        .select(['aggregate_hosts.host', 'aggregate_metadata.value'])
        .where('aggregate_metadata.key', '=', 'availability_zone')
        .orderBy('aggregate_hosts.id', 'desc')
        .execute()
      return new Map(rows.map((row) => [row.host!, row.value]))
    }),
})

export type Aggregates = ReturnType<typeof aggregates>
