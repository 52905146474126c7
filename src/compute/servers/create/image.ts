/** The image that new servers boot from: Glance's, or what Cinder remembers of the one that a volume was made from. */
import type { RequestContext } from '../../../oslo/context.ts'
import { PeerError } from '../../../oslo/keystoneauth/errors.ts'
import { InvalidField } from '../../../oslo/objects/errors.ts'
import { type CinderVolume, cinderText } from '../../../peers/cinder.ts'
import { type GlanceImage, glanceText } from '../../../peers/glance.ts'
import { type Image, type ImageMeta, imageFromGlance, imageMetaFrom } from '../../../stores/objects/image-meta.ts'
import type { Backends } from '../../backends.ts'
import { Fault } from '../../faults.ts'
import { unfit } from '../../hardware/wanted.ts'
import { rootOf } from './block-devices.ts'
import type { WantedDevices } from './wanted.ts'

export interface BootImage {
  /** Null when the servers boot from a volume, even one that is made from an image. */
  readonly id: string | null
  readonly image: Image
  /** The same as computes are told of it. */
  readonly wire: Readonly<Record<string, unknown>>
}

/** Throws `imageNotFound`, `imageNotAuthorized` or `imageBadRequest`. */
export async function bootImage(backends: Backends, context: RequestContext, id: string): Promise<BootImage> {
  return { id, ...fromGlance(await showImage(backends, context, id)) }
}

async function showImage({ peers }: Backends, context: RequestContext, id: string): Promise<GlanceImage> {
  const found = await peers.glance
    .as(context)
    .show(id)
    .catch((error: unknown) => {
      const status = error instanceof PeerError ? error.status : undefined
      if (status === 401 || status === 403) throw new Fault('imageNotAuthorized', id)
      if (status === 400) throw new Fault('imageBadRequest', id, glanceText(error as PeerError))
      throw error
    })
  if (!found) throw new Fault('imageNotFound', id)
  return found
}

function fromGlance(answer: GlanceImage): Omit<BootImage, 'id'> {
  const image = checked(() => imageFromGlance(answer))
  const { properties, ...attributes } = image
  const times = { created_at: wireTime(answer.created_at), updated_at: wireTime(answer.updated_at) }
  const wire = { properties, deleted: false, deleted_at: null, ...attributes, ...times, is_public: answer.visibility === 'public' }
  return { image, wire }
}

/** oslo_serialization.jsonutils: times without a zone, to the microsecond. */
const wireTime = (time: string): string => time.replace(/(\.\d+)?Z$/, (_, fraction = '') => (fraction || '.').padEnd(7, '0'))

const nothing: BootImage = { id: null, image: {}, wire: {} }

/** What is known of the image behind the device that the servers boot from. nova/block_device.py get_bdm_image_metadata */
export async function imageOfDevices(backends: Backends, context: RequestContext, devices: WantedDevices): Promise<BootImage> {
  const root = rootOf(devices)
  if (!root) return nothing
  const volumeId = root.snapshot_id ? await volumeOfSnapshot(backends, context, root.snapshot_id) : root.volume_id
  if (root.image_id) {
    const id = root.image_id
    return { id: null, ...fromGlance(await showImage(backends, context, id).catch(failed('image', id))) }
  }
  if (!volumeId) return nothing
  return imageOfVolume(await backends.peers.cinder.as(context).volume(volumeId).catch(failed('volume', volumeId)), volumeId)
}

/** Cinder does not say what a snapshot's image was, only what that of its volume is. */
async function volumeOfSnapshot({ peers }: Backends, context: RequestContext, id: string): Promise<string> {
  const snapshot = await peers.cinder.as(context).snapshot(id).catch(refusedByCinder)
  if (!snapshot) throw new Fault('snapshotNotFound', id)
  return snapshot.volume_id
}

/** Whatever the reason, Nova says no more than that it failed; only where the other side cannot be reached it is an error of ours. */
export const failed =
  (what: string, id: string) =>
  (error: unknown): never => {
    if (error instanceof PeerError && error.status === undefined && what !== 'image') throw error
    throw new Fault('invalidBlockDevice', `failed to get ${what} ${id}.`)
  }

/** What Cinder refuses is refused in its words (nova/volume/cinder.py translate_cinder_exception); anything else is an error of ours. */
export function refusedByCinder(error: unknown): never {
  if (error instanceof PeerError && error.status === 403) throw new Fault('forbidden', cinderText(error))
  if (error instanceof PeerError && error.status === 400) throw new Fault('badRequest', `Invalid input received: ${cinderText(error)}`)
  throw error
}

// nova/block_device.py VIM_IMAGE_ATTRIBUTES: attributes of an image that Cinder keeps among its properties
const attributes = ['image_id', 'image_name', 'size', 'checksum', 'container_format', 'disk_format', 'min_ram', 'min_disk']

function imageOfVolume(volume: CinderVolume | undefined, id: string): BootImage {
  if (!volume) throw new Fault('invalidBlockDevice', `failed to get volume ${id}.`)
  if (volume.bootable !== undefined && volume.bootable !== 'true') throw new Fault('volumeNotBootable', id)
  const kept = volume.volume_image_metadata ?? {}
  const properties = Object.fromEntries(Object.entries(kept).filter(([name]) => !attributes.includes(name)))
  const image = {
    properties,
    size: (volume.size ?? 0) * 1024 ** 3,
    min_ram: Number(kept.min_ram || 0),
    min_disk: Number(kept.min_disk || 0),
    status: 'active',
  }
  return { id: null, image, wire: image }
}

/** The image with its properties converted; throws for values that Nova does not understand. */
export const metaOf = (image: Image): ImageMeta => checked(() => imageMetaFrom(image))

function checked<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof InvalidField) throw unfit(`Invalid image metadata. Error: ${error.reason}`)
    throw error
  }
}

/** Kernel and ramdisk that the image names, each of which must be there. nova/compute/api.py API._handle_kernel_and_ramdisk */
export async function kernelOf(
  backends: Backends,
  context: RequestContext,
  { properties = {} }: Image,
): Promise<{ readonly kernelId: string; readonly ramdiskId: string }> {
  if (properties.kernel_id === 'nokernel') return { kernelId: '', ramdiskId: '' }
  const present = async (id: unknown) => (id === undefined || id === null ? '' : (await showImage(backends, context, String(id))).id)
  return { kernelId: await present(properties.kernel_id), ramdiskId: await present(properties.ramdisk_id) }
}
