/** Quota limits that were set: of projects, of users in projects, and of the default class. */
import { sql } from 'kysely'
import type { Database } from '../../oslo/database/database.ts'
import type { ApiTables } from './schema.ts'

/** Limits by resource; only those that were set. -1 is no limit. */
export type Limits = Readonly<Record<string, number>>

const limitsOf = (rows: readonly { resource: string | null; hard_limit: number | null }[]): Limits =>
  Object.fromEntries(rows.flatMap(({ resource, hard_limit }) => (hard_limit === null ? [] : [[resource!, hard_limit]])))

export const quotas = (database: Database<ApiTables>) => ({
  ofProject: (projectId: string): Promise<Limits> =>
    database.read(async (tx) =>
      limitsOf(await tx.selectFrom('quotas').select(['resource', 'hard_limit']).where('project_id', '=', projectId).execute()),
    ),

  ofUser: (projectId: string, userId: string): Promise<Limits> =>
    database.read(async (tx) =>
      limitsOf(
        await tx
          .selectFrom('project_user_quotas')
          .select(['resource', 'hard_limit'])
          .where('project_id', '=', projectId)
          .where('user_id', '=', userId)
          .execute(),
      ),
    ),

  /** `default` is the class whose limits hold where a project has none. */
  ofClass: (name: string): Promise<Limits> =>
    database.read(async (tx) =>
      limitsOf(await tx.selectFrom('quota_classes').select(['resource', 'hard_limit']).where('class_name', '=', name).execute()),
    ),

  /** Servers of a project, and among them those of a user, by what nova_api knows of all cells; those that are being deleted do not count. */
  serversMapped: (projectId: string, userId: string): Promise<{ readonly project: number; readonly user: number }> =>
    database.read(async (tx) => {
      const row = await tx
        .selectFrom('instance_mappings')
        .select([sql<number>`COUNT(*)`.as('project'), sql<number | null>`SUM(CASE WHEN user_id = ${userId} THEN 1 ELSE 0 END)`.as('user')])
        .where('project_id', '=', projectId)
        .where('queued_for_delete', '=', false)
        .executeTakeFirstOrThrow()
      return { project: Number(row.project), user: Number(row.user ?? 0) }
    }),

  /** Whether every mapping of a project's servers says whose it is and whether it goes: mappings of very old releases do not. */
  mappingsComplete: (projectId: string): Promise<boolean> =>
    database.read(async (tx) => {
      const row = await tx
        .selectFrom('instance_mappings')
        .select('id')
        .where('project_id', '=', projectId)
        .where((eb) =>
          eb.or([eb('queued_for_delete', 'is', null), eb.and([eb('user_id', 'is', null), eb('queued_for_delete', '=', false)])]),
        )
        .limit(1)
        .executeTakeFirst()
      return row === undefined
    }),
})

export type Quotas = ReturnType<typeof quotas>
