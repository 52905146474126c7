/** The record of what was done to servers: one action for each request, with the steps that the API itself takes. */
import type { RequestContext } from '../../oslo/context.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { ownHost } from '../settings.ts'
import { inCell } from './in-cell.ts'

/** Names as nova/compute/instance_actions.py has them; users see them. */
export type ActionName =
  | 'attach_interface'
  | 'attach_share'
  | 'attach_volume'
  | 'changePassword'
  | 'confirmResize'
  | 'createBackup'
  | 'createImage'
  | 'delete'
  | 'detach_interface'
  | 'detach_share'
  | 'detach_volume'
  | 'evacuate'
  | 'live-migration'
  | 'live_migration_cancel'
  | 'live_migration_force_complete'
  | 'lock'
  | 'migrate'
  | 'pause'
  | 'reboot'
  | 'rebuild'
  | 'rescue'
  | 'resetState'
  | 'resize'
  | 'restore'
  | 'resume'
  | 'revertResize'
  | 'shelve'
  | 'shelveOffload'
  | 'start'
  | 'stop'
  | 'suspend'
  | 'swap_volume'
  | 'trigger_crash_dump'
  | 'unlock'
  | 'unpause'
  | 'unrescue'
  | 'unshelve'

type Acted = Pick<Server, 'uuid' | 'cellId'>

export async function recordAction(backends: Backends, context: RequestContext, server: Acted, action: ActionName): Promise<void> {
  const { requestId, userId, projectId, timestamp } = context
  const asked = { requestId, userId, projectId, timestamp }
  await inCell(backends, server, (cell) => cell.actions.start({ action, instanceUuid: server.uuid, ...asked }))
}

/** Marks the action of this request as ended. */
export async function finishAction(
  backends: Backends,
  { requestId }: RequestContext,
  server: Acted,
  message: 'Error' | null = null,
): Promise<void> {
  await inCell(backends, server, (cell) => cell.actions.finish(server.uuid, requestId, message))
}

/** Does a step of the action that this request has recorded, and notes how it went. nova/compute/utils.py wrap_instance_event */
export async function asEvent<T>(
  backends: Backends,
  { requestId }: RequestContext,
  server: Acted,
  event: string,
  work: () => Promise<T>,
): Promise<T> {
  const host = ownHost(backends.settings.compute)
  const end = (result: 'Success' | 'Error', error?: unknown) =>
    inCell(backends, server, (cell) => cell.actions.finishEvent(server.uuid, requestId, event, { result, ...toldOf(error) }))
  await inCell(backends, server, (cell) => cell.actions.startEvent(server.uuid, requestId, event, host))
  try {
    const out = await work()
    await end('Success')
    return out
  } catch (error) {
    await end('Error', error)
    throw error
  }
}

/** Of what is no refusal the class alone. nova/objects/instance_action.py pack_action_event_finish */
function toldOf(error: unknown): { details?: string; traceback?: string | null } {
  if (!(error instanceof Error)) return {}
  return { details: cut(error instanceof Fault ? error.message : error.name), traceback: error.stack ?? null }
}

/** To 255 bytes. nova/utils.py safe_truncate */
const cut = (text: string): string =>
  Buffer.from(text)
    .subarray(0, 255)
    .toString()
    .replace(/\ufffd$/, '')
