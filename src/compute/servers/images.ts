/** Images of Glance that servers are made of and that are made of servers. */
import type { RequestContext } from '../../oslo/context.ts'
import { PeerError } from '../../oslo/keystoneauth/errors.ts'
import { dumps } from '../../oslo/python-json.ts'
import { glanceText } from '../../peers/glance.ts'
import { type Image, imageFromGlance, imageFromSystemMetadata } from '../../stores/objects/image-meta.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import type { Details } from './details.ts'

/** In the form that Nova works with. Throws `imageNotFound`, `imageNotAuthorized` or `imageBadRequest`. */
export async function findImage({ peers }: Backends, context: RequestContext, id: string): Promise<Image> {
  try {
    const found = await peers.glance.as(context).show(id)
    if (found) return imageFromGlance(found)
  } catch (error) {
    throw imageFault(error, id)
  }
  throw new Fault('imageNotFound', id)
}

function imageFault(error: unknown, id: string): unknown {
  if (!(error instanceof PeerError)) return error
  if (error.status === 401 || error.status === 403) return new Fault('imageNotAuthorized', id)
  return error.status === 400 ? new Fault('imageBadRequest', id, glanceText(error)) : error
}

/** What a snapshot shall be called, and properties that the caller gives it. */
export interface Snapshot {
  readonly name: string
  readonly properties: Readonly<Record<string, string>>
}

/** An image record that is to be: attributes, and properties that Glance keeps among them. */
export type NewImage = Readonly<Record<string, unknown>> & { readonly properties: Readonly<Record<string, unknown>> }

/** Never taken over. nova/compute/utils.py NON_INHERITABLE_IMAGE_PROPERTIES */
const ownOfAnImage = [
  'cinder_encryption_key_id',
  'cinder_encryption_key_deletion_policy',
  'img_signature',
  'img_signature_hash_method',
  'img_signature_key_type',
  'img_signature_certificate_uuid',
]

/** What an image of the server inherits. nova/compute/utils.py initialize_instance_snapshot_metadata */
export async function snapshotMetadata(
  { settings }: Backends,
  context: RequestContext,
  details: Details,
  { name, properties: given }: Snapshot,
): Promise<NewImage> {
  const { properties = {}, ...attributes } = imageFromSystemMetadata(await details.get('systemMetadata'))
  const dropped = new Set([...settings.compute.nonInheritableImageProperties, ...ownOfAnImage])
  const inherited = Object.entries(properties).filter(([key]) => !dropped.has(key) && !key.startsWith('os_glance'))
  const { projectId } = details.server
  // Made for somebody else, it must be shared with them
  const foreign = context.projectId !== projectId
  return {
    ...attributes,
    name,
    visibility: foreign ? 'shared' : 'private',
    properties: { ...Object.fromEntries(inherited), ...given, ...(foreign && { instance_owner: projectId }) },
  }
}

/** The record of an image whose data a compute will send; its id. nova/compute/utils.py create_image */
export async function reserveImage(
  backends: Backends,
  context: RequestContext,
  details: Details,
  type: 'snapshot' | 'backup',
  { name, properties }: Snapshot,
): Promise<string> {
  const { uuid } = details.server
  const metadata = await snapshotMetadata(backends, context, details, {
    name,
    properties: { instance_uuid: uuid, user_id: String(context.userId), image_type: type, ...properties },
  })
  const { disk_format, container_format, ...withoutFormats } = metadata
  // A snapshot may be of another format; the compute says which
  return createImage(backends, context, type === 'snapshot' ? (withoutFormats as NewImage) : metadata)
}

/** The id of a new image. Without data it stays `queued`, unless `empty`: then it is active at once. Throws `forbidden` and `badRequest`. */
export async function createImage({ peers }: Backends, context: RequestContext, image: NewImage, { empty = false } = {}): Promise<string> {
  const glance = peers.glance.as(context)
  const { instance_owner: owner, ...properties } = image.properties
  try {
    const body = glanceForm({ ...image, properties })
    // nova/image/glance.py GlanceImageServiceV2._create_v2: no bytes can claim to be anything else
    const formats = empty ? { disk_format: 'raw', container_format: 'bare' } : {}
    const { id } = await glance.create({ ...formats, ...body })
    if (owner) await glance.addMember(id, String(owner))
    if (empty) await glance.upload(id, new Uint8Array())
    return id
  } catch (error) {
    throw newImageFault(error)
  }
}

function newImageFault(error: unknown): unknown {
  if (!(error instanceof PeerError)) return error
  if (error.status === 401 || error.status === 403) return new Fault('forbidden', glanceText(error))
  return error.status === 400 ? new Fault('badRequest', glanceText(error)) : error
}

/** Whether it is gone; a failure is only told to the log. */
export async function removeImage({ peers, log }: Backends, context: RequestContext, id: string): Promise<void> {
  try {
    await peers.glance.as(context).remove(id)
  } catch (error) {
    if (!(error instanceof PeerError)) throw error
    log.warning(`The image ${id} could not be deleted: ${error.message}`, { context })
  }
}

/** nova/image/glance.py _translate_to_glance: Glance keeps texts alone, which clients are shown. */
function glanceForm(image: NewImage): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(image.properties))
    if (!((name === 'kernel_id' || name === 'ramdisk_id') && /^(none)?$/i.test(String(value ?? 'x').trim()))) out[name] = textOf(value)
  for (const [name, value] of Object.entries(image)) {
    if (name === 'properties' || name === 'size') continue
    out[name] = name === 'min_ram' || name === 'min_disk' ? Number(value) : value
  }
  return out
}

function textOf(value: unknown): string | null {
  if (value === null || typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return typeof value === 'object' ? dumps(value) : String(value)
}
