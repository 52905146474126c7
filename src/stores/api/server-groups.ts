/** Server groups: servers that shall or shall not share hosts. */
import type { Database } from '../../oslo/database/database.ts'
import type { ApiTables } from './schema.ts'

export const serverGroups = (database: Database<ApiTables>) => ({
  /** The group's UUID of each of these servers that is in one. */
  of: (uuids: readonly string[]): Promise<Map<string, string>> =>
    database.read(async (tx) => {
      if (uuids.length === 0) return new Map()
      const rows = await tx
        .selectFrom('instance_group_member')
        .innerJoin('instance_groups', 'instance_groups.id', 'instance_group_member.group_id')
        .select(['instance_group_member.instance_uuid', 'instance_groups.uuid'])
        .where('instance_group_member.instance_uuid', 'in', uuids)
        .execute()
      return new Map(rows.map((row) => [row.instance_uuid!, row.uuid]))
    }),
})

export type ServerGroups = ReturnType<typeof serverGroups>
