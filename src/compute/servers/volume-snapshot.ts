/** Images of servers that boot from a volume: empty ones, which name snapshots of the volumes. */
import type { RequestContext } from '../../oslo/context.ts'
import { RemoteError } from '../../oslo/messaging/failure.ts'
import type { BlockDevice } from '../../stores/cell/block-devices.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { isYes } from '../hardware/wanted.ts'
import { callCompute, castToCompute } from '../rpc/compute.ts'
import type { Details } from './details.ts'
import { createImage, type Snapshot, snapshotMetadata } from './images.ts'
import { asEvent, recordAction } from './record-action.ts'
import { checkState } from './states.ts'
import { detailed, instanceOf } from './to-wire.ts'
import { cinderSays, findVolume } from './volumes.ts'

/** A disk as properties of images name it; the keys are those of BlockDeviceMapping. */
type Mapping = Readonly<Record<string, unknown>>

/** The id of the image, which is active at once. Locks do not matter: nothing of the server is changed. nova/compute/api.py API.snapshot_volume_backed */
export async function snapshotVolumes(backends: Backends, context: RequestContext, details: Details, snapshot: Snapshot): Promise<string> {
  const { server } = details
  checkState(server, 'createImage')
  const { container_format, disk_format, ...image } = await snapshotMetadata(backends, context, details, snapshot)
  const { block_device_mapping, bdm_v2, root_device_name, ...properties } = image.properties
  const disks = (await details.get('blockDevices')).filter((device) => !device.noDevice)
  const volumes = disks.filter(isVolume)
  await requireRoom(backends, context, volumes.length)
  const thaw = await freeze(backends, context, details)
  await recordAction(backends, context, server, 'createImage')
  const mapping: Mapping[] = disks.filter((device) => !isVolume(device)).map(mappingOf)
  try {
    await asEvent(backends, context, server, 'api_snapshot_instance', async () => {
      for (const volume of volumes) mapping.push(await snapshotOf(backends, context, volume, `snapshot for ${snapshot.name}`))
    })
  } finally {
    await thaw?.(mapping)
  }
  return createImage(
    backends,
    context,
    {
      ...image,
      properties: {
        ...properties,
        ...(server.rootDeviceName && { root_device_name: server.rootDeviceName }),
        ...(mapping.length > 0 && { block_device_mapping: mapping, bdm_v2: true }),
      },
    },
    { empty: true },
  )
}

const isVolume = ({ destinationType }: BlockDevice): boolean => destinationType === 'volume'

/** So that not some are made and others are not. */
async function requireRoom({ peers }: Backends, context: RequestContext, more: number): Promise<void> {
  if (more === 0) return
  const { totalSnapshotsUsed = 0, maxTotalSnapshots = -1 } = await cinderSays('', () => peers.cinder.as(context).limits())
  if (maxTotalSnapshots > -1 && more + totalSnapshotsUsed > maxTotalSnapshots) throw overQuota()
}

const overQuota = (): Fault => new Fault('overQuota', 'Quota exceeded for resources: snapshots')

/**
 * Has the guest hold still while it runs, where it can; the answer lets it go on. Images may say that they must.
 */
async function freeze(
  backends: Backends,
  context: RequestContext,
  details: Details,
): Promise<((mapping: readonly Mapping[]) => Promise<void>) | undefined> {
  const { server } = details
  if (server.vmState !== 'active') return undefined
  const instance = await instanceOf(details, detailed)
  const thaw = (mapping: readonly Mapping[] | null) => castToCompute(backends, context, server, 'unquiesce_instance', instance, { mapping })
  try {
    await callCompute(backends, context, server, 'quiesce_instance', instance, {})
    return thaw
  } catch (error) {
    const known = error instanceof RemoteError && (error.module === 'nova.exception' || error.className === 'NotImplementedError')
    if (!known) await thaw(null)
    const required = isYes((await details.get('systemMetadata')).image_os_require_quiesce ?? '')
    if (!known || required) throw refusal(error)
    return undefined
  }
}

function refusal(error: unknown): unknown {
  if (!(error instanceof RemoteError)) return error
  if (error.className === 'InstanceQuiesceFailed') return new Fault('conflict', error.message)
  const invalid = ['InstanceQuiesceNotSupported', 'QemuGuestAgentNotEnabled', 'InstanceAgentNotEnabled']
  return invalid.includes(error.className) ? new Fault('badRequest', error.message) : error
}

async function snapshotOf(backends: Backends, context: RequestContext, device: BlockDevice, name: string): Promise<Mapping> {
  const volume = await findVolume(backends, context, device.volumeId ?? '')
  const description = (volume.description as string | null | undefined) ?? null
  const make = () => backends.peers.cinder.as(context).createSnapshot(volume.id, name, description)
  const { id } = await cinderSays(volume.id, make).catch((error: unknown) => {
    throw error instanceof Fault && error.kind === 'overQuota' ? overQuota() : error
  })
  const { diskBus, deviceType, bootIndex, deleteOnTermination, volumeSize, deviceName } = device
  return {
    ...blank,
    source_type: 'snapshot',
    destination_type: 'volume',
    snapshot_id: id,
    disk_bus: diskBus,
    device_type: deviceType,
    boot_index: bootIndex,
    delete_on_termination: Boolean(deleteOnTermination),
    volume_size: volumeSize,
    device_name: deviceName,
  }
}

const blank = {
  guest_format: null,
  snapshot_id: null,
  volume_id: null,
  image_id: null,
  no_device: null,
  tag: null,
  volume_type: null,
  encrypted: null,
  encryption_secret_uuid: null,
  encryption_format: null,
  encryption_options: null,
}

/** nova/block_device.py BlockDeviceDict.get_image_mapping */
const mappingOf = (device: BlockDevice): Mapping => ({
  source_type: device.sourceType,
  destination_type: device.destinationType,
  guest_format: device.guestFormat,
  device_type: device.deviceType,
  disk_bus: device.diskBus,
  boot_index: device.bootIndex,
  device_name: device.deviceName,
  delete_on_termination: Boolean(device.deleteOnTermination),
  snapshot_id: device.snapshotId,
  volume_id: device.volumeId,
  volume_size: device.volumeSize,
  image_id: device.imageId,
  no_device: Boolean(device.noDevice),
  tag: device.tag,
  volume_type: device.volumeType,
  encrypted: Boolean(device.encrypted),
  encryption_secret_uuid: device.encryptionSecretUuid,
  encryption_format: device.encryptionFormat,
  encryption_options: device.encryptionOptions,
})
