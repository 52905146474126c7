/** Finds a server for actions that only one in a cell can have done to it. */
import type { RequestContext } from '../../oslo/context.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { inCell } from './in-cell.ts'
import { findMapping } from './tags.ts'

/** Throws `serverUnmapped` and `serverNotFound`. nova/api/openstack/compute/servers.py ServersController._get_instance */
export async function findInCell(backends: Backends, context: RequestContext, uuid: string): Promise<Server> {
  const { cellId } = await findMapping(backends, uuid)
  const server = cellId === null ? undefined : await inCell(backends, { uuid, cellId }, (cell) => cell.servers.find(uuid))
  if (!server || (!context.isAdmin && server.projectId !== context.projectId)) throw new Fault('serverNotFound', uuid)
  return server
}
