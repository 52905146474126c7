/** /v2/images: what is said of images, but not their bytes (glance/api/v2/images.py). */
import { type AuthenticatedCall, type Clock, type Ids, type Routes, reply } from '../service.ts'
import { badRequest, refuse, refuseWithDetail } from './faults.ts'
import { listImages } from './listing.ts'
import { type Image, imageView, type Store, type Visibility } from './model.ts'
import { type Change, changesOf, isReserved, readOnly } from './patch.ts'
import { assertMay, assertMayAdd, assertMayShow, findImage } from './rules.ts'
import { checkImage, isBase } from './schemas.ts'

export interface Setting {
  readonly store: Store
  readonly clock: Clock
  readonly ids: Ids
  readonly blobs: { remove(id: string): Promise<void> }
}

/** What clients may import by; the header of a new image says so too. */
export const importMethods = ['glance-direct']

export function imageRoutes({ store, clock, ids, blobs }: Setting): Routes {
  const touched = (image: Image): Image => ({ ...image, updated: clock.now() })
  const found = ({ caller, params }: AuthenticatedCall) => findImage(store, caller, params.image_id!)
  const save = (image: Image) => store.write(() => store.images.put(touched(image)))

  return {
    'GET /v2/images': (call) => listImages(store, call),
    'POST /v2/images': (call) => {
      const image = newImage(call, ids.uuid(), clock.now())
      if (store.images.get(image.id)) throw refuse(409, `Image ID ${image.id} already exists!`)
      store.write(() => store.images.put(image))
      return reply(201, imageView(image), [
        ['Location', `${call.baseUrl}/v2/images/${image.id}`],
        ['OpenStack-image-import-methods', importMethods.join(',')],
      ])
    },
    'GET /v2/images/:image_id': (call) => imageView(found(call)),
    'PATCH /v2/images/:image_id': (call) => {
      const changes = changesOf(call.request, call.body)
      const before = found(call)
      const after = changes.reduce((image, change) => changed(call, image, change), before)
      return imageView(changes.length > 0 ? save(after) : before)
    },
    'DELETE /v2/images/:image_id': async (call) => {
      const image = deletable(store, call)
      store.write(() => {
        store.images.remove(image.id)
        for (const rows of [store.members, store.tasks])
          for (const { id } of rows.filter(({ image_id }) => image_id === image.id)) rows.remove(id)
      })
      await blobs.remove(image.id)
    },
    'PUT /v2/images/:image_id/tags/:tag': (call) => {
      const image = tagged(store, call)
      checkImage({ tags: [call.params.tag!] })
      save({ ...image, tags: [...new Set([...image.tags, call.params.tag!])] })
    },
    'DELETE /v2/images/:image_id/tags/:tag': (call) => {
      const image = tagged(store, call)
      if (!image.tags.includes(call.params.tag!)) throw refuse(404, 'The resource could not be found.')
      save({ ...image, tags: image.tags.filter((tag) => tag !== call.params.tag) })
    },
    'POST /v2/images/:image_id/actions/deactivate': (call) => {
      const image = found(call)
      assertMay(call.caller, 'deactivate', image)
      if (image.status !== 'active' && image.status !== 'deactivated')
        throw refuse(403, `Not allowed to deactivate image in status '${image.status}'`)
      save({ ...image, status: 'deactivated' })
    },
    'POST /v2/images/:image_id/actions/reactivate': (call) => {
      const image = found(call)
      assertMay(call.caller, 'reactivate', image)
      if (image.status !== 'active' && image.status !== 'deactivated')
        throw refuse(403, `Not allowed to reactivate image in status '${image.status}'`)
      save({ ...image, status: 'active' })
    },
  }
}

function newImage({ caller, body }: AuthenticatedCall, id: string, now: number): Image {
  if (body === undefined) throw badRequest('Body expected in request.')
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw badRequest('Request body must be a JSON object.')
  const given = body as Record<string, unknown>
  for (const name of ['direct_url', 'self', 'file', 'schema', 'stores'])
    if (name in given) throw refuse(403, `Attribute '${name}' is read-only.`)
  checkImage(given)
  for (const name of readOnly) if (name !== 'id' && name in given) throw refuse(403, `Attribute '${name}' is read-only.`)
  if ('locations' in given) throw refuse(403, "Attribute 'locations' is reserved.")
  const properties = Object.fromEntries(Object.entries(given).filter(([name]) => !isBase(name))) as Record<string, string>
  for (const name of Object.keys(properties)) {
    if (name.length > 255) throw badRequest('Custom property should not be greater than 255 characters.')
    if (isReserved(name)) throw refuseWithDetail(403, `Attribute '${name}' is reserved.`)
  }
  const values = given as Partial<Image>
  const owner = values.owner === undefined ? caller.projectId : values.owner
  const visibility: Visibility = values.visibility ?? 'shared'
  assertMayAdd(caller, owner)
  assertMayShow(caller, visibility, owner)
  return {
    id: values.id ?? id,
    name: values.name ?? null,
    status: 'queued',
    visibility,
    owner,
    disk_format: values.disk_format ?? null,
    container_format: values.container_format ?? null,
    min_disk: notNegative('min_disk', values.min_disk ?? 0),
    min_ram: notNegative('min_ram', values.min_ram ?? 0),
    protected: values.protected ?? false,
    os_hidden: values.os_hidden ?? false,
    tags: [...new Set(values.tags ?? [])],
    properties,
    content: null,
    staged: null,
    created: now,
    updated: now,
  }
}

function notNegative(name: string, value: number): number {
  if (value < 0) throw badRequest(`Invalid value '${value}' for parameter '${name}': Cannot be a negative value`)
  return value
}

/** What an image has by itself and may be changed; any other name is a property. */
const settable = ['name', 'visibility', 'protected', 'os_hidden', 'owner', 'container_format', 'disk_format', 'tags', 'min_ram', 'min_disk']

/** The image after one change, which the caller must be allowed to make. */
function changed({ caller }: AuthenticatedCall, image: Image, { op, name, value, strict }: Change): Image {
  if (name === 'locations' && op === 'replace' && Array.isArray(value) && value.length === 0)
    throw refuseWithDetail(403, 'Cannot set locations to empty list.')
  if (name === 'locations') throw refuse(403, "It's not allowed to update locations if locations are invisible.")
  if (name === 'visibility') assertMayShow(caller, value as Visibility, image.owner)
  assertMay(caller, 'modify_image', image)
  if (name === 'owner' && !caller.isAdmin) throw refuseWithDetail(403, "Owner can't be updated by non admin.")
  const own = settable.includes(name)
  const present = own || Object.hasOwn(image.properties, name)
  if (op === 'remove' && own) throw refuseWithDetail(403, `Property ${name} may not be removed.`)
  if (op !== 'add' && !present) throw refuseWithDetail(409, `Property ${name} does not exist.`)
  if (op === 'add' && strict && present) throw refuseWithDetail(409, `Property ${name} already present.`)
  if (own) return withBase(image, name, value)
  const { [name]: _, ...others } = image.properties
  return { ...image, properties: op === 'remove' ? others : { ...image.properties, [name]: value as string } }
}

function withBase(image: Image, name: string, value: unknown): Image {
  if ((name === 'disk_format' || name === 'container_format') && image.status !== 'queued')
    throw refuse(403, `Attribute ${name} can be only replaced for a queued image.`)
  if (name === 'min_disk' || name === 'min_ram') notNegative(name, value as number)
  return { ...image, [name]: name === 'tags' ? [...new Set(value as string[])] : value }
}

/** The image to delete; what is not for the caller to see is told of in the words of a deletion. */
function deletable(store: Store, { caller, params }: AuthenticatedCall): Image {
  const id = params.image_id!
  const image = lookedUp(store, caller, id, `Failed to find image ${id} to delete`)
  assertMay(caller, 'delete_image', image)
  if (image.protected) throw refuse(403, `Image ${id} is protected and cannot be deleted.`)
  return image
}

function tagged(store: Store, { caller, params }: AuthenticatedCall): Image {
  const image = lookedUp(store, caller, params.image_id!, `Image ${params.image_id} not found.`)
  assertMay(caller, 'modify_image', image)
  return image
}

/** As `findImage`, with other words for what is not found. */
export function lookedUp(store: Store, caller: AuthenticatedCall['caller'], id: string, message: string): Image {
  try {
    return findImage(store, caller, id)
  } catch {
    throw refuse(404, message)
  }
}
