/** Deleting servers: at once, softly so that they can come back for a while, or by force. */
import type { RequestContext } from '../../oslo/context.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import type { Server, ServerChanges } from '../../stores/cell/servers.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { callCompute } from '../rpc/compute.ts'
import { callConductor } from '../rpc/conductor.ts'
import { isServing, refuseLocked } from './checks.ts'
import { type Details, detailsOf } from './details.ts'
import { removeImage } from './images.ts'
import { inCell } from './in-cell.ts'
import { forgetServer, type How, removeHere, wasScheduled } from './local-delete.ts'
import { recordAction } from './record-action.ts'
import { checkState } from './states.ts'
import { startTask, toCompute } from './task.ts'
import { blockDevicesOf, detailed, instanceOf, migrationOf } from './to-wire.ts'

/** Softly where the site keeps deleted servers for a while, which only servers that ran once can be. A server that is gone already is no error. */
export async function deleteServer(backends: Backends, context: RequestContext, server: Server): Promise<void> {
  refuseLocked(context, server)
  checkState(server, 'delete')
  const softly = backends.settings.compute.reclaimInstanceInterval > 0 && server.launchedAt !== null
  await remove(backends, context, server, softly ? 'soft_delete' : 'delete')
}

/** In whatever state it is. */
export async function forceDelete(backends: Backends, context: RequestContext, server: Server): Promise<void> {
  refuseLocked(context, server)
  checkState(server, 'forceDelete')
  await remove(backends, context, server, 'force_delete')
}

/** nova/compute/api.py API._delete */
async function remove(backends: Backends, context: RequestContext, found: Server, how: How): Promise<void> {
  const softly = how === 'soft_delete'
  if (found.disableTerminate) return
  const server = await wasScheduled(backends, context, found)
  if (!server) return forgetServer(backends, context, found.uuid)
  const details = detailsOf(backends, server)
  if (server.vmState === 'shelved' || server.vmState === 'shelved_offloaded') await removeShelvedImage(backends, context, details)
  const changes = {
    taskState: softly ? 'soft-deleting' : 'deleting',
    progress: 0,
    ...(softly && { deletedAt: toDateTime(backends.clock.now()) }),
  }
  const [service] = await details.get('services')
  const here = !service || !isServing(backends, service)
  // The compute is at it already
  if (!here && (server.taskState === 'deleting' || server.taskState === 'soft-deleting')) {
    await inCell(backends, server, (cell) => cell.servers.update(server.uuid, changes))
    return
  }
  const resized = server.vmState === 'resized'
  if ((here || resized) && !(await inCell(backends, server, (cell) => cell.servers.update(server.uuid, changes)))) return
  if (resized) await confirmFirst(backends, context, details.with(changes))
  if (here) {
    await removeHere(backends, context, details.with(changes), how)
    await recordAction(backends, context, server, 'delete')
    return
  }
  await hand(backends, context, details, changes, softly)
}

/** Hands the server to its compute. */
async function hand(backends: Backends, context: RequestContext, details: Details, changes: ServerChanges, softly: boolean): Promise<void> {
  const { uuid } = details.server
  const bdms = blockDevicesOf(await details.get('blockDevices'))
  try {
    await startTask(backends, context, details, {
      action: 'delete',
      changes,
      expected: null,
      fields: detailed,
      send: softly
        ? toCompute(backends, context, details, 'soft_delete_instance', {})
        : toCompute(backends, context, details, 'terminate_instance', { bdms }),
    })
  } catch (error) {
    // Somebody was faster
    if (error instanceof Fault && error.kind === 'serverNotFound') return
    throw error
  }
  await backends.stores.api.serverMappings.update(uuid, { queuedForDelete: true })
}

async function removeShelvedImage(backends: Backends, context: RequestContext, details: Details): Promise<void> {
  const id = (await details.get('systemMetadata')).shelved_image_id
  if (id) await removeImage(backends, context, id)
}

/** What was left on the source host goes first; the call waits until it has. nova/compute/api.py API._confirm_resize_on_deleting */
async function confirmFirst(backends: Backends, context: RequestContext, details: Details): Promise<void> {
  const { server } = details
  const find = (status: string) => inCell(backends, server, (cell) => cell.migrations.inStatus(server.uuid, status))
  const row = (await find('finished')) ?? (await find('confirming'))
  // Somebody may have confirmed it meanwhile
  if (!row) return
  await recordAction(backends, context, server, 'confirmResize')
  const migration = migrationOf(row)
  const instance = await instanceOf(details, detailed)
  if (row.crossCellMove) await callConductor(backends, context, 'confirm_snapshot_based_resize', { instance, migration })
  else {
    const source = { cellId: server.cellId, host: row.sourceCompute }
    await callCompute(backends, context, source, 'confirm_resize', instance, { migration })
  }
}
