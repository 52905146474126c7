/** Servers that no host could take: they go to cell0 with what was wrong. nova/conductor/manager.py ComputeTaskManager._bury_in_cell0 */
import type { RequestContext } from '../../../oslo/context.ts'
import { told } from '../errors.ts'
import { addFault } from '../events.ts'
import type { CellParts } from '../parts.ts'
import { birthOf } from './birth.ts'

/** Nothing happens when the server has a cell already, or was deleted meanwhile. */
export async function bury(parts: CellParts, context: RequestContext, uuid: string, error: unknown): Promise<void> {
  const { api, cell0, ids, settings } = parts
  const mapping = await api.serverMappings.find(uuid)
  const request = await api.requests.find(uuid)
  if (!request || (mapping && mapping.cellId !== null && mapping.cellId !== cell0.id)) return
  await cell0.births.create(birthOf({ request, context, ids, zone: null }))
  await api.serverMappings.update(uuid, { cellId: cell0.id })
  const server = await cell0.servers.find(uuid)
  if (server && server.vmState !== 'error') {
    const event = 'conductor_schedule_and_build_instances'
    const { message, traceback } = told(error)
    await cell0.actions.startEvent(uuid, context.requestId, event, settings.controller)
    await cell0.actions.finishEvent(uuid, context.requestId, event, { result: 'Error', details: message, traceback })
    await addFault(cell0, uuid, settings.controller, error)
    await cell0.servers.update(uuid, { vmState: 'error', taskState: null })
  }
  if (!(await api.requests.remove(uuid))) await cell0.servers.destroy(uuid)
}
