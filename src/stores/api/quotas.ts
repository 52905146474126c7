/** Quota limits that were set: of projects, of users in projects, and of the default class. */
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
})

export type Quotas = ReturnType<typeof quotas>
