/** Images as Nova sees them: a few attributes and the properties it knows; made from Glance's image, or from what a server remembers of it. */
import { InvalidField } from '../../oslo/objects/errors.ts'
import { flexibleBoolean, integer, listOf, text, uuid } from '../../oslo/objects/fields.ts'
import { defineObject, type ObjectValue, object } from '../../oslo/objects/object.ts'
import { str } from '../../oslo/python.ts'
import { timestamps } from './common.ts'
import { ImageMetaProps, imageProperties } from './image-meta-props.ts'

export const ImageMeta = defineObject('ImageMeta', '1.8', {
  id: uuid,
  name: text,
  status: text,
  visibility: text,
  protected: flexibleBoolean,
  checksum: text,
  owner: text,
  size: integer,
  virtual_size: integer,
  container_format: text,
  disk_format: text,
  ...timestamps,
  tags: listOf(text),
  direct_url: text,
  min_ram: integer,
  min_disk: integer,
  properties: object(ImageMetaProps),
})
export type ImageMeta = ObjectValue<typeof ImageMeta>

/** An image in the form that Nova works with: what is no attribute of Glance's own stands under `properties`. */
export interface Image {
  readonly [attribute: string]: unknown
  readonly properties?: Readonly<Record<string, unknown>>
}

// nova/image/glance.py _extract_attributes_v2: what Glance's schema calls base properties, less those that Nova leaves out
const glanceAttributes = [
  'id',
  'name',
  'status',
  'os_hidden',
  'checksum',
  'os_hash_algo',
  'os_hash_value',
  'owner',
  'size',
  'container_format',
  'disk_format',
  'created_at',
  'updated_at',
  'min_ram',
  'min_disk',
  'stores',
]
const leftOut = ['visibility', 'self', 'schema', 'protected', 'virtual_size', 'file', 'tags', 'direct_url', 'locations']

/** Sorts what GET /v2/images/{id} answers into attributes and properties. nova/image/glance.py _translate_from_glance */
export function imageFromGlance(answer: Readonly<Record<string, unknown>>): Image {
  const image: Record<string, unknown> = { disk_format: null, container_format: null, name: null, checksum: null }
  const properties: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(answer)) {
    if (leftOut.includes(name)) continue
    if (!glanceAttributes.includes(name)) properties[name] = value
    else image[name] = name === 'size' ? (value ?? 0) : value
  }
  // these two are JSON text in Glance
  for (const name of ['block_device_mapping', 'mappings'])
    if (typeof properties[name] === 'string') properties[name] = parse(name, properties[name])
  return { ...image, properties }
}

function parse(name: string, json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    throw new InvalidField(`image.${name}`, 'is not JSON')
  }
}

const emptyWhenNull: Readonly<Record<string, unknown>> = {
  name: '',
  checksum: '',
  owner: '',
  container_format: '',
  disk_format: '',
  size: 0,
  virtual_size: 0,
}

/** nova/objects/image_meta.py ImageMeta.from_dict. Properties that Nova does not know are dropped. Throws an `InvalidField` for wrong values of those it does. */
export function imageMetaFrom(image: Image): ImageMeta {
  const values: Record<string, unknown> = {}
  for (const [name, { read }] of Object.entries(ImageMeta.fields)) {
    const value = image[name]
    if (name === 'properties' || value === undefined) continue
    values[name] = read(value === null && name in emptyWhenNull ? emptyWhenNull[name] : value, `ImageMeta.${name}`)
  }
  return ImageMeta.make({ ...values, properties: imageProperties(image.properties ?? {}) })
}

type SystemMetadata = Readonly<Record<string, string | null>>

const prefix = 'image_'
const inherited = ['min_ram', 'min_disk', 'disk_format', 'container_format']
// nova/utils.py SM_SKIP_KEYS: too large for that table
const tooLarge = ['mappings', 'block_device_mapping', 'img_mappings', 'img_block_device_mapping']

/** The image that a server was made from, as its system metadata tells. nova/utils.py get_image_from_system_metadata */
export function imageFromSystemMetadata(metadata: SystemMetadata): Image {
  const image: Record<string, unknown> = {}
  const properties: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(metadata)) {
    // also keys without the prefix count, as in Nova
    const name = key.startsWith(prefix) ? key.slice(prefix.length) : key
    if (value === null || tooLarge.includes(name)) continue
    const place = inherited.includes(name) ? image : properties
    place[name] = value
  }
  return { ...image, properties }
}

/** nova/objects/image_meta.py ImageMeta.from_instance */
export function imageMetaOfInstance(instance: { system_metadata: SystemMetadata; image_ref: string | null }): ImageMeta {
  const image = imageFromSystemMetadata(instance.system_metadata)
  return imageMetaFrom(instance.image_ref ? { ...image, id: instance.image_ref } : image)
}

/**
 * What a new server remembers of its image, as `image_*` keys. With the size of the flavor's disk in GB, the smallest disk is at least that.
 * nova/utils.py get_system_metadata_from_image
 */
export function systemMetadataFromImage(image: Image, rootGb?: number): Record<string, string> {
  const metadata: Record<string, string> = {}
  for (const [name, value] of Object.entries(image.properties ?? {}))
    if (!tooLarge.includes(name)) metadata[prefix + name] = truncate(str(value))
  for (const name of inherited) {
    const value = name === 'min_disk' && rootGb !== undefined ? smallestDisk(image, rootGb) : image[name]
    if (value !== null && value !== undefined) metadata[prefix + name] = String(value)
  }
  return metadata
}

const smallestDisk = (image: Image, rootGb: number): number =>
  image.disk_format === 'vhd' ? rootGb : Math.max(Number(image.min_disk ?? 0), rootGb)

/** To 255 bytes, without half a character. */
function truncate(text: string): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= 255) return text
  let end = 255
  while ((bytes[end]! & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}
