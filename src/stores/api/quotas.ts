/** Quota limits that were set: of projects, of users in projects, and of the default class. */
import { sql } from 'kysely'
import type { Database } from '../../oslo/database/database.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import type { ApiTables } from './schema.ts'
import { insert } from './table.ts'

/** Limits by resource; only those that were set. -1 is no limit. */
export type Limits = Readonly<Record<string, number>>

const limitsOf = (rows: readonly { resource: string | null; hard_limit: number | null }[]): Limits =>
  Object.fromEntries(rows.flatMap(({ resource, hard_limit }) => (hard_limit === null ? [] : [[resource!, hard_limit]])))

export const quotas = (database: Database<ApiTables>, now: () => number) => ({
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

  /** What the limits of all users of a project come to together, by resource. */
  sumOfUsers: (projectId: string): Promise<Limits> =>
    database.read(async (tx) => {
      const rows = await tx
        .selectFrom('project_user_quotas')
        .select((eb) => ['resource', eb.fn.sum<number | string | null>('hard_limit').as('total')])
        .where('project_id', '=', projectId)
        .groupBy('resource')
        .execute()
      return Object.fromEntries(rows.map(({ resource, total }) => [resource, Number(total ?? 0)]))
    }),

  /** Sets limits of a project, or of a user in it, and keeps the others. */
  set: (projectId: string, userId: string | null, limits: Limits): Promise<void> =>
    database.write(async (tx) => {
      const at = toDateTime(now())
      for (const [resource, hardLimit] of Object.entries(limits)) {
        const change = { hard_limit: hardLimit, updated_at: at }
        const { numUpdatedRows } =
          userId === null
            ? await tx
                .updateTable('quotas')
                .set(change)
                .where('project_id', '=', projectId)
                .where('resource', '=', resource)
                .executeTakeFirst()
            : await tx
                .updateTable('project_user_quotas')
                .set(change)
                .where('project_id', '=', projectId)
                .where('user_id', '=', userId)
                .where('resource', '=', resource)
                .executeTakeFirst()
        if (numUpdatedRows > 0n) continue
        const row = { projectId, resource, hardLimit, createdAt: at }
        if (userId === null) await insert(tx, 'quotas', row)
        else await insert(tx, 'project_user_quotas', { ...row, userId })
      }
    }),

  /** Removes all limits of a project and of the users in it, or those of one of its users. */
  remove: (projectId: string, userId: string | null): Promise<void> =>
    database.write(async (tx) => {
      if (userId === null) await tx.deleteFrom('quotas').where('project_id', '=', projectId).execute()
      let ofUsers = tx.deleteFrom('project_user_quotas').where('project_id', '=', projectId)
      if (userId !== null) ofUsers = ofUsers.where('user_id', '=', userId)
      await ofUsers.execute()
    }),

  /** Sets limits of a class and keeps the others. */
  setClass: (name: string, limits: Limits): Promise<void> =>
    database.write(async (tx) => {
      const at = toDateTime(now())
      for (const [resource, hardLimit] of Object.entries(limits)) {
        const { numUpdatedRows } = await tx
          .updateTable('quota_classes')
          .set({ hard_limit: hardLimit, updated_at: at })
          .where('class_name', '=', name)
          .where('resource', '=', resource)
          .executeTakeFirst()
        if (numUpdatedRows === 0n) await insert(tx, 'quota_classes', { className: name, resource, hardLimit, createdAt: at })
      }
    }),

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
