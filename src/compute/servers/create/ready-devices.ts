/** Makes sure that the disks of a new server can be had, fills in what is known of them, and reserves its volumes. */
import type { RequestContext } from '../../../oslo/context.ts'
import { PeerError } from '../../../oslo/keystoneauth/errors.ts'
import { type CinderSnapshot, type CinderVolume, type CinderVolumeType, cinderText } from '../../../peers/cinder.ts'
import type { Flavor } from '../../../stores/api/flavors.ts'
import { diskBus } from '../../../stores/objects/enums.ts'
import type { Backends } from '../../backends.ts'
import { Fault } from '../../faults.ts'
import { isEphemeralDisk, isSwap } from './block-devices.ts'
import { failed, refusedByCinder } from './image.ts'
import type { Device } from './wanted.ts'

export interface ReadyDevice extends Device {
  /** Of volumes that are there: what reserves them. */
  readonly attachment_id?: string
}

export interface DeviceDemand {
  readonly devices: readonly Device[]
  /** The server that volumes are reserved for: they cannot be shared. */
  readonly serverUuid: string
  readonly imageRef: string | null
  readonly flavor: Pick<Flavor, 'swap' | 'ephemeralGb'>
  readonly volumes: ReadonlyMap<string, CinderVolume>
  readonly mayMultiattach: boolean
}

/** The volumes that are there already, each asked for once. Throws `volumeNotFound`, or what Cinder refuses with. */
export async function volumesOf(
  { peers }: Backends,
  context: RequestContext,
  devices: readonly Device[],
): Promise<Map<string, CinderVolume>> {
  const ids = unique(devices.map(({ volume_id }) => volume_id))
  if (ids.length === 0) return new Map()
  const cinder = peers.cinder.as(context)
  const found = await Promise.all(ids.map((id) => cinder.volume(id).catch(refusedByCinder)))
  return new Map(
    ids.map((id, i) => {
      if (!found[i]) throw new Fault('volumeNotFound', id)
      return [id, found[i]]
    }),
  )
}

const unique = (ids: readonly (string | null)[]): string[] => [...new Set(ids.flatMap((id) => id || []))]

/**
 * The zone of volumes that may not be attached in any other; null when servers may go anywhere. `zone` is the one that the servers are asked for.
 * nova/compute/api.py API._validate_vol_az_for_create
 */
export function zoneOfVolumes(
  { settings }: Pick<Backends, 'settings'>,
  zone: string | null,
  volumes: Iterable<CinderVolume>,
): string | null {
  if (settings.cinder.crossAzAttach) return null
  const zones = [...volumes].map(({ availability_zone }) => availability_zone ?? '')
  if (zones.length === 0) return null
  if (new Set(zones).size > 1) throw new Fault('volumeZoneMismatch', `Volumes are in different availability zones: ${zones.join(',')}`)
  const [ofVolumes = ''] = zones
  // The default zone is one that nobody should be tied to
  if (zone === null) return ofVolumes === settings.compute.defaultAvailabilityZone ? null : ofVolumes
  if (zone === ofVolumes) return null
  throw new Fault(
    'volumeZoneMismatch',
    `Server and volumes are not in the same availability zone. Server is in: ${zone}. Volumes are in: ${ofVolumes}`,
  )
}

/** Throws the first thing that is wrong with the disks; whatever was reserved until then is given back. nova/compute/api.py API._validate_bdm */
export async function readyDevices(backends: Backends, context: RequestContext, demand: DeviceDemand): Promise<ReadyDevice[]> {
  checkBootOrder(demand.devices)
  const facts = await factsOf(backends, context, demand)
  const ready: ReadyDevice[] = []
  try {
    for (const device of demand.devices) ready.push(await readyDevice(backends, context, demand, facts, device))
    checkSizes(backends, demand, ready)
  } catch (error) {
    await releaseVolumes(backends, context, ready)
    throw error
  }
  return ready
}

/** Gives reserved volumes back. One that cannot be is logged: the caller has something else to be told. */
export async function releaseVolumes({ peers, log }: Backends, context: RequestContext, devices: readonly ReadyDevice[]): Promise<void> {
  for (const { attachment_id: id, volume_id } of devices) {
    if (id === undefined) continue
    await peers.cinder
      .as(context)
      .removeAttachment(id)
      .catch((error: unknown) => {
        log.warning(`Volume ${volume_id} stays reserved by attachment ${id}: ${error instanceof Error ? error.message : error}`)
      })
  }
}

/** Those to boot from are numbered from 0 without a gap. */
function checkBootOrder(devices: readonly Device[]): void {
  const order = devices
    .flatMap(({ boot_index }) => (typeof boot_index === 'number' && boot_index >= 0 ? boot_index : []))
    .sort((a, b) => a - b)
  if (order.length === 0 || order.some((index, i) => index !== i))
    throw new Fault('invalidBlockDevice', 'Boot sequence for the instance and image/block device mapping combination is not valid.')
}

/** What others know of the disks; a refusal is kept until it is the turn of the disk that it is about. */
interface Facts {
  readonly images: ReadonlyMap<string, Promise<unknown>>
  readonly snapshots: ReadonlyMap<string, Promise<CinderSnapshot | undefined>>
  readonly types: readonly CinderVolumeType[]
}

async function factsOf({ peers }: Backends, context: RequestContext, { devices, imageRef }: DeviceDemand): Promise<Facts> {
  const imageIds = unique(devices.map(({ image_id }) => image_id)).filter((id) => id !== imageRef)
  const snapshotIds = unique(devices.map((device) => (device.image_id || device.volume_id ? null : device.snapshot_id)))
  const kept = <T>(id: string, question: Promise<T>): [string, Promise<T>] => {
    question.catch(() => undefined)
    return [id, question]
  }
  return {
    images: new Map(imageIds.map((id) => kept(id, peers.glance.as(context).show(id)))),
    snapshots: new Map(snapshotIds.map((id) => kept(id, peers.cinder.as(context).snapshot(id)))),
    types: devices.some(({ volume_type }) => volume_type) ? await peers.cinder.as(context).volumeTypes().catch(refusedByCinder) : [],
  }
}

async function readyDevice(
  backends: Backends,
  context: RequestContext,
  demand: DeviceDemand,
  { images, snapshots, types }: Facts,
  device: Device,
): Promise<ReadyDevice> {
  const { image_id, volume_id, snapshot_id, destination_type } = device
  const volume_type = device.volume_type && nameOfType(device.volume_type, types)
  let ready: ReadyDevice = { ...device, volume_type }
  if (image_id !== null) {
    if (images.has(image_id) && !(await images.get(image_id)!.catch(failed('image', image_id)))) failed('image', image_id)(undefined)
    if (device.source_type === 'image' && destination_type === 'volume' && !device.volume_size)
      throw new Fault('badRequest', "Images with destination_type 'volume' need to have a non-zero size specified")
  } else if (volume_id !== null) {
    const volume = demand.volumes.get(volume_id)!
    ready = { ...ready, attachment_id: await reserve(backends, context, demand, volume), volume_size: volume.size }
  } else if (snapshot_id !== null) {
    const snapshot = await snapshots.get(snapshot_id)!.catch(failed('snapshot', snapshot_id))
    if (!snapshot) return failed('snapshot', snapshot_id)(undefined)
    ready = { ...ready, volume_size: device.volume_size || snapshot.size }
  } else if (device.source_type === 'blank' && destination_type === 'volume' && !device.volume_size)
    throw new Fault('badRequest', "Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size")
  // The text does not say what is wrong with the bus: a slip of Nova's that clients know
  if (device.disk_bus && !diskBus.values!.includes(device.disk_bus)) throw new Fault('badRequest', 'Block Device Mapping is Invalid.')
  return ready
}

function nameOfType(wanted: string, types: readonly CinderVolumeType[]): string {
  const found = types.find(({ id, name }) => id === wanted || name === wanted)
  if (!found) throw new Fault('volumeTypeNotFound', wanted)
  return found.name
}

/** nova/compute/utils.py check_attach_and_reserve_volume */
async function reserve(
  { peers }: Backends,
  context: RequestContext,
  demand: DeviceDemand,
  { id, multiattach }: CinderVolume,
): Promise<string> {
  if (multiattach && !demand.mayMultiattach) throw new Fault('multiattachTooEarly')
  try {
    return (await peers.cinder.as(context).createAttachment(id, demand.serverUuid)).id
  } catch (error) {
    if (error instanceof PeerError && error.status === 400) throw new Fault('invalidVolume', `Invalid input received: ${cinderText(error)}`)
    return failed('volume', id)(error)
  }
}

function checkSizes({ settings }: Backends, { flavor }: DeviceDemand, devices: readonly ReadyDevice[]): void {
  const ephemeral = devices.filter(isEphemeralDisk).reduce((sum, { volume_size }) => sum + (volume_size || flavor.ephemeralGb), 0)
  if (ephemeral > flavor.ephemeralGb)
    throw new Fault(
      'badRequest',
      'Ephemeral disks requested are larger than the instance type allows. If no size is given in one block device mapping, flavor ephemeral size will be used.',
    )
  const [swap, ...more] = devices.filter(isSwap)
  if (more.length > 0) throw new Fault('invalidBlockDevice', 'More than one swap drive requested.')
  if (swap && (swap.volume_size ?? 0) > flavor.swap)
    throw new Fault('badRequest', 'Swap drive requested is larger than instance type allows.')
  const most = settings.compute.maxLocalBlockDevices
  if (most >= 0 && devices.filter(({ destination_type }) => destination_type === 'local').length > most)
    throw new Fault('invalidBlockDevice', 'You specified more local devices than the limit allows')
}

/** A blank local disk without a size has the flavor's. nova/compute/api.py API._volume_size */
export function sized<D extends Device>(device: D, { swap, ephemeralGb }: DeviceDemand['flavor']): D {
  if (device.volume_size !== null || device.source_type !== 'blank' || device.destination_type !== 'local') return device
  return { ...device, volume_size: device.guest_format === 'swap' ? swap : ephemeralGb }
}
