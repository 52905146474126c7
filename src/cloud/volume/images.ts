/** The image service as the volume service needs it, in the name of whoever makes or uploads a volume. */
import type { Answer, Asked } from '../ask.ts'
import { isUuidLike } from '../uuid.ts'
import { badRequest, conflict, fault, notFound } from './faults.ts'

/** Asks a service: `ask` with an application of the same process, or `askAt` with an address. */
export type Ask = (route: string, asked: Asked) => Promise<Answer>

/** As Glance shows it. */
export interface Image {
  readonly id: string
  readonly name: string | null
  readonly status: string
  readonly size: number | null
  readonly virtual_size: number | null
  readonly min_disk: number
  readonly min_ram: number
  readonly checksum: string | null
  readonly disk_format: string | null
  readonly container_format: string | null
  readonly visibility: string
  readonly protected: boolean
  readonly [property: string]: unknown
}

export interface Images {
  /** 404 when there is none that the owner of the token sees. */
  show(token: string, id: string): Promise<Image>
  /** An image by its id or, as Cinder allows, its name; 400 when there is none, 409 when there are several. */
  find(token: string, reference: string): Promise<Image>
  /** A new image without bytes. */
  create(token: string, values: Readonly<Record<string, unknown>>): Promise<Image>
  upload(token: string, id: string, bytes: Uint8Array): Promise<void>
}

export function glance(ask: Ask): Images {
  const show = async (token: string, id: string): Promise<Image | undefined> => {
    const answer = await ask(`GET /v2/images/${encodeURIComponent(id)}`, { token })
    if (answer.status === 200) return answer.body as Image
    if (answer.status < 500) return undefined
    throw fault(500, 'The image service does not answer.')
  }
  return {
    async show(token, id) {
      const image = await show(token, id)
      if (!image) throw notFound(`Image ${id} could not be found.`)
      return image
    },
    async find(token, reference) {
      const id = reference.split('/').at(-1)!
      const image = isUuidLike(id) ? await show(token, id) : undefined
      if (image) return image
      const { body } = await ask(`GET /v2/images?name=${encodeURIComponent(reference)}`, { token })
      const named = (body?.images ?? []) as Image[]
      if (named.length > 1) throw conflict(`Multiple matches found for '${reference}', use an ID to be more specific.`)
      if (named.length === 0) throw badRequest('Invalid image identifier or unable to access requested image.')
      return named[0]!
    },
    async create(token, values) {
      const answer = await ask('POST /v2/images', { token, body: values })
      if (answer.status !== 201) throw badRequest(said(answer))
      return answer.body as Image
    },
    async upload(token, id, bytes) {
      const headers = { 'content-type': 'application/octet-stream' }
      const answer = await ask(`PUT /v2/images/${id}/file`, { token, body: bytes, headers })
      if (answer.status > 299) throw new Error(`the image ${id} takes no bytes: ${answer.status}`)
    },
  }
}

const said = ({ status, body }: Answer): string =>
  typeof body === 'string'
    ? body
        .replace(/<[^>]*>/g, ' ')
        .replace(/\s+/g, ' ')
        .trim()
    : (body?.message ?? `HTTP ${status}`)

/** Attributes that are no properties, and those that a volume does not remember. */
const notRemembered = new Set(
  [
    'id name status size min_disk min_ram checksum disk_format container_format visibility protected owner os_hidden tags created_at',
    'updated_at virtual_size os_hash_algo os_hash_value self file schema stores locations direct_url',
  ]
    .join(' ')
    .split(' '),
)

/** What a volume remembers of the image that it is made from, all of it texts (cinder/volume/volume_utils.py get_volume_image_metadata). */
export function imageMetadata(image: Image): Record<string, string> {
  const properties = Object.entries(image).filter(([key, value]) => !notRemembered.has(key) && value !== null)
  const base = ['container_format', 'disk_format', 'min_disk', 'min_ram', 'size'] as const
  return {
    ...Object.fromEntries(properties.map(([key, value]) => [key, String(value)])),
    image_id: image.id,
    ...(image.name !== null && { image_name: image.name }),
    ...(image.checksum !== null && { checksum: image.checksum }),
    ...Object.fromEntries(base.flatMap((key) => (image[key] === null ? [] : [[key, String(image[key])]]))),
  }
}
