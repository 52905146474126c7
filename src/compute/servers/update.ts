/** Changes of what a server is called and of the addresses that are shown for it. */
import type { RequestContext } from '../../oslo/context.ts'
import { snake } from '../../stores/camel.ts'
import type { Server, ServerChanges } from '../../stores/cell/servers.ts'
import { serverOfRequest } from '../../stores/pending.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { tellUpdate } from '../notifications/servers.ts'
import { changeServer } from './change.ts'
import { detailsOf } from './details.ts'
import { inCell } from './in-cell.ts'

/** The server as it is then, but with the time of the change before, as in Nova, to which values that it has already are a change as well. */
export async function updateServer(backends: Backends, context: RequestContext, server: Server, changes: ServerChanges): Promise<Server> {
  if (server.pending) return updateRequest(backends, context, server, changes)
  if (Object.keys(changes).length === 0) return server
  const changed = { ...server, ...(await changeServer(backends, server, null, changes).catch(goneMeanwhile)) } as Server
  await tellUpdate(backends, context, server, detailsOf(backends, changed))
  return { ...changed, updatedAt: server.updatedAt }
}

/** nova/api/openstack/compute/servers.py ServersController.update */
function goneMeanwhile(error: unknown): never {
  throw error instanceof Fault && error.kind === 'serverNotFound' ? gone() : error
}

const gone = (): Fault => new Fault('missing', 'Instance could not be found')

/** Of a server that no cell holds yet, the request is changed; when a cell has taken it meanwhile, the server itself. */
async function updateRequest(backends: Backends, context: RequestContext, { uuid }: Server, changes: ServerChanges): Promise<Server> {
  const { api } = backends.stores
  const request = await api.requests.find(uuid)
  if (request) {
    const data = { ...request.instance['nova_object.data'] }
    for (const [name, value] of Object.entries(changes)) data[snake(name)] = value
    const instance = { ...request.instance, 'nova_object.data': data }
    if (await api.requests.update(uuid, instance)) return serverOfRequest({ ...request, instance })
  }
  const mapping = await api.serverMappings.find(uuid)
  if (!mapping || mapping.cellId === null) throw gone()
  const server = await inCell(backends, { uuid, cellId: mapping.cellId }, (cell) => cell.servers.find(uuid))
  if (!server) throw gone()
  return updateServer(backends, context, server, changes)
}
