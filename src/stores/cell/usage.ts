/** What the servers of a cell take of a project's limits. */
import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../../oslo/database/database.ts'
import type { CellTables } from './schema.ts'

export interface ServerUsage {
  readonly instances: number
  readonly cores: number
  /** In MiB. */
  readonly ram: number
}

/** All of a project's servers in this cell, and among them those of one user. nova/objects/instance.py InstanceList.get_counts */
export async function serverUsage(
  database: Database<CellTables>,
  projectId: string,
  userId: string,
): Promise<{ readonly project: ServerUsage; readonly user: ServerUsage }> {
  const ofUser = (what: RawBuilder<unknown>) => sql<number | null>`SUM(CASE WHEN user_id = ${userId} THEN ${what} ELSE 0 END)`
  const row = await database.read((tx) =>
    tx
      .selectFrom('instances')
      .select([
        sql<number>`COUNT(*)`.as('instances'),
        sql<number | null>`SUM(vcpus)`.as('cores'),
        sql<number | null>`SUM(memory_mb)`.as('ram'),
        ofUser(sql`1`).as('user_instances'),
        ofUser(sql`vcpus`).as('user_cores'),
        ofUser(sql`memory_mb`).as('user_ram'),
      ])
      .where('deleted', '=', 0)
      .where('project_id', '=', projectId)
      .where((eb) => eb.or([eb('vm_state', '<>', 'soft-delete'), eb('vm_state', 'is', null)]))
      .where((eb) => eb.or([eb('hidden', '=', false), eb('hidden', 'is', null)]))
      .executeTakeFirstOrThrow(),
  )
  // Sums of whole numbers are decimals in some databases, which come as texts
  const number = (value: unknown) => Number(value ?? 0)
  return {
    project: { instances: number(row.instances), cores: number(row.cores), ram: number(row.ram) },
    user: { instances: number(row.user_instances), cores: number(row.user_cores), ram: number(row.user_ram) },
  }
}
