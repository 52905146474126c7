/** Attaching volumes to servers and detaching them. */
import type { RequestContext } from '../../oslo/context.ts'
import type { CinderVolume } from '../../peers/cinder.ts'
import type { BlockDevice } from '../../stores/cell/block-devices.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { Backends } from '../backends.ts'
import { Fault, type FaultKind } from '../faults.ts'
import { isYes } from '../hardware/wanted.ts'
import { callConductor, castToConductor, longCall } from '../rpc/conductor.ts'
import { refusalOf } from './ask.ts'
import { refuseLocked, requireHostUp } from './checks.ts'
import { detailsOf } from './details.ts'
import { inCell, inCellOr } from './in-cell.ts'
import { asEvent, recordAction } from './record-action.ts'
import { checkState } from './states.ts'
import { startTask, toCompute } from './task.ts'
import { instanceOf, usual } from './to-wire.ts'
import { cinderSays, findVolume, releaseVolumes } from './volumes.ts'
import { zoneOfServer } from './zones.ts'

/** The volumes of a server. */
export async function attachedVolumes(backends: Backends, server: Server): Promise<BlockDevice[]> {
  return [...(await detailsOf(backends, server).get('blockDevices'))]
}

/** Throws `missing`. */
export async function findAttached(backends: Backends, server: Server, volumeId: string): Promise<BlockDevice> {
  const found = await deviceOf(backends, server, volumeId)
  if (!found) throw new Fault('missing', `Instance ${server.uuid} is not attached to volume ${volumeId}`)
  return found
}

const deviceOf = (backends: Backends, server: Server, volumeId: string): Promise<BlockDevice | undefined> =>
  inCellOr(backends, server, undefined, (cell) => cell.blockDevices.ofAttachment(server.uuid, volumeId))

export interface VolumeAttachment {
  readonly volumeId: string
  readonly device: string | null
  readonly tag: string | null
  /** As it was said: nova/objects/block_device.py takes any text for yes, `false` among them. */
  readonly deleteOnTermination: boolean | string
  readonly multiattachToo: boolean
  /** Whether the answer can wait for the name that the device gets. */
  readonly wait: boolean
}

/** What the conductor and the compute refuse with. */
const refusals: Readonly<Record<string, FaultKind>> = {
  DevicePathInUse: 'conflict',
  Forbidden: 'forbidden',
  InstanceInvalidState: 'conflict',
  InstanceIsLocked: 'conflict',
  InvalidDevicePath: 'badRequest',
  InvalidInput: 'badRequest',
  InvalidVolume: 'badRequest',
  MultiattachNotSupportedOldMicroversion: 'badRequest',
  MultiattachToShelvedNotSupported: 'badRequest',
  TooManyDiskDevices: 'forbidden',
  VolumeNotFound: 'missing',
  VolumeTaggedAttachNotSupported: 'badRequest',
}

/** nova/block_device.py match_device */
const devicePath = /^\/dev\/x?[a-z]?d?[a-z]+[0-9]*$/

/** The name of the device, as far as it is known. nova/compute/api.py API.attach_volume */
export async function attachVolume(
  backends: Backends,
  context: RequestContext,
  server: Server,
  asked: VolumeAttachment,
): Promise<string | null> {
  refuseLocked(context, server)
  checkState(server, 'attachVolume')
  const { device, tag, volumeId } = asked
  if (device && !devicePath.test(device)) throw new Fault('badRequest', `The supplied device path (${device}) is invalid.`)
  const volume = await findVolume(backends, context, volumeId)
  await refuseAttached(backends, server, volume)
  if (server.vmState === 'shelved_offloaded') return attachHere(backends, context, server, volume, asked)
  const args = {
    instance: await instanceOf(detailsOf(backends, server), usual),
    volume: volumeForm(volume),
    device,
    disk_bus: null,
    device_type: null,
    tag,
    supports_multiattach: asked.multiattachToo,
    delete_on_termination: asked.deleteOnTermination,
  }
  if (!asked.wait) {
    await startTask(backends, context, detailsOf(backends, server), {
      send: () => castToConductor(backends, context, 'attach_volume', args),
    })
    return null
  }
  try {
    return await callConductor<'attach_volume', string | null>(backends, context, 'attach_volume', args, longCall(backends))
  } catch (error) {
    throw refusalOf(error, refusals)
  }
}

/** Cinder would take a second attachment; a server may have one, and volumes for one server may be in one. */
export async function refuseAttached(backends: Backends, server: Server, volume: CinderVolume): Promise<void> {
  const attached = await inCell(backends, server, (cell) => cell.blockDevices.ofVolume(volume.id))
  if (attached.length === 0) return
  if (!volume.multiattach) {
    const servers = attached.map(({ instanceUuid }) => instanceUuid).join(' ')
    throw new Fault('invalidVolume', `volume ${volume.id} is already attached to instances: ${servers}`)
  }
  if (attached.some(({ instanceUuid }) => instanceUuid === server.uuid))
    throw new Fault('invalidVolume', `volume ${volume.id} already attached`)
}

/** A volume as Nova's services tell it each other. nova/volume/cinder.py _untranslate_volume_summary_view */
function volumeForm(volume: CinderVolume): object {
  const { id, status, size, availability_zone, attachments, metadata = {}, volume_image_metadata, migration_status } = volume
  const places = attachments.map(({ server_id, attachment_id, device }) => [
    server_id,
    { attachment_id: attachment_id ?? null, mountpoint: device ?? null },
  ])
  return {
    id,
    status,
    size,
    availability_zone,
    created_at: volume.created_at ?? null,
    attach_time: '',
    mountpoint: '',
    multiattach: volume.multiattach ?? false,
    ...(places.length > 0 && { attachments: Object.fromEntries(places) }),
    attach_status: places.length > 0 ? 'attached' : 'detached',
    display_name: volume.name,
    display_description: volume.description ?? null,
    volume_type_id: volume.volume_type ?? null,
    snapshot_id: volume.snapshot_id ?? null,
    bootable: isYes(volume.bootable ?? ''),
    volume_metadata: metadata,
    ...(volume_image_metadata && { volume_image_metadata }),
    ...(migration_status !== undefined && { migration_status }),
  }
}

/** To a server without a host: the compute that brings it back will connect the volume. Nova then says no name of the device. */
async function attachHere(
  backends: Backends,
  context: RequestContext,
  server: Server,
  volume: CinderVolume,
  { tag, deleteOnTermination, multiattachToo }: VolumeAttachment,
): Promise<null> {
  if (tag) throw new Fault('badRequest', 'Tagged volume attachment is not supported for shelved-offloaded instances.')
  if (volume.multiattach) throw new Fault('badRequest', 'Attaching multiattach volumes is not supported for shelved-offloaded instances.')
  const row = await inCell(backends, server, (cell) =>
    cell.blockDevices.create({
      uuid: backends.ids.uuid(),
      instanceUuid: server.uuid,
      sourceType: 'volume',
      destinationType: 'volume',
      volumeId: volume.id,
      deleteOnTermination: Boolean(deleteOnTermination),
      noDevice: false,
      encrypted: false,
    }),
  )
  try {
    await requireSameZone(backends, server, volume)
    if (volume.multiattach && !multiattachToo) throw new Fault('multiattachTooEarly')
    const cinder = backends.peers.cinder.as(context)
    const { id } = await cinderSays(volume.id, () => cinder.createAttachment(volume.id, server.uuid))
    await inCell(backends, server, (cell) => cell.blockDevices.update(row, { attachmentId: id }))
    await recordAction(backends, context, server, 'attach_volume')
    await asEvent(backends, context, server, 'api_attach_volume', () => cinderSays(volume.id, () => cinder.completeAttachment(id)))
  } catch (error) {
    await inCell(backends, server, (cell) => cell.blockDevices.remove(row))
    throw error
  }
  return null
}

/** nova/volume/cinder.py API.check_availability_zone */
export async function requireSameZone(backends: Backends, server: Server, volume: CinderVolume): Promise<void> {
  if (backends.settings.cinder.crossAzAttach) return
  const zone = await zoneOfServer(backends, server)
  if (zone !== volume.availability_zone)
    throw new Fault(
      'invalidVolume',
      `Instance ${server.uuid} and volume ${volume.id} are not in the same availability_zone. Instance is in ${zone}. Volume is in ${volume.availability_zone}`,
    )
}

/** nova/compute/api.py API.detach_volume */
export async function detachVolume(backends: Backends, context: RequestContext, server: Server, volumeId: string): Promise<void> {
  const volume = await findVolume(backends, context, volumeId)
  const device = await findAttached(backends, server, volumeId)
  if (device.bootIndex === 0) throw new Fault('badRequest', 'Cannot detach a root device volume')
  refuseLocked(context, server)
  checkState(server, 'detachVolume')
  if (server.vmState === 'shelved_offloaded') return detachHere(backends, context, server, device)
  const details = detailsOf(backends, server)
  await requireHostUp(backends, details)
  await beginDetaching(backends, context, volumeId)
  // While a server moves it has two of one volume: the last counts, as in Nova's dictionary
  const own = volume.attachments.findLast(({ server_id }) => server_id === server.uuid)
  try {
    await startTask(backends, context, details, {
      action: 'detach_volume',
      fields: ['services', ...usual, 'device_metadata'],
      send: toCompute(backends, context, details, 'detach_volume', { volume_id: volumeId, attachment_id: own?.attachment_id ?? null }),
    })
  } catch (error) {
    await stopDetaching(backends, context, volumeId)
    throw error
  }
}

/** Cinder then lets nobody else change the volume. Throws `invalidVolume` when it is not in use. */
export async function beginDetaching({ peers }: Backends, context: RequestContext, id: string): Promise<void> {
  try {
    await cinderSays(id, () => peers.cinder.as(context).act(id, 'os-begin_detaching'))
  } catch (error) {
    throw error instanceof Fault && error.kind === 'invalidInput' ? new Fault('invalidVolume', error.message) : error
  }
}

export async function stopDetaching({ peers, log }: Backends, context: RequestContext, id: string): Promise<void> {
  try {
    await peers.cinder.as(context).act(id, 'os-roll_detaching')
  } catch (error) {
    log.warning(`The volume ${id} is still marked as being detached: ${(error as Error).message}`, { context })
  }
}

async function detachHere(backends: Backends, context: RequestContext, server: Server, device: BlockDevice): Promise<void> {
  // One with an attachment is reserved, not in use
  if (!device.attachmentId) await beginDetaching(backends, context, device.volumeId!)
  await recordAction(backends, context, server, 'detach_volume')
  await asEvent(backends, context, server, 'api_detach_volume', () => releaseVolumes(backends, context, server, [device]))
}

/** What may be changed of an attachment; the rest must be said as it is. */
export interface AttachmentUpdate {
  readonly id?: string
  readonly serverId?: string
  readonly device?: string | null
  readonly tag?: string | null
  readonly deleteOnTermination?: boolean
}

/** Throws `missing` and `badRequest`. nova/api/openstack/compute/volume_attachments.py _update_volume_regular */
export async function updateAttachment(backends: Backends, server: Server, volumeId: string, asked: AttachmentUpdate): Promise<void> {
  const device = await deviceOf(backends, server, volumeId)
  if (!device) throw new Fault('missing', `No volume Block Device Mapping with id ${volumeId}.`)
  const fixed: [keyof AttachmentUpdate, unknown][] = [
    ['id', volumeId],
    ['serverId', server.uuid],
    ['device', device.deviceName],
    ['tag', device.tag],
  ]
  for (const [name, value] of fixed)
    if (asked[name] !== undefined && asked[name] !== value) throw new Fault('badRequest', `The ${name} property is not mutable`)
  const { deleteOnTermination } = asked
  if (deleteOnTermination === undefined || deleteOnTermination === Boolean(device.deleteOnTermination)) return
  await inCell(backends, server, (cell) => cell.blockDevices.update(device.id, { deleteOnTermination }))
}
