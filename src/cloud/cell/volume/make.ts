/** Volumes that a server brings into being: from an image, from a snapshot, or empty. nova/virt/block_device.py DriverVolumeBlockDevice._create_volume */
import type { CinderVolume } from '../../../peers/cinder.ts'
import type { HostVolumes, NewVolume } from '../../../peers/cinder-hosts.ts'
import type { BlockDevice } from '../../../stores/cell/block-devices.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import { nova } from '../errors.ts'
import type { Host } from '../parts.ts'
import { asked, noVolume } from './client.ts'

/** The device with its volume, which is reserved for the server and noted at once: who comes after a crash finds it. */
export async function makeVolume(host: Host, volumes: HostVolumes, server: Server, device: BlockDevice): Promise<BlockDevice> {
  const wish = await wishFor(volumes, server, device)
  const { id } = await asked(() => volumes.createVolume(wish), nova('NotFound'))
  await host.cell.blockDevices.update(device.id, { volumeId: id, volumeType: wish.volumeType })
  await untilMade(host, volumes, device, id)
  const attachment = await asked(() => volumes.createAttachment(id, server.uuid), noVolume(id))
  await host.cell.blockDevices.update(device.id, { attachmentId: attachment.id })
  return { ...device, volumeId: id, volumeType: wish.volumeType, attachmentId: attachment.id }
}

async function wishFor(volumes: HostVolumes, { uuid }: Server, device: BlockDevice): Promise<NewVolume> {
  const { sourceType, volumeSize: size, imageId, snapshotId, volumeType, uuid: key } = device
  const wish = { size, name: '', volumeType, key: key! }
  if (sourceType === 'image') return { ...wish, imageId }
  if (sourceType === 'blank') return { ...wish, name: `${uuid}-blank-vol` }
  return { ...wish, volumeType: volumeType ?? (await typeBehind(volumes, snapshotId!)), snapshotId }
}

/** Of the volume that a snapshot is of. */
async function typeBehind(volumes: HostVolumes, snapshotId: string): Promise<string | null> {
  const missing = nova('SnapshotNotFound', { snapshot_id: snapshotId })
  const snapshot = await asked(() => volumes.snapshot(snapshotId))
  if (!snapshot) throw missing
  const origin = await asked(() => volumes.volume(snapshot.volume_id))
  if (!origin) throw noVolume(snapshot.volume_id)
  return origin.volume_type ?? null
}

/** [DEFAULT] block_device_allocate_retries and block_device_allocate_retries_interval */
const attempts = 61
const intervalMs = 3000

/** nova/compute/manager.py ComputeManager._await_block_device_map_created: a volume that comes to nothing goes, if it would with the server */
async function untilMade(host: Host, volumes: HostVolumes, device: BlockDevice, id: string): Promise<void> {
  const start = host.clock.now()
  let volume: CinderVolume | undefined
  let attempt = 0
  while (++attempt <= attempts) {
    volume = await asked(() => volumes.volume(id))
    if (!volume) throw noVolume(id)
    if (volume.status === 'available') return
    if (volume.status !== 'creating' && volume.status !== 'downloading') break
    await host.wait(intervalMs)
  }
  if (device.deleteOnTermination)
    await volumes.removeVolume(id).catch((error: Error) => host.log.warning(`Failed to delete volume: ${id} due to ${error.message}`))
  throw nova('VolumeNotCreated', {
    volume_id: id,
    seconds: Math.floor((host.clock.now() - start) / 1000),
    attempts: Math.min(attempt, attempts),
    volume_status: volume!.status,
  })
}
