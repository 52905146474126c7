/** Images and backups of servers whose root disk is local. Locks do not matter: nothing of the server is changed. */
import type { RequestContext } from '../../oslo/context.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { type Details, detailsOf, isVolumeBacked } from './details.ts'
import { removeImage, reserveImage, type Snapshot } from './images.ts'
import { checkState } from './states.ts'
import { startTask, toCompute } from './task.ts'
import { detailed } from './to-wire.ts'

/** The id of the image that will be. An image that nobody will fill is taken back. */
export async function snapshotServer(backends: Backends, context: RequestContext, details: Details, snapshot: Snapshot): Promise<string> {
  checkState(details.server, 'createImage')
  const imageId = await reserveImage(backends, context, details, 'snapshot', snapshot)
  try {
    await startTask(backends, context, details, {
      verb: 'createImage',
      action: 'createImage',
      changes: { taskState: 'image_snapshot_pending' },
      fields: detailed,
      send: toCompute(backends, context, details, 'snapshot_instance', { image_id: imageId }),
    })
  } catch (error) {
    if (error instanceof Fault) await removeImage(backends, context, imageId)
    // nova/compute/api.py API.snapshot
    throw isGone(error) ? new Fault('wrongState', 'createImage', details.server.uuid, 'vm_state', 'deleted') : error
  }
  return imageId
}

const isGone = (error: unknown): boolean => error instanceof Fault && error.kind === 'serverNotFound'

export interface Backup extends Snapshot {
  /** `daily`, `weekly` or any other text: backups of one type are counted together. */
  readonly type: string
  /** How many of that type are kept. */
  readonly rotation: number
}

/** The id of the image that will be. */
export async function backupServer(
  backends: Backends,
  context: RequestContext,
  server: Server,
  { name, properties, type, rotation }: Backup,
): Promise<string> {
  checkState(server, 'createBackup')
  const details = detailsOf(backends, server)
  if (await isVolumeBacked(details)) throw new Fault('badRequest', 'Backup is not supported for volume-backed instances.')
  const imageId = await reserveImage(backends, context, details, 'backup', { name, properties: { ...properties, backup_type: type } })
  try {
    await startTask(backends, context, details, {
      verb: 'createBackup',
      action: 'createBackup',
      changes: { taskState: 'image_backup' },
      send: toCompute(backends, context, details, 'backup_instance', { image_id: imageId, backup_type: type, rotation }),
    })
  } catch (error) {
    if (error instanceof Fault) await removeImage(backends, context, imageId)
    throw error
  }
  return imageId
}
