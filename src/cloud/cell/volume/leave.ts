/** Volumes leave a host: the server keeps them, or goes. */
import type { RequestContext } from '../../../oslo/context.ts'
import { hostVolumes } from '../../../peers/cinder-hosts.ts'
import type { BlockDevice } from '../../../stores/cell/block-devices.ts'
import { devicesOf, isVolume } from '../compute/devices.ts'
import type { CellCore } from '../parts.ts'
import { asked, despiteLeftovers, dropLeftovers, noVolume, volumesOf } from './client.ts'

type Attached = BlockDevice & { readonly volumeId: string }

/** A volume that was made for a device, and that a crash kept from being noted there, is the device's. */
async function noteMade(core: CellCore, context: RequestContext, uuid: string): Promise<void> {
  const unmade = (await devicesOf(core, uuid)).filter(
    (device) => isVolume(device) && device.volumeId === null && device.sourceType !== 'volume',
  )
  for (const device of unmade)
    try {
      const made = await hostVolumes(core.cinder.own).madeWith(device.uuid!)
      if (made) await core.cell.blockDevices.update(device.id, { volumeId: made.id })
    } catch (error) {
      core.log.warning(`Failed to look for a volume of the server: ${(error as Error).message}`, { context, instance: uuid })
    }
}

const attachedTo = async (core: CellCore, uuid: string): Promise<Attached[]> =>
  (await devicesOf(core, uuid)).filter((device): device is Attached => isVolume(device) && device.volumeId !== null)

/**
 * The server's volumes are on no host and still reserved for it: Cinder has no other way to break a connection than a new attachment in place of the
 * old. nova/compute/manager.py ComputeManager._terminate_volume_connections. `except` is a device that is left alone.
 */
export async function disconnectVolumes(core: CellCore, context: RequestContext, uuid: string, except?: BlockDevice): Promise<void> {
  for (const device of await attachedTo(core, uuid)) if (device.id !== except?.id) await disconnect(core, context, uuid, device)
}

/** Noted before the old one goes, so that what a crash leaves over is one that nobody knows. */
export async function disconnect(core: CellCore, context: RequestContext, uuid: string, device: BlockDevice): Promise<void> {
  const volumes = volumesOf(core, context)
  const id = device.volumeId!
  if (device.attachmentId === null) return
  const { id: attachmentId } = await asked(
    () =>
      despiteLeftovers(core, volumes, { volumeId: id, server: uuid, attachmentId: device.attachmentId }, () =>
        volumes.createAttachment(id, uuid),
      ),
    noVolume(id),
  )
  await core.cell.blockDevices.update(device.id, { attachmentId })
  await asked(() => volumes.removeAttachment(device.attachmentId!))
}

/**
 * The server goes: its volumes are free, and those that are to go with it are deleted. What Cinder refuses is only told to the log.
 * nova/compute/manager.py ComputeManager._shutdown_instance
 */
export async function releaseVolumes(core: CellCore, context: RequestContext, uuid: string): Promise<void> {
  await noteMade(core, context, uuid)
  const devices = await attachedTo(core, uuid)
  for (const device of devices) await free(core, context, device)
  for (const device of devices) await drop(core, context, device)
}

/**
 * The same for a server that could not be built and stays: one volume after the other, and it keeps the devices whose volumes are kept.
 * nova/compute/manager.py ComputeManager._cleanup_volumes
 */
export async function abandonVolumes(core: CellCore, context: RequestContext, uuid: string): Promise<void> {
  await noteMade(core, context, uuid)
  for (const device of await attachedTo(core, uuid)) {
    await free(core, context, device)
    await drop(core, context, device)
    // last: while the device is there, who comes after a crash finds its volume
    if (device.deleteOnTermination) await core.cell.blockDevices.remove(device.id)
  }
}

/** Not only of the attachment that the device knows: Cinder deletes no volume that has one which a crash has left over. */
async function free(core: CellCore, context: RequestContext, { attachmentId, volumeId, instanceUuid }: Attached): Promise<void> {
  const volumes = volumesOf(core, context)
  try {
    await asked(() => dropLeftovers(core, volumes, { volumeId, server: instanceUuid! }))
    if (attachmentId !== null) await asked(() => volumes.removeAttachment(attachmentId))
  } catch (error) {
    core.log.warning(`Failed to detach volume: ${volumeId} due to ${(error as Error).message}`, { context, instance: instanceUuid! })
  }
}

async function drop(core: CellCore, context: RequestContext, device: Attached): Promise<void> {
  const { deleteOnTermination, volumeId, instanceUuid } = device
  if (!deleteOnTermination) return
  await asked(() => volumesOf(core, context).removeVolume(volumeId), noVolume(volumeId)).catch((error: Error) => {
    core.log.warning(`Failed to delete volume: ${volumeId} due to ${error.message}`, { context, instance: instanceUuid! })
  })
}
