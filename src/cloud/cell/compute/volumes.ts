/** Volumes. There is no volume service in the embedded cloud yet: what needs one fails as it does in Nova when Cinder cannot be reached. */

import { RemoteError } from '../../../oslo/messaging/failure.ts'
import type { BlockDevice } from '../../../stores/cell/block-devices.ts'
import { type NovaError, nova } from '../errors.ts'
import type { Host } from '../parts.ts'
import { blockDeviceToWire } from '../wire.ts'
import { deviceFor } from './devices.ts'
import type { Job, Verb } from './method.ts'

/** nova/volume/cinder.py translate_cinder_exception */
export const volumesOut = (): NovaError => nova('CinderConnectionFailed', { reason: 'the cloud has no volume service' })

const devicesOf = async ({ cell }: Host, uuid: string): Promise<BlockDevice[]> => (await cell.blockDevices.of([uuid])).get(uuid) ?? []

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

/** The row goes again. */
export const attachVolume: Verb = {
  keepsTask: true,
  async run(host, { server, args }) {
    const { uuid } = (args.bdm as { 'nova_object.data': { uuid: string } })['nova_object.data']
    const device = (await devicesOf(host, server.uuid)).find((one) => one.uuid === uuid)
    if (device) await host.cell.blockDevices.remove(device.id)
    throw volumesOut()
  },
}

async function withVolume(host: Host, { server }: Job, volumeId: unknown): Promise<never> {
  const known = (await devicesOf(host, server.uuid)).some((device) => device.volumeId === volumeId)
  throw known ? volumesOut() : nova('VolumeBDMNotFound', { volume_id: volumeId })
}

export const detachVolume: Verb = { keepsTask: true, run: (host, job) => withVolume(host, job, job.args.volume_id) }
export const swapVolume: Verb = { keepsTask: true, run: (host, job) => withVolume(host, job, job.args.old_volume_id) }

/** One that is not attached is nobody's concern. nova/compute/manager.py ComputeManager.extend_volume */
export const extendVolume: Verb = {
  keepsTask: true,
  async run(host, { server, args }) {
    if ((await devicesOf(host, server.uuid)).some((device) => device.volumeId === args.extended_volume_id)) throw volumesOut()
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

/** Takes the server's volumes away as it goes. They stay in the books of a volume service that is not there. */
export async function forgetVolumes(host: Host, uuid: string): Promise<void> {
  const volumes = (await devicesOf(host, uuid)).filter(({ volumeId }) => volumeId !== null)
  for (const { volumeId } of volumes) host.log.warning(`Ignoring volume ${volumeId}: ${volumesOut().message}`, { instance: uuid })
}
