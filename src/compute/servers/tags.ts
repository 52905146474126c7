/** Tags of servers. Rules are asked about the server's mapping alone; who is no admin reaches servers of the own project, whatever a rule says. */
import type { RequestContext } from '../../oslo/context.ts'
import type { ServerMapping } from '../../stores/api/mappings.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { tellTags } from '../notifications/servers.ts'
import { findServer } from './find.ts'
import { inCell } from './in-cell.ts'

/** nova/objects/instance.py MAX_TAG_COUNT */
const most = 50
const taggable = new Set(['active', 'paused', 'suspended', 'stopped'])

/** Throws `serverUnmapped`. */
export async function findMapping({ stores }: Backends, uuid: string): Promise<ServerMapping> {
  const mapping = await stores.api.serverMappings.find(uuid)
  if (!mapping) throw new Fault('serverUnmapped', uuid)
  return mapping
}

/** Sorted. Throws `serverNotFound` for a server that is deleted or that no cell holds yet. nova/db/main/api.py _check_instance_exists_in_project */
export async function tagsOf(
  backends: Backends,
  { isAdmin, projectId }: RequestContext,
  { instanceUuid: uuid, cellId }: ServerMapping,
): Promise<readonly string[]> {
  if (cellId === null) throw new Fault('serverNotFound', uuid)
  return inCell(backends, { uuid, cellId }, async (cell) => {
    const server = await cell.servers.find(uuid)
    if (!server || (!isAdmin && server.projectId !== projectId)) throw new Fault('serverNotFound', uuid)
    return (await cell.tags.of([uuid])).get(uuid) ?? []
  })
}

/** A server whose tags may be changed now. */
async function taggableServer(backends: Backends, context: RequestContext, uuid: string, doing: string): Promise<Server> {
  const server = await findServer(backends, context, uuid)
  if (!taggable.has(server.vmState ?? '')) throw new Fault('wrongState', doing, uuid, 'vm_state', server.vmState)
  return server
}

/** Whether it was not there before. `isTag` tells why a text cannot be a tag, once the server has been found. */
export async function addTag(
  backends: Backends,
  context: RequestContext,
  uuid: string,
  tag: string,
  isTag: (tag: string) => void,
): Promise<boolean> {
  const server = await taggableServer(backends, context, uuid, 'update tag')
  isTag(tag)
  const tags = await inCell(backends, server, (cell) => cell.tags.of([uuid]))
  const before = tags.get(uuid) ?? []
  if (before.length >= most) throw new Fault('badRequest', `The number of tags exceeded the per-server limit ${most}`)
  if (before.includes(tag)) return false
  await inCell(backends, server, (cell) => cell.tags.add(uuid, tag))
  await tellTags(backends, context, server)
  return true
}

export async function setTags(
  backends: Backends,
  context: RequestContext,
  uuid: string,
  tags: readonly string[],
): Promise<readonly string[]> {
  const server = await taggableServer(backends, context, uuid, 'update tags')
  await inCell(backends, server, (cell) => cell.tags.set(uuid, tags))
  await tellTags(backends, context, server)
  return (await inCell(backends, server, (cell) => cell.tags.of([uuid]))).get(uuid) ?? []
}

/** Throws `missing`. */
export async function removeTag(backends: Backends, context: RequestContext, uuid: string, tag: string): Promise<void> {
  const server = await taggableServer(backends, context, uuid, 'delete tag')
  if (!(await inCell(backends, server, (cell) => cell.tags.remove(uuid, tag))))
    throw new Fault('missing', `Instance ${uuid} has no tag '${tag}'`)
  await tellTags(backends, context, server)
}

export async function removeTags(backends: Backends, context: RequestContext, uuid: string): Promise<void> {
  const server = await taggableServer(backends, context, uuid, 'delete tags')
  await inCell(backends, server, (cell) => cell.tags.set(uuid, []))
  await tellTags(backends, context, server)
}
