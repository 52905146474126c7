/** Servers that were asked for and that no cell holds yet (build requests), and what the scheduler was asked for each server (request specs). */
import type { Database, Writing } from '../../oslo/database/database.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import type { Fragments } from '../../oslo/database/driver.ts'
import type { WireObject } from '../../oslo/objects/object.ts'
import { parsedAt } from '../parsed.ts'
import { inList } from '../rows.ts'
import type { ApiTables } from './schema.ts'
import { type ApiRow, from, insertAll } from './table.ts'

/** A server that no cell holds yet. JSON columns are parsed. */
export interface BuildRequest extends Omit<ApiRow<'build_requests'>, 'instance' | 'blockDeviceMappings' | 'tags'> {
  readonly instance: WireObject
  readonly blockDeviceMappings: WireObject | null
  readonly tags: WireObject | null
}

/** Everything that accepting one server leaves in nova_api, written in one transaction. */
export interface NewRequest {
  readonly uuid: string
  readonly projectId: string
  readonly userId: string
  readonly spec: WireObject
  readonly instance: WireObject
  readonly blockDeviceMappings: WireObject
  readonly tags: WireObject
}

/** What the database made of it. */
export interface Accepted {
  readonly uuid: string
  readonly specId: number
  readonly requestId: number
  readonly createdAt: string
}

/** The server group that all of them join, and how many servers of the user it may have; any number when absent. */
export interface Joining {
  readonly groupId: number
  readonly userId: string
  readonly limit?: number | undefined
}

export const requests = (database: Database<ApiTables>, now: () => number) => ({
  /**
   * All of these servers, in the order in which they were given, or, when something is wrong, none; undefined when their group has no room for
   * them. The statements are as many for one as for a hundred.
   */
  create: (accepted: readonly NewRequest[], joining?: Joining): Promise<Accepted[] | undefined> =>
    database
      .write(async (tx) => {
        const createdAt = toDateTime(now())
        const uuids = accepted.map(({ uuid }) => uuid)
        await insertAll(
          tx,
          'request_specs',
          accepted.map(({ uuid, spec }) => ({ instanceUuid: uuid, spec: JSON.stringify(spec), createdAt })),
        )
        await insertAll(
          tx,
          'build_requests',
          accepted.map(({ uuid, projectId, instance, blockDeviceMappings, tags }) => ({
            projectId,
            instanceUuid: uuid,
            instance: JSON.stringify(instance),
            blockDeviceMappings: JSON.stringify(blockDeviceMappings),
            tags: JSON.stringify(tags),
            createdAt,
          })),
        )
        await insertAll(
          tx,
          'instance_mappings',
          accepted.map(({ uuid, projectId, userId }) => ({ instanceUuid: uuid, projectId, userId, queuedForDelete: false, createdAt })),
        )
        if (joining) await join(tx, joining, uuids, createdAt)
        const specs = await idsOf(tx, 'request_specs', uuids)
        const made = await idsOf(tx, 'build_requests', uuids)
        return uuids.map((uuid) => ({ uuid, specId: specs.get(uuid)!, requestId: made.get(uuid)!, createdAt }))
      })
      .catch((error) => {
        if (error instanceof GroupFull) return undefined
        throw error
      }),

  /** Everything that accepting these servers left, their places in groups too. */
  discard: (uuids: readonly string[]): Promise<void> =>
    database.write(async (tx) => {
      for (const table of ['build_requests', 'request_specs', 'instance_mappings', 'instance_group_member'] as const)
        await tx.deleteFrom(table).where('instance_uuid', 'in', uuids).execute()
    }),

  find: (uuid: string): Promise<BuildRequest | undefined> =>
    database.read(async (tx) => {
      const row = await from(tx, 'build_requests').where('instance_uuid', '=', uuid).executeTakeFirst()
      return row && requestOf(row)
    }),

  /** Of one project or of all. */
  list: (projectId: string | null): Promise<BuildRequest[]> =>
    database.read(async (tx) => {
      const query = from(tx, 'build_requests').orderBy('id')
      const rows = await (projectId === null ? query : query.where('project_id', '=', projectId)).execute()
      return rows.map(requestOf)
    }),

  /** Replaces what is remembered of the server. False when the request is gone. */
  update: (uuid: string, instance: WireObject): Promise<boolean> =>
    database.write(async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('build_requests')
        .set({ instance: JSON.stringify(instance), updated_at: toDateTime(now()) })
        .where('instance_uuid', '=', uuid)
        .executeTakeFirst()
      return numUpdatedRows > 0
    }),

  /** Whether there was one: who removes it has the server. */
  remove: (uuid: string): Promise<boolean> =>
    database.write(async (tx) => {
      const { numDeletedRows } = await tx.deleteFrom('build_requests').where('instance_uuid', '=', uuid).executeTakeFirst()
      return numDeletedRows > 0
    }),
})

export type Requests = ReturnType<typeof requests>

/** Ends the transaction. */
class GroupFull extends Error {}

/** Members are counted with the new ones among them, so that requests which come together cannot exceed the limit. */
async function join(
  tx: Writing<ApiTables>,
  { groupId, userId, limit }: Joining,
  uuids: readonly string[],
  createdAt: string,
): Promise<void> {
  await insertAll(
    tx,
    'instance_group_member',
    uuids.map((instanceUuid) => ({ groupId, instanceUuid, createdAt })),
  )
  if (limit === undefined) return
  const { members } = await tx
    .selectFrom('instance_group_member')
    .innerJoin('instance_mappings', 'instance_mappings.instance_uuid', 'instance_group_member.instance_uuid')
    .select((eb) => eb.fn.countAll<number>().as('members'))
    .where('instance_group_member.group_id', '=', groupId)
    .where('instance_mappings.user_id', '=', userId)
    .where('instance_mappings.queued_for_delete', '=', false)
    .executeTakeFirstOrThrow()
  if (Number(members) > limit) throw new GroupFull()
}

async function idsOf(
  tx: Writing<ApiTables>,
  table: 'request_specs' | 'build_requests',
  uuids: readonly string[],
): Promise<Map<string, number>> {
  const rows = await tx.selectFrom(table).select(['id', 'instance_uuid']).where('instance_uuid', 'in', uuids).execute()
  return new Map(rows.map((row) => [row.instance_uuid!, row.id]))
}

const requestOf = ({ instance, blockDeviceMappings, tags, ...row }: ApiRow<'build_requests'>): BuildRequest => ({
  ...row,
  instance: JSON.parse(instance!),
  blockDeviceMappings: blockDeviceMappings === null ? null : JSON.parse(blockDeviceMappings),
  tags: tags === null ? null : JSON.parse(tags),
})

/** Of what the scheduler was asked, that which servers show: a specification is large, and another one for each server. */
export interface Wishes {
  readonly availabilityZone: string | null
  readonly schedulerHints: Readonly<Record<string, unknown>> | null
}

const paths = {
  availabilityZone: ['nova_object.data', 'availability_zone'],
  schedulerHints: ['nova_object.data', 'scheduler_hints'],
} as const satisfies Record<keyof Wishes, readonly string[]>

/** Columns of a SELECT from request_specs, for `wishesFrom`. */
export const wishColumns = ({ jsonAt }: Fragments): Record<keyof Wishes, string> => ({
  availabilityZone: jsonAt('request_specs.spec', paths.availabilityZone),
  schedulerHints: jsonAt('request_specs.spec', paths.schedulerHints),
})

export type StoredWishes = Readonly<Record<keyof Wishes, string | null>>

/** From the columns that `wishColumns` names. */
export const wishesFrom = ({ availabilityZone, schedulerHints }: StoredWishes): Wishes => ({
  availabilityZone: parsedAt(availabilityZone, paths.availabilityZone),
  schedulerHints: parsedAt(schedulerHints, paths.schedulerHints),
})

export const requestSpecs = (database: Database<ApiTables>, now: () => number) => ({
  find: async (uuid: string): Promise<WireObject | undefined> => {
    const found = await database.read((tx) =>
      tx.selectFrom('request_specs').select('spec').where('instance_uuid', '=', uuid).executeTakeFirst(),
    )
    return found && JSON.parse(found.spec)
  },

  /** With the id of its row. */
  row: (uuid: string): Promise<{ readonly id: number; readonly spec: WireObject } | undefined> =>
    database.read(async (tx) => {
      const found = await tx.selectFrom('request_specs').select(['id', 'spec']).where('instance_uuid', '=', uuid).executeTakeFirst()
      return found && { id: found.id, spec: JSON.parse(found.spec) }
    }),

  /** By server. */
  wishesOf: async (uuids: readonly string[]): Promise<Map<string, Wishes>> => {
    if (uuids.length === 0) return new Map()
    const columns = Object.entries(wishColumns(database.fragments)).map(([name, column]) => `${column} AS "${name}"`)
    const sql = `SELECT instance_uuid AS uuid, ${columns.join(', ')} FROM request_specs WHERE instance_uuid IN ${inList(uuids.length)}`
    const rows = await database.rows<StoredWishes & { uuid: string }>(sql, uuids)
    return new Map(rows.map((row) => [row.uuid, wishesFrom(row)]))
  },

  update: (uuid: string, spec: WireObject): Promise<void> =>
    database.write(async (tx) => {
      await tx
        .updateTable('request_specs')
        .set({ spec: JSON.stringify(spec), updated_at: toDateTime(now()) })
        .where('instance_uuid', '=', uuid)
        .execute()
    }),

  remove: (uuid: string): Promise<void> =>
    database.write(async (tx) => {
      await tx.deleteFrom('request_specs').where('instance_uuid', '=', uuid).execute()
    }),
})
