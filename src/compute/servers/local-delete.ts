/** Deleting servers without their compute: because they have none yet, have none any more, or because it is down. */
import type { RequestContext } from '../../oslo/context.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import { PeerError } from '../../oslo/keystoneauth/errors.ts'
import type { WireObject } from '../../oslo/objects/object.ts'
import type { Server, ServerChanges } from '../../stores/cell/servers.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { tellDelete } from '../notifications/servers.ts'
import { type Details, detailsOf } from './details.ts'
import { inCell } from './in-cell.ts'
import { releasePorts } from './ports.ts'
import { type Leaving, releaseVolumes } from './volumes.ts'

/** A server without a host that yet had one, so that there may be ports and volumes of it. nova/compute/utils.py may_have_ports_or_volumes */
const hadHost = ({ vmState }: Server): boolean => vmState === 'error' || vmState === 'shelved_offloaded'

/**
 * The server, when a host has been chosen for it. Before that, whoever removes the build request stops the build: then the server is gone and the answer
 * is undefined, as it is when there is nothing left of it.
 */
export async function wasScheduled(backends: Backends, context: RequestContext, server: Server): Promise<Server | undefined> {
  if (server.host || hadHost(server)) return server
  await stopBuild(backends, context, server)
  const inACell = await lookUp(backends, server.uuid)
  // Only while it still has no host: it may have got one since
  let gone = !inACell
  if (inACell)
    await tellDelete(backends, context, detailsOf(backends, inACell), 'delete', async () => {
      gone = await inCell(backends, inACell, (cell) => cell.servers.destroy(server.uuid, { host: null }))
      return {}
    })
  return gone ? undefined : lookUp(backends, server.uuid)
}

/** Without the request the conductor, which would have built the server, lets it be. */
async function stopBuild(backends: Backends, context: RequestContext, server: Server): Promise<void> {
  const { requests } = backends.stores.api
  const request = await requests.find(server.uuid)
  if (!request || !(await requests.remove(server.uuid))) return
  await releaseVolumes(backends, context, server, volumesAskedFor(request.blockDeviceMappings))
}

function volumesAskedFor(devices: WireObject | null): Leaving[] {
  const objects = (devices?.['nova_object.data'].objects ?? []) as WireObject[]
  const isVolume = ({ 'nova_object.data': data }: WireObject) => data.destination_type === 'volume'
  return objects.filter(isVolume).map(({ 'nova_object.data': data }) => ({
    volumeId: (data.volume_id as string | null) ?? null,
    attachmentId: (data.attachment_id as string | null) ?? null,
    deleteOnTermination: data.delete_on_termination === true,
    connectionInfo: null,
  }))
}

async function lookUp(backends: Backends, uuid: string): Promise<Server | undefined> {
  const mapping = await backends.stores.api.serverMappings.find(uuid)
  if (!mapping || mapping.cellId === null) return undefined
  return inCell(backends, { uuid, cellId: mapping.cellId }, (cell) => cell.servers.find(uuid))
}

/** The last traces of a server that is gone: what it holds in Placement, and that it was there. nova/compute/api.py API._local_delete_cleanup */
export async function forgetServer(backends: Backends, context: RequestContext, uuid: string): Promise<void> {
  try {
    await backends.peers.placement.removeAllocations(uuid)
  } catch (error) {
    if (!(error instanceof PeerError)) throw error
    backends.log.warning(`The allocations of the server ${uuid} could not be removed: ${error.message}`, { context })
  }
  await backends.stores.api.serverMappings.update(uuid, { queuedForDelete: true })
}

/** Does all that the compute would have done except what only it can. Throws `conflict` when Placement fails. nova/compute/api.py API._local_delete */
export async function removeHere(backends: Backends, context: RequestContext, details: Details, how: How): Promise<void> {
  await tellDelete(backends, context, details, how === 'force_delete' ? how : 'delete', () => removeAll(backends, context, details, how))
}

/** As users ask for it. */
export type How = 'delete' | 'soft_delete' | 'force_delete'

async function removeAll(backends: Backends, context: RequestContext, details: Details, how: How): Promise<ServerChanges> {
  const { server } = details
  const { uuid } = server
  await releasePorts(backends, context, server)
  await releaseVolumes(backends, context, server, await details.get('blockDevices'))
  try {
    await backends.peers.placement.removeAllocations(uuid)
  } catch (error) {
    if (!(error instanceof PeerError) || error.status === undefined) throw error
    throw new Fault('conflict', `Failed to delete allocations for consumer ${uuid}. Error: ${error.text}`)
  }
  const changes = {
    vmState: how === 'soft_delete' ? 'soft-delete' : 'deleted',
    taskState: null,
    terminatedAt: toDateTime(backends.clock.now()),
  }
  await inCell(backends, server, (cell) => cell.servers.update(uuid, changes))
  await backends.stores.api.serverMappings.update(uuid, { queuedForDelete: true })
  await inCell(backends, server, (cell) => cell.servers.destroy(uuid))
  return changes
}
