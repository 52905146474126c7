/** Server groups: servers that shall or shall not share hosts. */
import { sql } from 'kysely'
import type { Database } from '../../oslo/database/database.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import { grouped, inList } from '../rows.ts'
import type { ApiTables } from './schema.ts'
import { type ApiRow, from, insert } from './table.ts'

/** A group as the scheduler needs it. */
export interface GroupPolicy {
  readonly uuid: string
  /** `affinity`, `anti-affinity` or one of their soft kinds. */
  readonly policy: string
  readonly rules: Readonly<Record<string, string>>
  /** UUIDs of its servers, gone ones among them. */
  readonly members: readonly string[]
}

export interface WholeGroup extends ApiRow<'instance_groups'> {
  readonly policy: string | null
  readonly rules: Readonly<Record<string, string>>
  readonly members: readonly string[]
}

export const serverGroups = (database: Database<ApiTables>, now: () => number) => ({
  /** Those of a project, or all, in a constant number of statements. */
  list: (projectId?: string): Promise<WholeGroup[]> =>
    database.read(async (tx) => {
      const query = from(tx, 'instance_groups').orderBy('id')
      const rows = await (projectId === undefined ? query : query.where('project_id', '=', projectId)).execute()
      if (rows.length === 0) return []
      const ids = rows.map(({ id }) => id)
      const policies = await tx
        .selectFrom('instance_group_policy')
        .select(['group_id', 'policy', 'rules'])
        .where('group_id', 'in', ids)
        .execute()
      const members = await tx
        .selectFrom('instance_group_member')
        .select(['group_id', 'instance_uuid'])
        .where('group_id', 'in', ids)
        .orderBy('id')
        .execute()
      const membersOf = grouped(
        members,
        (row) => String(row.group_id),
        (row) => row.instance_uuid!,
      )
      const policyOf = new Map(policies.map((row) => [row.group_id, row]))
      return rows.map((row) => {
        const policy = policyOf.get(row.id)
        const rules = JSON.parse(policy?.rules ?? '{}') as Record<string, string>
        return { ...row, policy: policy?.policy ?? null, rules, members: membersOf.get(String(row.id)) ?? [] }
      })
    }),

  create: (values: Pick<WholeGroup, 'uuid' | 'name' | 'projectId' | 'userId' | 'policy' | 'rules'>): Promise<void> =>
    database.write(async (tx) => {
      const { policy, rules, ...row } = values
      const createdAt = toDateTime(now())
      const groupId = await insert(tx, 'instance_groups', { ...row, createdAt })
      await insert(tx, 'instance_group_policy', { groupId, policy, rules: JSON.stringify(rules), createdAt })
    }),

  /** Whether there was one. */
  remove: (uuid: string): Promise<boolean> =>
    database.write(async (tx) => {
      const row = await tx.selectFrom('instance_groups').select('id').where('uuid', '=', uuid).executeTakeFirst()
      if (!row) return false
      await tx.deleteFrom('instance_group_policy').where('group_id', '=', row.id).execute()
      await tx.deleteFrom('instance_group_member').where('group_id', '=', row.id).execute()
      await tx.deleteFrom('instance_groups').where('id', '=', row.id).execute()
      return true
    }),

  /** The group's UUID of each of these servers that is in one. */
  of: async (uuids: readonly string[]): Promise<Map<string, string>> => {
    if (uuids.length === 0) return new Map()
    const sql = `SELECT instance_group_member.instance_uuid AS uuid, instance_groups.uuid AS "group" FROM instance_group_member JOIN instance_groups ON instance_groups.id = instance_group_member.group_id WHERE instance_group_member.instance_uuid IN ${inList(uuids.length)}`
    const rows = await database.rows<{ uuid: string; group: string }>(sql, uuids)
    return new Map(rows.map((row) => [row.uuid, row.group]))
  },

  /** How many groups a project has, and how many of them a user made. */
  count: (projectId: string, userId: string): Promise<{ readonly project: number; readonly user: number }> =>
    database.read(async (tx) => {
      const row = await tx
        .selectFrom('instance_groups')
        .select([sql<number>`COUNT(*)`.as('project'), sql<number | null>`SUM(CASE WHEN user_id = ${userId} THEN 1 ELSE 0 END)`.as('user')])
        .where('project_id', '=', projectId)
        .executeTakeFirstOrThrow()
      return { project: Number(row.project), user: Number(row.user ?? 0) }
    }),

  /** The group of a server, with all its members. */
  policyOf: (server: string): Promise<GroupPolicy | undefined> =>
    database.read(async (tx) => {
      const group = await tx
        .selectFrom('instance_group_member')
        .innerJoin('instance_groups', 'instance_groups.id', 'instance_group_member.group_id')
        .innerJoin('instance_group_policy', 'instance_group_policy.group_id', 'instance_groups.id')
        .select(['instance_groups.id', 'instance_groups.uuid', 'instance_group_policy.policy', 'instance_group_policy.rules'])
        .where('instance_group_member.instance_uuid', '=', server)
        .executeTakeFirst()
      if (!group) return undefined
      const members = await tx.selectFrom('instance_group_member').select('instance_uuid').where('group_id', '=', group.id).execute()
      const rules = JSON.parse(group.rules ?? '{}') as Record<string, string>
      return { uuid: group.uuid, policy: group.policy ?? '', rules, members: members.map((member) => member.instance_uuid!) }
    }),

  /** A group with all that belongs to it: its row, policy, rules and members. */
  whole: (uuid: string): Promise<WholeGroup | undefined> =>
    database.read(async (tx) => {
      const row = await from(tx, 'instance_groups').where('uuid', '=', uuid).executeTakeFirst()
      if (!row) return undefined
      const policy = await tx
        .selectFrom('instance_group_policy')
        .select(['policy', 'rules'])
        .where('group_id', '=', row.id)
        .executeTakeFirst()
      const members = await tx.selectFrom('instance_group_member').select('instance_uuid').where('group_id', '=', row.id).execute()
      return {
        ...row,
        policy: policy?.policy ?? null,
        rules: JSON.parse(policy?.rules ?? '{}') as Record<string, string>,
        members: members.map((member) => member.instance_uuid!),
      }
    }),
})

export type ServerGroups = ReturnType<typeof serverGroups>
