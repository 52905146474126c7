/** What was done to servers (instance actions) and the steps of each (events). */
import type { Database, Reading } from '../../oslo/database/database.ts'
import { fromDateTime, toDateTime } from '../../oslo/database/datetime.ts'
import { paged } from '../paging.ts'
import type { CellTables } from './schema.ts'
import { type CellRow, from, insert } from './table.ts'

export type ServerAction = CellRow<'instance_actions'>
export type ActionEvent = CellRow<'instance_actions_events'>

export interface ActionPage {
  readonly limit?: number | undefined
  /** The request id of the last one seen. */
  readonly marker?: string | undefined
  readonly changesSince?: string | undefined
  readonly changesBefore?: string | undefined
}

export interface NewAction {
  readonly action: string
  readonly instanceUuid: string
  readonly requestId: string
  readonly userId: string | null
  readonly projectId: string | null
  /** When the request came, without a zone; now when absent. */
  readonly timestamp?: string
}

export const actions = (database: Database<CellTables>, now: () => number) => ({
  /** It began when the request came. nova/objects/instance_action.py InstanceAction.pack_action_start */
  start: ({ timestamp, ...values }: NewAction): Promise<number> =>
    database.write((tx) => {
      const createdAt = toDateTime(now())
      const at = timestamp === undefined ? createdAt : toDateTime(fromDateTime(timestamp))
      return insert(tx, 'instance_actions', { ...values, startTime: at, createdAt, updatedAt: at })
    }),

  /** Newest first; undefined when the marker is not there. */
  list: (uuid: string, { limit, marker, changesSince, changesBefore }: ActionPage = {}): Promise<ServerAction[] | undefined> =>
    database.read(async (tx) => {
      const order = ['created_at', 'id'].map((column) => ({ column, direction: 'desc' as const }))
      let after: unknown[] | undefined
      let query = from(tx, 'instance_actions').where('instance_uuid', '=', uuid)
      if (marker !== undefined) {
        const last = await query.where('request_id', '=', marker).executeTakeFirst()
        if (!last) return undefined
        after = [last.createdAt, last.id]
      }
      if (changesSince !== undefined) query = query.where('updated_at', '>=', changesSince)
      if (changesBefore !== undefined) query = query.where('updated_at', '<=', changesBefore)
      return paged(query, { order, after, limit }).execute()
    }),

  /** The last one that was begun, when a request has begun several. */
  find: (uuid: string, requestId: string): Promise<ServerAction | undefined> => database.read((tx) => ofRequest(tx, uuid, requestId)),

  /** Ends an action that no other service will end. `message` is Error for one that failed. */
  finish: (uuid: string, requestId: string, message: 'Error' | null = null): Promise<void> =>
    database.write(async (tx) => {
      const at = toDateTime(now())
      await tx
        .updateTable('instance_actions')
        .set({ finish_time: at, updated_at: at, ...(message && { message }) })
        .where('instance_uuid', '=', uuid)
        .where('request_id', '=', requestId)
        .execute()
    }),

  /** The last one of a server, whoever asked for it. */
  latest: (uuid: string): Promise<ServerAction | undefined> =>
    database.read((tx) =>
      from(tx, 'instance_actions').where('instance_uuid', '=', uuid).orderBy('created_at', 'desc').orderBy('id', 'desc').executeTakeFirst(),
    ),

  /** Whether an event of this name has begun and not ended. */
  isOpen: (uuid: string, requestId: string, event: string): Promise<boolean> =>
    database.read(async (tx) => {
      const row = await tx
        .selectFrom('instance_actions_events')
        .innerJoin('instance_actions', 'instance_actions.id', 'instance_actions_events.action_id')
        .select('instance_actions_events.id')
        .where('instance_actions.instance_uuid', '=', uuid)
        .where('instance_actions.request_id', '=', requestId)
        .where('instance_actions_events.event', '=', event)
        .where('instance_actions_events.finish_time', 'is', null)
        .executeTakeFirst()
      return row !== undefined
    }),

  /** Newest first. */
  events: (actionId: number): Promise<ActionEvent[]> =>
    database.read((tx) =>
      from(tx, 'instance_actions_events').where('action_id', '=', actionId).orderBy('created_at', 'desc').orderBy('id', 'desc').execute(),
    ),

  /** Nothing happens when the action of that request is not there. */
  startEvent: (uuid: string, requestId: string, event: string, host: string | null): Promise<void> =>
    database.write(async (tx) => {
      const action = await ofRequest(tx, uuid, requestId)
      if (!action) return
      const at = toDateTime(now())
      await insert(tx, 'instance_actions_events', { event, actionId: action.id, startTime: at, host, createdAt: at })
      await tx.updateTable('instance_actions').set({ updated_at: at }).where('id', '=', action.id).execute()
    }),

  /** `result` is Success or Error; an error also marks the action. */
  finishEvent: (
    uuid: string,
    requestId: string,
    event: string,
    { result, traceback = null, details = null }: { result: 'Success' | 'Error'; traceback?: string | null; details?: string | null },
  ): Promise<void> =>
    database.write(async (tx) => {
      const action = await ofRequest(tx, uuid, requestId)
      if (!action) return
      const started = await from(tx, 'instance_actions_events')
        .where('action_id', '=', action.id)
        .where('event', '=', event)
        .orderBy('id', 'desc')
        .executeTakeFirst()
      if (!started) return
      const at = toDateTime(now())
      await tx
        .updateTable('instance_actions_events')
        .set({ finish_time: at, result, traceback, details, updated_at: at })
        .where('id', '=', started.id)
        .execute()
      const message = result === 'Error' ? { message: 'Error' } : {}
      await tx
        .updateTable('instance_actions')
        .set({ ...message, updated_at: at })
        .where('id', '=', action.id)
        .execute()
    }),
})

/** nova/db/main/api.py _action_get_by_request_id */
const ofRequest = (tx: Reading<CellTables>, uuid: string, requestId: string): Promise<ServerAction | undefined> =>
  from(tx, 'instance_actions')
    .where('instance_uuid', '=', uuid)
    .where('request_id', '=', requestId)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .executeTakeFirst()

export type Actions = ReturnType<typeof actions>
