/** Volumes of a server that moves while it runs: for a time both hosts are connected. nova/compute/manager.py ComputeManager.pre_live_migration */
import type { BlockDevice } from '../../../stores/cell/block-devices.ts'
import { devicesOf, isVolume } from '../compute/devices.ts'
import type { CellCore, Host } from '../parts.ts'
import { asked, despiteLeftovers, dropLeftovers, noVolume, volumesOf } from './client.ts'
import { type Connecting, connectorOf, connectVolume, kept } from './connect.ts'

const attached = async (core: CellCore, uuid: string): Promise<BlockDevice[]> =>
  (await devicesOf(core, uuid)).filter((device) => isVolume(device) && device.attachmentId !== null)

/** The attachments that the devices had before, by device. */
export type Former = ReadonlyMap<number, string>

/** Connects the destination too. Its attachments are the devices' from then on. */
export async function connectDestination(destination: Host, { context, server }: Connecting): Promise<Former> {
  const volumes = volumesOf(destination, context)
  const devices = await attached(destination, server.uuid)
  const made: BlockDevice[] = []
  try {
    for (const device of devices) {
      const id = device.volumeId!
      const volume = await asked(() => volumes.volume(id))
      if (!volume) throw noVolume(id)
      const { id: attachmentId, connection } = await asked(
        () =>
          despiteLeftovers(destination, volumes, { volumeId: id, server: server.uuid, attachmentId: device.attachmentId }, () =>
            volumes.connectNew(id, server.uuid, connectorOf(destination), device.deviceName),
          ),
        noVolume(id),
      )
      made.push({ ...device, attachmentId })
      await destination.cell.blockDevices.update(device.id, { attachmentId, connectionInfo: JSON.stringify(kept(connection, volume)) })
      await asked(() => volumes.completeAttachment(attachmentId))
    }
  } catch (error) {
    const former = new Map(devices.map((device) => [device.id, device.attachmentId!]))
    await giveBack(destination, { context, server }, made, former)
    throw error
  }
  return new Map(devices.map((device) => [device.id, device.attachmentId!]))
}

/** The source is the server's no more: of its attachments only those of its devices stay. */
export async function dropOthers(core: CellCore, { context, server }: Connecting): Promise<void> {
  const volumes = volumesOf(core, context)
  for (const { volumeId } of await attached(core, server.uuid))
    await asked(() => dropLeftovers(core, volumes, { volumeId: volumeId!, server: server.uuid }))
}

/** The server stays where it is. Without knowing what was before, as after a crash, the source is connected anew. */
export async function connectSource(source: Host, { context, server }: Connecting, former: Former | undefined): Promise<void> {
  const devices = await attached(source, server.uuid)
  if (former) return giveBack(source, { context, server }, devices, former)
  try {
    // first: while the source's old attachment is there, Cinder lets nothing else be connected
    await dropOthers(source, { context, server })
    for (const device of devices) await connectVolume(source, { context, server }, device)
  } catch (error) {
    source.log.error('Volumes could not be connected again', { context, error, instance: server.uuid })
  }
}

/** nova/compute/manager.py ComputeManager._rollback_volume_bdms: what Cinder refuses does not keep the server from going on */
async function giveBack(core: CellCore, { context, server }: Connecting, devices: readonly BlockDevice[], former: Former): Promise<void> {
  const volumes = volumesOf(core, context)
  for (const device of devices) {
    const before = former.get(device.id)
    if (before === undefined || before === device.attachmentId) continue
    await core.cell.blockDevices.update(device.id, { attachmentId: before })
    await volumes
      .removeAttachment(device.attachmentId!)
      .catch((error) => core.log.warning('An attachment could not be taken back', { context, error, instance: server.uuid }))
  }
}
