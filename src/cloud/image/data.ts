/** The bytes of an image: upload, download, and the two steps of an import (glance/api/v2/image_data.py). */
import { header, type Request } from '../../app/contract.ts'
import { type AuthenticatedCall, type Clock, type Ids, type Routes, reply } from '../service.ts'
import type { Blobs, Received } from './blobs.ts'
import { badRequest, refuse, refuseWithDetail } from './faults.ts'
import { inspect } from './formats.ts'
import { importMethods } from './images.ts'
import type { Content, Image, Status, Store } from './model.ts'
import { assertMay, assertMayDownload, findImage } from './rules.ts'

interface DataSetting {
  readonly store: Store
  readonly clock: Clock
  readonly ids: Ids
  readonly blobs: Blobs
}

export function dataRoutes(setting: DataSetting): Routes {
  const { store, blobs, clock, ids } = setting
  const found = ({ caller, params }: AuthenticatedCall) => findImage(store, caller, params.image_id!)

  return {
    'PUT /v2/images/:image_id/file': async (call) => {
      assertOctets(call.request)
      const image = found(call)
      assertMay(call.caller, 'upload_image', image)
      const content = await arrive(setting, image, call.request, 'saving', 'image')
      settle(setting, image.id, 'saving', { status: 'active', content })
    },
    'PUT /v2/images/:image_id/stage': async (call) => {
      assertOctets(call.request)
      const image = found(call)
      assertMay(call.caller, 'modify_image', image)
      const staged = await arrive(setting, image, call.request, 'uploading', 'staged')
      settle(setting, image.id, 'uploading', { staged })
    },
    'POST /v2/images/:image_id/import': async (call) => {
      assertImportable(call.body)
      const image = found(call)
      if (image.status === 'active') throw refuse(409, 'Image with status active cannot be target for import')
      if (image.status !== 'uploading' || !image.staged)
        throw refuse(409, "Image needs to be staged before 'glance-direct' method can be used")
      for (const format of ['container_format', 'disk_format'] as const)
        if (image[format] === null) throw refuse(409, `'${format}' needs to be set before import`)
      assertMay(call.caller, 'modify_image', image)
      const began = clock.now()
      await blobs.promote(image.id)
      settle(setting, image.id, 'uploading', { status: 'active', content: image.staged, staged: null })
      const { projectId: owner, userId: user } = call.caller
      const { size } = image.staged
      const done = { id: ids.uuid(), image_id: image.id, owner, user, request: call.body, size, began, ended: clock.now() }
      store.write(() => store.tasks.put(done))
      return reply(202)
    },
    'GET /v2/images/:image_id/file': (call) => {
      const image = found(call)
      assertMayDownload(call.caller, image)
      if (!image.content) return reply(204)
      return download(blobs, call.request, image.id, image.content)
    },
  }
}

function assertOctets(request: Request): void {
  const type = header(request, 'content-type') ?? ''
  if (type.split(';')[0]!.trim() !== 'application/octet-stream') throw refuseWithDetail(415, `Invalid content type ${type}`)
}

/**
 * Takes the bytes of a queued image in and puts them in their place. When anything goes wrong (the client goes away, the disk is full, the
 * bytes are not what the image claims to be) the image is queued again.
 */
async function arrive(
  setting: DataSetting,
  image: Image,
  request: Request,
  meanwhile: Status,
  place: 'image' | 'staged',
): Promise<Content> {
  const { store, blobs, clock } = setting
  if (image.status !== 'queued') throw refuse(409, `Image status transition from ${image.status} to ${meanwhile} is not allowed`)
  const missing = (['disk_format', 'container_format'] as const).filter((format) => image[format] === null)
  if (missing.length > 0 && place === 'image')
    throw badRequest(`${missing.length > 1 ? 'Properties' : 'Property'} ${missing.join(', ')} must be set prior to saving data.`)
  store.write(() => store.images.put({ ...image, status: meanwhile, updated: clock.now() }))
  try {
    const received = await blobs.receive(image.id, request.chunks?.() ?? whole(request))
    const content = contentOf(image, received, request)
    if (store.images.get(image.id)) await blobs.keep(image.id, place)
    return content
  } catch (error) {
    const now = store.images.get(image.id)
    if (now?.status === meanwhile) store.write(() => store.images.put({ ...now, status: 'queued', updated: clock.now() }))
    throw told(error)
  } finally {
    await blobs.discard(image.id)
  }
}

async function* whole(request: Request): AsyncIterable<Uint8Array> {
  yield await request.body()
}

/** What went wrong, where it is no fault of ours. */
function told(error: unknown): unknown {
  const { code } = error as { code?: string }
  if (code === 'ENOSPC') return refuse(413, 'Image storage media is full: There is not enough disk space on the image storage media.')
  if (code === 'ECONNRESET') return badRequest('The client went away before all of the image was sent.')
  return error
}

function contentOf(image: Image, { size, checksum, sha512, head }: Received, request: Request): Content {
  const declared = header(request, 'x-openstack-image-size')
  if (declared !== undefined && Number(declared) !== size) throw badRequest(`The image has ${size} bytes and not ${declared}.`)
  const virtual_size = image.container_format === 'bare' && image.disk_format !== null ? inspected(image.disk_format, head, size) : null
  return { size, virtual_size, checksum, os_hash_value: sha512 }
}

function inspected(format: string, head: Buffer, size: number): number | null {
  const seen = inspect(format, head, size)
  if ('instead' in seen) throw refuseWithDetail(415, `Image disk_format ${format} does not match stream data ${seen.instead}`)
  return seen.virtualSize
}

/** Writes down what became of the image, unless it was deleted meanwhile. */
function settle({ store, clock, blobs }: DataSetting, id: string, expected: Status, change: Partial<Image>): void {
  const now = store.images.get(id)
  if (now?.status !== expected) {
    void blobs.remove(id)
    throw now ? refuse(409, `Image ${id} was changed during the upload.`) : gone(id)
  }
  store.write(() => store.images.put({ ...now, ...change, updated: clock.now() }))
}

const gone = (id: string) =>
  refuse(
    410,
    `Image ${id} could not be found after upload. The image may have been deleted during the upload, cleaning up the chunks uploaded.`,
  )

function assertImportable(body: unknown): void {
  if (body === undefined) throw badRequest('Body expected in request.')
  const { method } = (body ?? {}) as { method?: { name?: unknown } }
  if (!method) throw badRequest("Import request requires a 'method' field.")
  if (method.name === undefined) throw badRequest("Import request requires a 'name' field.")
  if (!importMethods.includes(String(method.name))) throw badRequest(`Unknown import method name '${String(method.name)}'.`)
}

function download(blobs: Blobs, request: Request, id: string, { size, checksum }: Content) {
  const range = rangeOf(header(request, 'range'), size)
  const [from, to] = range ?? [0, size - 1]
  const headers: [string, string][] = [
    ['Content-Type', 'application/octet-stream'],
    ['Content-MD5', checksum],
    ['Content-Length', String(to - from + 1)],
  ]
  if (!range) return reply(200, blobs.read(id, from, to), headers)
  return reply(206, blobs.read(id, from, to), [...headers, ['Content-Range', `bytes ${from}-${to}/${size}`]])
}

/** The first and last byte that are asked for, or null for all of them. 416 for what is none of them. */
function rangeOf(range: string | undefined, size: number): [from: number, to: number] | null {
  if (range === undefined) return null
  const [, first = '', last = ''] = /^bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(range) ?? []
  if (first === '' && last === '') throw refuseWithDetail(416, 'Invalid Range header.')
  if (first === '') return [Math.max(0, size - Number(last)), size - 1]
  if (last !== '' && Number(last) < Number(first)) throw refuseWithDetail(416, 'Invalid Range header.')
  if (Number(first) >= size)
    throw refuseWithDetail(416, `Invalid start position in Range header. Start position MUST be in the inclusive range [0, ${size - 1}].`)
  return [Number(first), last === '' ? size - 1 : Math.min(Number(last), size - 1)]
}
