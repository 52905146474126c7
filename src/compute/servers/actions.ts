/** What was done to servers, as it was recorded. */
import type { ActionEvent, ActionPage, ServerAction } from '../../stores/cell/actions.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { inCell, inCellOr } from './in-cell.ts'

/** Newest first; nothing has been done to a server that no cell holds yet. Throws `markerMissing`. */
export async function actionsOf(backends: Backends, server: Server, page: ActionPage): Promise<ServerAction[]> {
  const found = await inCellOr(backends, server, [], (cell) => cell.actions.list(server.uuid, page))
  // nova/db/main/api.py actions_get has forgotten the marker by the time it says so
  if (!found) throw new Fault('markerMissing', 'None')
  return found
}

/** Throws `missing`. */
export async function findAction(backends: Backends, server: Server, requestId: string): Promise<ServerAction> {
  const found = await inCellOr(backends, server, undefined, (cell) => cell.actions.find(server.uuid, requestId))
  if (!found) throw new Fault('missing', `Action ${requestId} not found`)
  return found
}

/** Newest first. */
export const eventsOf = (backends: Backends, server: Server, { id }: ServerAction): Promise<ActionEvent[]> =>
  inCell(backends, server, (cell) => cell.actions.events(id))
