/** Attaches a volume to a server: a name and a reservation first, which are told, and then the host connects it. nova/conductor/manager.py ComputeTaskManager.attach_volume */
import type { BlockDevice } from '../../../stores/cell/block-devices.ts'
import { reserveDevice } from '../compute/volumes.ts'
import { nova } from '../errors.ts'
import type { CellParts, Host } from '../parts.ts'
import { zoneOf } from '../scheduler/hosts.ts'
import { loadServer } from '../server.ts'
import { compute } from '../targets.ts'
import { asked, noVolume, volumesOf } from '../volume/client.ts'
import { blockDeviceToWire, instanceToWire } from '../wire.ts'
import type { TaskJob } from './task.ts'

/** Resolves with the name of the device. */
export async function attachVolume(parts: CellParts, uuid: string, job: TaskJob): Promise<string | null> {
  const { cell, hosts, rpc } = parts
  const { context, args, again } = job
  const server = await loadServer(cell, uuid)
  const host = hosts.get(server.host ?? '')
  if (!host) throw nova('InstanceNotFound', { instance_id: uuid })
  const { id } = args.volume as { id: string }
  const before = again ? await cell.blockDevices.ofAttachment(uuid, id) : undefined
  // the host has had the message before a crash
  if (before?.connectionInfo) return before.deviceName
  const device = before ?? (await reserveName(host, uuid, id, job))
  try {
    const attachmentId = device.attachmentId ?? (await reserveVolume(host, uuid, id, job))
    await cell.blockDevices.update(device.id, { attachmentId })
    const { requestId, userId, projectId, timestamp } = context
    if (!again || !(await cell.actions.find(uuid, requestId)))
      await cell.actions.start({ action: 'attach_volume', instanceUuid: uuid, requestId, userId, projectId, timestamp })
    const bdm = blockDeviceToWire({ ...device, attachmentId })
    await rpc.cast(compute(host.name), context, 'attach_volume', { instance: instanceToWire(server), bdm })
    return device.deviceName
  } catch (error) {
    await cell.blockDevices.remove(device.id)
    throw error
  }
}

async function reserveName(host: Host, uuid: string, volumeId: string, { context, args, again }: TaskJob): Promise<BlockDevice> {
  const { cell } = host
  const server = await loadServer(cell, uuid)
  await reserveDevice.run(host, { context, server, args: { ...args, volume_id: volumeId }, again })
  const device = (await cell.blockDevices.ofAttachment(uuid, volumeId))!
  const deleteOnTermination = Boolean(args.delete_on_termination)
  await cell.blockDevices.update(device.id, { deleteOnTermination })
  return { ...device, deleteOnTermination }
}

/** Cinder lets nobody else have it from then on. nova/compute/utils.py check_attach_and_reserve_volume */
async function reserveVolume(host: Host, uuid: string, volumeId: string, { context, args }: TaskJob): Promise<string> {
  const { multiattach, availability_zone } = args.volume as { multiattach?: boolean; availability_zone?: string }
  if (!host.settings.crossAzAttach) await requireZone(host, uuid, volumeId, availability_zone)
  if (multiattach && !args.supports_multiattach) throw nova('MultiattachNotSupportedOldMicroversion')
  const { id } = await asked(() => volumesOf(host, context).createAttachment(volumeId, uuid), noVolume(volumeId))
  return id
}

/** nova/volume/cinder.py API.check_availability_zone */
async function requireZone(host: Host, uuid: string, volumeId: string, zone: string | undefined): Promise<void> {
  const its = await zoneOf(host, host.name)
  if (its === zone) return
  const where = `Instance is in ${its}. Volume is in ${zone}`
  throw nova('InvalidVolume', { reason: `Instance ${uuid} and volume ${volumeId} are not in the same availability_zone. ${where}` })
}
