/** Volumes of a server on its host: attached, taken away, put in each other's place, grown. */
import { RemoteError } from '../../../oslo/messaging/failure.ts'
import type { CinderVolume } from '../../../peers/cinder.ts'
import type { Connection, HostVolumes } from '../../../peers/cinder-hosts.ts'
import type { BlockDevice } from '../../../stores/cell/block-devices.ts'
import { nova } from '../errors.ts'
import type { Host } from '../parts.ts'
import { asked, noAttachment, noVolume, volumesOf } from '../volume/client.ts'
import { connectorOf, connectVolume, kept } from '../volume/connect.ts'
import { blockDeviceToWire } from '../wire.ts'
import { deviceFor, deviceOf, devicesOf } from './devices.ts'
import type { Verb } from './method.ts'

/** A row for a volume that will be attached, with the name that it will have. */
export const reserveDevice: Verb = {
  event: null,
  async run(host, { server, args }) {
    const devices = await devicesOf(host, server.uuid)
    const volumeId = args.volume_id as string
    if (devices.some((device) => device.volumeId === volumeId))
      throw nova('InvalidVolume', { reason: `volume ${volumeId} already attached` })
    const uuid = host.ids.uuid()
    await host.cell.blockDevices.create({
      uuid,
      instanceUuid: server.uuid,
      sourceType: 'volume',
      destinationType: 'volume',
      volumeId,
      deviceName: deviceFor(server, devices, args.device as string | null),
      diskBus: args.disk_bus as string | null,
      deviceType: args.device_type as string | null,
      tag: args.tag as string | null,
      noDevice: false,
    })
    const made = (await devicesOf(host, server.uuid)).find((device) => device.uuid === uuid)!
    return blockDeviceToWire(made)
  },
}

/** The row goes again when Cinder refuses. */
export const attachVolume: Verb = {
  keepsTask: true,
  async run(host, { context, server, args, again }) {
    const { uuid } = (args.bdm as { 'nova_object.data': { uuid: string } })['nova_object.data']
    const device = (await devicesOf(host, server.uuid)).find((one) => one.uuid === uuid)
    // given up since, or attached by this message before a crash
    if (!device) return
    const { attachmentId } = device
    if (again && attachmentId && (await asked(() => volumesOf(host, context).isAttached(attachmentId)))) return
    try {
      await connectVolume(host, { context, server }, device, { plug: true })
    } catch (error) {
      if (attachmentId)
        await volumesOf(host, context)
          .removeAttachment(attachmentId)
          .catch(() => false)
      await host.cell.blockDevices.remove(device.id)
      throw error
    }
  },
}

/** nova/virt/block_device.py DriverVolumeBlockDevice.detach: a guest that does not let go keeps it in use */
export const detachVolume: Verb = {
  keepsTask: true,
  async run(host, { context, server, args, again }) {
    const volumeId = args.volume_id as string
    if (again && !(await host.cell.blockDevices.ofAttachment(server.uuid, volumeId))) return
    const device = await deviceOf(host, server.uuid, volumeId)
    const volumes = volumesOf(host, context)
    if (!(await asked(() => volumes.volume(volumeId)))) throw noVolume(volumeId)
    try {
      await host.hypervisor.detachVolume(server.uuid, volumeId)
    } catch (error) {
      await asked(() => volumes.act(volumeId, 'os-roll_detaching'), noVolume(volumeId))
      throw error
    }
    if (device.attachmentId) await asked(() => volumes.removeAttachment(device.attachmentId!))
    await host.cell.blockDevices.remove(device.id)
  },
}

interface Swap {
  readonly old: CinderVolume
  readonly next: CinderVolume
  readonly device: BlockDevice
  /** Of the next, made by the API. */
  readonly attachmentId: string
}

/** nova/compute/manager.py ComputeManager._do_swap_volume */
export const swapVolume: Verb = {
  keepsTask: true,
  async run(host, { context, server, args, again }) {
    const oldId = args.old_volume_id as string
    const nextId = args.new_volume_id as string
    const attachmentId = args.new_attachment_id as string
    const volumes = volumesOf(host, context)
    const swapped = again && (await devicesOf(host, server.uuid)).some((device) => device.attachmentId === attachmentId)
    if (swapped) return
    const device = await deviceOf(host, server.uuid, oldId)
    const [old, next] = [await shown(volumes, oldId), await shown(volumes, nextId)]
    const swap: Swap = { old, next, device, attachmentId }
    const isMigration = old.migration_status === 'migrating'
    const connection = await connectNext(host, volumes, server.uuid, swap, isMigration)
    if (device.attachmentId) await asked(() => volumes.removeAttachment(device.attachmentId!))
    const id = isMigration ? await asked(() => volumes.completeMigration(oldId, nextId, false)) : nextId
    await host.cell.blockDevices.update(device.id, {
      connectionInfo: JSON.stringify({ ...connection, serial: id, volume_id: id, data: { ...connection.data, volume_id: id } }),
      sourceType: 'volume',
      destinationType: 'volume',
      snapshotId: null,
      volumeId: id,
      attachmentId,
      ...(next.size > old.size && { volumeSize: next.size }),
    })
  },
}

async function shown(volumes: HostVolumes, id: string): Promise<CinderVolume> {
  const volume = await asked(() => volumes.volume(id))
  if (!volume) throw noVolume(id)
  return volume
}

/** When it fails, the old volume is in use again and the new one free. */
async function connectNext(
  host: Host,
  volumes: HostVolumes,
  uuid: string,
  { old, next, device, attachmentId }: Swap,
  isMigration: boolean,
): Promise<Connection> {
  try {
    const connection = await asked(() => volumes.connect(attachmentId, connectorOf(host), device.deviceName), noAttachment(attachmentId))
    await host.hypervisor.swapVolume(uuid, old.id, next.id)
    await asked(() => volumes.completeAttachment(attachmentId), noAttachment(attachmentId))
    return kept(connection, next)
  } catch (error) {
    await asked(() => volumes.act(old.id, 'os-roll_detaching'), noVolume(old.id))
    await asked(() => volumes.removeAttachment(attachmentId))
    if (isMigration) await asked(() => volumes.completeMigration(old.id, next.id, true))
    throw error
  }
}

/** One that is not attached is nobody's concern. nova/compute/manager.py ComputeManager.extend_volume */
export const extendVolume: Verb = {
  keepsTask: true,
  async run(host, { context, server, args }) {
    const id = args.extended_volume_id as string
    const device = await host.cell.blockDevices.ofAttachment(server.uuid, id)
    if (!device) return
    const { size } = await shown(volumesOf(host, context), id)
    if (device.connectionInfo === null) return
    await host.cell.blockDevices.update(device.id, { volumeSize: size })
    await host.hypervisor.extendVolume(server.uuid, id, size)
  },
}

/** Snapshots that Cinder lets the hypervisor take: the simulated one cannot. */
export const assistedSnapshot: Verb = {
  event: null,
  keepsTask: true,
  expected: ['NotImplementedError'],
  async run() {
    throw new RemoteError({ className: 'NotImplementedError', module: 'builtins', message: '', args: [] })
  },
}
