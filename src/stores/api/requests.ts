/** Servers that were asked for and that no cell holds yet (build requests), and what the scheduler was asked for each server (request specs). */
import type { Database } from '../../oslo/database/database.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import type { WireObject } from '../../oslo/objects/object.ts'
import { parsed } from '../parsed.ts'
import type { ApiTables } from './schema.ts'
import { type ApiRow, from, insert } from './table.ts'

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

export const requests = (database: Database<ApiTables>, now: () => number) => ({
  /** All of these servers or, when something is wrong, none. */
  create: (accepted: readonly NewRequest[]): Promise<void> =>
    database.write(async (tx) => {
      const createdAt = toDateTime(now())
      for (const { uuid, projectId, userId, spec, instance, blockDeviceMappings, tags } of accepted) {
        await insert(tx, 'request_specs', { instanceUuid: uuid, spec: JSON.stringify(spec), createdAt })
        await insert(tx, 'build_requests', {
          projectId,
          instanceUuid: uuid,
          instance: JSON.stringify(instance),
          blockDeviceMappings: JSON.stringify(blockDeviceMappings),
          tags: JSON.stringify(tags),
          createdAt,
        })
        await insert(tx, 'instance_mappings', { instanceUuid: uuid, projectId, userId, queuedForDelete: false, createdAt })
      }
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

const requestOf = ({ instance, blockDeviceMappings, tags, ...row }: ApiRow<'build_requests'>): BuildRequest => ({
  ...row,
  instance: JSON.parse(instance!),
  blockDeviceMappings: blockDeviceMappings === null ? null : JSON.parse(blockDeviceMappings),
  tags: tags === null ? null : JSON.parse(tags),
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

  /** By server; what comes back is shared, so nobody may change it. */
  of: (uuids: readonly string[]): Promise<Map<string, WireObject>> =>
    database.read(async (tx) => {
      if (uuids.length === 0) return new Map()
      const rows = await tx.selectFrom('request_specs').select(['instance_uuid', 'spec']).where('instance_uuid', 'in', uuids).execute()
      return new Map(rows.map((row) => [row.instance_uuid, parsed<WireObject>(row.spec)!]))
    }),

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

export type RequestSpecs = ReturnType<typeof requestSpecs>
