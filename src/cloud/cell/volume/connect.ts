/** Volumes come to a host: each is connected by its attachment and in use from then on. nova/virt/block_device.py DriverVolumeBlockDevice.attach */
import type { RequestContext } from '../../../oslo/context.ts'
import { PeerError } from '../../../oslo/keystoneauth/errors.ts'
import { type CinderVolume, cinderText } from '../../../peers/cinder.ts'
import type { Connection, Connector } from '../../../peers/cinder-hosts.ts'
import type { BlockDevice } from '../../../stores/cell/block-devices.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import { deviceFor, devicesOf, isVolume } from '../compute/devices.ts'
import { isGone, isNova, nova } from '../errors.ts'
import type { Host } from '../parts.ts'
import { asked, despiteLeftovers, noAttachment, noVolume, volumesOf } from './client.ts'
import { makeVolume } from './make.ts'

/** nova/virt/fake.py FakeDriver.get_volume_connector */
export const connectorOf = ({ name, settings }: Host): Connector => ({ ip: settings.hostIp, initiator: 'fake', host: name })

export interface Connecting {
  readonly context: RequestContext
  readonly server: Server
}

/**
 * Makes the volumes of a server that are not there yet and connects all of them to this host. May be done again. Throws an InvalidBDM with Cinder's
 * words, or an OverQuota. nova/compute/manager.py ComputeManager._prep_block_device
 */
export async function connectVolumes(host: Host, { context, server }: Connecting): Promise<void> {
  await nameMissing(host, server)
  try {
    for (const device of (await devicesOf(host, server.uuid)).filter(isVolume)) await connectVolume(host, { context, server }, device)
  } catch (error) {
    if (isGone(error) || isNova(error, 'OverQuota')) throw error
    host.log.error('Instance failed block device setup', { context, error, instance: server.uuid })
    throw nova('InvalidBDM', {}, error instanceof PeerError && error.status ? cinderText(error) : (error as Error).message)
  }
}

/** What was attached while the server was on no host has no name yet. nova/compute/manager.py ComputeManager._add_missing_dev_names */
async function nameMissing(host: Host, server: Server): Promise<void> {
  const devices = await devicesOf(host, server.uuid)
  for (const [i, device] of devices.entries()) {
    if (device.deviceName !== null) continue
    const deviceName = deviceFor(server, devices, null)
    devices[i] = { ...device, deviceName }
    await host.cell.blockDevices.update(device.id, { deviceName })
  }
}

/** Connects one. `plug`: into a guest that is there; otherwise the guest will be made with it. */
export async function connectVolume(
  host: Host,
  { context, server }: Connecting,
  before: BlockDevice,
  { plug = false }: { plug?: boolean } = {},
): Promise<void> {
  const { cell, hypervisor } = host
  const volumes = volumesOf(host, context)
  const device = before.volumeId === null ? await makeVolume(host, volumes, server, before) : before
  const id = device.volumeId!
  const volume = await asked(() => volumes.volume(id))
  if (!volume) throw noVolume(id)
  const attachment = device.attachmentId ?? (await asked(() => volumes.createAttachment(id, server.uuid), noVolume(id))).id
  if (device.attachmentId === null) await cell.blockDevices.update(device.id, { attachmentId: attachment })
  const connection = await asked(
    () =>
      despiteLeftovers(host, volumes, { volumeId: id, server: server.uuid, attachmentId: attachment }, () =>
        volumes.connect(attachment, connectorOf(host), device.deviceName),
      ),
    noAttachment(attachment),
  )
  const giveBack = () => volumes.removeAttachment(attachment).catch(() => false)
  if (plug) await orElse(() => hypervisor.attachVolume(server.uuid, id, device.deviceName!), giveBack)
  await cell.blockDevices.update(device.id, {
    connectionInfo: JSON.stringify(kept(connection, volume)),
    ...(device.volumeSize === null && { volumeSize: volume.size }),
  })
  await orElse(
    () => asked(() => volumes.completeAttachment(attachment), noAttachment(attachment)),
    async () => {
      if (plug) await hypervisor.detachVolume(server.uuid, id).catch(() => undefined)
      await giveBack()
    },
  )
}

/** What Nova keeps with the device beside Cinder's words. */
export const kept = (connection: Connection, { id, multiattach }: CinderVolume): Connection => ({
  ...connection,
  serial: id,
  ...(multiattach && { multiattach: true }),
})

async function orElse<T>(work: () => Promise<T>, undo: () => Promise<unknown>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await undo()
    throw error
  }
}
