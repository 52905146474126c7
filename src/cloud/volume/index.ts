/**
 * The volume service of the embedded cloud: Cinder's API, 3.0 to 3.71, over documents on a shelf. Volumes are made at once and attached by
 * addresses that lead nowhere, since nothing is stored in them. What is not built answers 501.
 *
 *     const { application, seed } = volume({ shelf, authenticate, clock, ids, report, images: glance(ask), compute: nova(ask, token) })
 *     seed()
 */
import { type Application, header, type Request } from '../../app/contract.ts'
import { controller } from '../places.ts'
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
import { adminActions } from './admin-actions.ts'
import { attachmentActions, attachments } from './attachments.ts'
import { ensureServices } from './backends.ts'
import type { Compute } from './compute.ts'
import { extendActions } from './extend.ts'
import { extensions } from './extensions.ts'
import { badRequest, fault, faultBody } from './faults.ts'
import { imageActions } from './image-actions.ts'
import type { Images } from './images.ts'
import { metadata } from './metadata.ts'
import { giveUpUnasked, migrateActions } from './migrate.ts'
import { type Actions, type Operations, routesOf, withoutProject } from './operation.ts'
import { qos } from './qos.ts'
import { quotaRoutes } from './quota-routes.ts'
import { type SeedType, seedTypes, usualTypes } from './seed.ts'
import { services } from './services.ts'
import { snapshotActions, snapshots } from './snapshots.ts'
import type { Cinder, VolumeSettings } from './state.ts'
import { openStore } from './store.ts'
import { transfers } from './transfers.ts'
import { typeActions, types } from './type-routes.ts'
import { otherwise } from './unbuilt.ts'
import { minorOf, newestMinor } from './version.ts'
import { volumeActions } from './volume-actions.ts'
import { volumes } from './volumes.ts'

export type { Compute, ComputeEvent } from './compute.ts'
export { nova } from './compute.ts'
export type { Ask, Image, Images } from './images.ts'
export { glance } from './images.ts'
export type { SeedType } from './seed.ts'

export interface VolumeParts {
  readonly shelf: Shelf
  readonly authenticate: Authenticate
  readonly clock: Clock
  readonly ids: Ids
  /** Told of errors nobody foresaw; those of work that no client waits for come without a request. */
  readonly report: (error: unknown, request?: Request) => void
  /** Where to log in, for who comes without a token: an address as of `addressFor`. */
  readonly identity?: string
  /** Images to make volumes from and to upload them to; without them both answer 501. */
  readonly images?: Images | undefined
  /** The servers that have volumes; without them nobody is told of a volume that grows, and none in use can be migrated. */
  readonly compute?: Compute | undefined
  readonly settings?: Partial<VolumeSettings>
}

export interface VolumeService {
  readonly application: Application
  /** Makes what a fresh cloud has and was never there. May be called at every start. */
  seed(types?: readonly SeedType[]): void
}

const usual: VolumeSettings = { host: controller, backends: ['one', 'two'], backendName: 'peer', zone: 'nova', defaultType: 'peer' }

/** The service over a shelf; everything it knows of the world is an argument. */
export function volume({
  shelf,
  authenticate,
  clock,
  ids,
  report,
  identity = '{scheme}://{hostname}:5000/v3',
  images,
  compute,
  settings,
}: VolumeParts): VolumeService {
  const cinder: Cinder = {
    store: openStore(shelf),
    clock,
    ids,
    settings: { ...usual, ...settings },
    images,
    compute,
    later: (work) =>
      void Promise.resolve()
        .then(work)
        .catch((error: unknown) => report(error)),
  }
  cinder.store.write(() => {
    ensureServices(cinder)
    resume(cinder)
  })
  const answer = service({
    open: versionRoutes,
    routes: { ...closedVersionRoutes, ...routesOf(cinder, authenticate, operations, actions) },
    authenticate,
    fault: (error, request) => faultBody(error, `Keystone uri="${addressFor(identity, clientUrl(request))}"`),
    report,
    otherwise,
    readBody,
  })
  return {
    application: (request) => answered(answer, withoutProject(request), ids),
    seed: (wanted) => seedTypes(cinder, wanted ?? usualTypes(cinder)),
  }
}

/** What a process that died was in the middle of: uploads end where they were, and moves that had not begun fail. */
function resume(cinder: Cinder): void {
  const { store } = cinder
  giveUpUnasked(cinder)
  for (const volume of store.volumes.filter(({ status }) => status === 'uploading'))
    store.volumes.put({ ...volume, status: volume.previous_status ?? 'available', previous_status: null })
}

const operations: Operations = {
  ...volumes,
  ...metadata,
  ...attachments,
  ...snapshots,
  ...types,
  ...qos,
  ...quotaRoutes,
  ...services,
  ...transfers,
  ...extensions,
}

const actions: Actions = {
  'POST /volumes/:id/action': { ...volumeActions, ...extendActions, ...imageActions, ...migrateActions, ...adminActions },
  ...attachmentActions,
  ...snapshotActions,
  ...typeActions,
}

/** Says of every answer which request it is to, and which version served it. */
async function answered(application: Application, request: Request, ids: Ids) {
  const requestId = `req-${ids.uuid()}`
  request.environ.requestId = requestId
  const response = await application(request)
  response.headers.push(['x-openstack-request-id', requestId], ['x-compute-request-id', requestId])
  const version = servedVersion(request)
  if (version && response.status !== 401)
    response.headers.push(['OpenStack-API-Version', `volume ${version}`], ['Vary', 'OpenStack-API-Version'])
  return response
}

/** Undefined when the request asks for one that is not served. */
function servedVersion(request: Request): string | undefined {
  try {
    return `3.${minorOf(request)}`
  } catch {
    return undefined
  }
}

const mediaTypes = ['application/json', 'application/vnd.openstack.volume+json']

/** JSON; 415 for what is said to be something else, 400 for what is none. Without a media type a body is none, as Cinder has it. */
async function readBody(request: Request): Promise<unknown> {
  const bytes = await request.body()
  const type = header(request, 'content-type')?.split(';')[0]
  if (bytes.length === 0 || !type) return undefined
  if (!mediaTypes.includes(type.trim())) throw fault(415, 'Unsupported Content-Type')
  try {
    return JSON.parse(Buffer.from(bytes).toString())
  } catch {
    throw badRequest('Malformed request body')
  }
}

const versions = ({ baseUrl }: Call) => ({
  versions: [
    {
      id: 'v3.0',
      status: 'CURRENT',
      version: `3.${newestMinor}`,
      min_version: '3.0',
      updated: '2023-08-31T00:00:00Z',
      links: [
        { rel: 'describedby', type: 'text/html', href: 'https://docs.openstack.org/' },
        { rel: 'self', href: `${baseUrl}/v3/` },
      ],
      'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.volume+json;version=3' }],
    },
  ],
})

const versionRoutes: OpenRoutes = { 'GET /': (call) => reply(300, versions(call)) }
const closedVersionRoutes: Routes = { 'GET /v3': versions }
