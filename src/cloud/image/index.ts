/** The embedded image service: Glance's v2 API over a shelf and a folder. */
import { type Application, header, type Request } from '../../app/contract.ts'
import {
  type Authenticate,
  addressFor,
  type Call,
  type Clock,
  clientUrl,
  type Ids,
  type OpenRoutes,
  type Routes,
  reply,
  service,
} from '../service.ts'
import type { Shelf } from '../shelf.ts'
import { type Blobs, openBlobs } from './blobs.ts'
import { cirros } from './cirros.ts'
import { dataRoutes } from './data.ts'
import { badRequest, fault, notBuilt, refuse } from './faults.ts'
import { imageRoutes, importMethods } from './images.ts'
import { memberRoutes } from './members.ts'
import { type Image, openStore, type Store } from './model.ts'
import { schemas } from './schemas.ts'
import { taskRoutes } from './tasks.ts'

export interface ImageService {
  readonly application: Application
  /** Adds the public image `cirros`, once: when it is deleted it does not come back. */
  readonly seed: (owner: string | null) => Promise<void>
}

export interface ImageSpec {
  readonly shelf: Shelf
  /** Where the bytes are kept. Only this service may use it. */
  readonly folder: string
  readonly authenticate: Authenticate
  readonly clock: Clock
  readonly ids: Ids
  /** Told of errors nobody foresaw. */
  readonly report: (error: unknown, request: Request) => void
  /** Where to log in, for who comes without a token: an address as of `addressFor`. */
  readonly identity?: string
}

/** Opens the service. What a process that died was in the middle of is queued again. */
export function image({
  shelf,
  folder,
  authenticate,
  clock,
  ids,
  report,
  identity = '{scheme}://{hostname}:5000/v3',
}: ImageSpec): ImageService {
  const store = openStore(shelf)
  resume(store)
  const blobs = openBlobs(folder, (id, place) => (place === 'image' ? store.images.get(id)?.content : store.images.get(id)?.staged) != null)
  const setting = { store, clock, ids, blobs }
  const application = service({
    open: versionRoutes,
    routes: { ...imageRoutes(setting), ...dataRoutes(setting), ...memberRoutes(setting), ...taskRoutes(setting), ...infoRoutes },
    authenticate: async (token) => {
      const caller = await authenticate(token)
      // Glance's rules have the scope `project`: a role in a domain counts for nothing
      return caller?.domainId != null ? { ...caller, roles: [], isAdmin: false } : caller
    },
    fault: (error, request) => fault(error, request, `Keystone uri="${addressFor(identity, clientUrl(request))}"`),
    report,
    headers: () => [['x-openstack-request-id', `req-${ids.uuid()}`]],
    otherwise: notHere,
    readBody,
  })
  return { application, seed: (owner) => seed(store, blobs, clock, ids, owner) }
}

/** Uploads that were cut off begin again. */
function resume(store: Store): void {
  const cutOff = store.images.filter((one) => one.status === 'saving' || (one.status === 'uploading' && !one.staged))
  if (cutOff.length === 0) return
  store.write(() => {
    for (const one of cutOff) store.images.put({ ...one, status: 'queued' })
  })
}

const numbers = [15, 13, 12, 11, 10, 9, 8, 17, 7, 6, 5, 4, 3, 2, 1, 0]
const versions = (call: Call) => ({
  versions: numbers.map((minor) => ({
    id: `v2.${minor}`,
    status: minor === Math.max(...numbers) ? 'CURRENT' : 'SUPPORTED',
    links: [{ rel: 'self', href: `${call.baseUrl}/v2/` }],
  })),
})

const versionRoutes: OpenRoutes = {
  'GET /': (call) => reply(300, versions(call)),
  'GET /versions': (call) => versions(call),
}

const infoRoutes: Routes = {
  ...Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [`GET /v2/schemas/${name}`, () => schema])),
  'GET /v2/info/import': () => ({
    'import-methods': { description: 'Import methods available.', type: 'array', value: importMethods },
  }),
  'GET /v2/info/stores': () => ({ stores: [{ id: 'file', default: 'true' }] }),
  'GET /v2/info/usage': () => ({ usage: {} }),
}

/** Parts of Glance's API that are not built, by where they stand. */
const elsewhere: readonly [RegExp, string][] = [
  [/^\/v2\/(schemas\/)?metadefs\b/, 'metadata definitions'],
  [/^\/v2\/(schemas\/)?tasks?\b/, 'tasks'],
  [/^\/v2\/(cache|cached_images|queued_images)\b/, 'cache'],
  [/^\/v2\/(images\/[^/]+\/locations|info\/stores\/detail|stores)\b/, 'locations or details of stores'],
]

function notHere(call: Call): unknown {
  const { path } = call.request
  const found = elsewhere.find(([pattern]) => pattern.test(path))
  if (found) throw notBuilt(found[1])
  if (/^\/v2(\/|$)/.test(path)) throw refuse(404, 'The resource could not be found.')
  return reply(300, versions(call))
}

/** JSON, whatever the media type says, but not the bytes of an image (glance/common/wsgi.py JSONRequestDeserializer). */
async function readBody(request: Request): Promise<unknown> {
  if (request.method === 'GET' || request.method === 'HEAD' || /\/(file|stage)\/?$/.test(request.path)) return undefined
  if (header(request, 'content-length') === '0') return undefined
  const bytes = await request.body()
  if (bytes.length === 0) return undefined
  try {
    return JSON.parse(Buffer.from(bytes).toString())
  } catch {
    throw badRequest('Malformed JSON in request body.')
  }
}

async function seed(store: Store, blobs: Blobs, clock: Clock, ids: Ids, owner: string | null): Promise<void> {
  if (store.seeded.get('cirros')) return
  const id = ids.uuid()
  const bytes = cirros()
  const { size, checksum, sha512 } = await blobs.receive(id, chunksOf(bytes))
  await blobs.keep(id, 'image')
  const now = clock.now()
  const made: Image = {
    id,
    name: 'cirros',
    status: 'active',
    visibility: 'public',
    owner,
    disk_format: 'raw',
    container_format: 'bare',
    min_disk: 0,
    min_ram: 0,
    protected: false,
    os_hidden: false,
    tags: [],
    // As openstacksdk leaves them, with which DevStack uploads its images
    properties: {
      'owner_specified.openstack.md5': '',
      'owner_specified.openstack.object': 'images/cirros',
      'owner_specified.openstack.sha256': '',
    },
    content: { size, virtual_size: size, checksum, os_hash_value: sha512 },
    staged: null,
    created: now,
    updated: now,
  }
  store.write(() => {
    store.seeded.put({ id: 'cirros' })
    store.images.put(made)
  })
}

async function* chunksOf(bytes: Buffer): AsyncIterable<Uint8Array> {
  yield bytes
}
