/**
 * The placement service of the embedded cloud: Placement's API, 1.0 to 1.39, over documents on a shelf. All of it is built.
 *
 *     const { application } = placement({ shelf, authenticate, clock, ids, report })
 */
import type { Application, Request } from '../../app/contract.ts'
import { type Authenticate, addressFor, type Clock, clientUrl, type Ids, type OpenRoutes, reply, service } from '../service.ts'
import type { Shelf } from '../shelf.ts'
import { aggregates } from './aggregates.ts'
import { allocations } from './allocations.ts'
import { candidates } from './candidates.ts'
import { faultBody } from './faults.ts'
import { inventories } from './inventories.ts'
import { type Placement, routesOf } from './operation.ts'
import { providers } from './providers.ts'
import { reshaper } from './reshaper.ts'
import { resourceClasses } from './resource-classes.ts'
import { openStore } from './store.ts'
import { traits } from './traits.ts'
import { usages } from './usages.ts'
import { minorOf, newestMinor } from './version.ts'

export interface PlacementParts {
  readonly shelf: Shelf
  readonly authenticate: Authenticate
  readonly clock: Clock
  readonly ids: Ids
  /** Told of errors nobody foresaw. */
  readonly report: (error: unknown, request: Request) => void
  /** Where to log in, for who comes without a token: an address as of `addressFor`. */
  readonly identity?: string
}

export interface PlacementService {
  readonly application: Application
}

/** The service over a shelf; everything it knows of the world is an argument. */
export function placement({
  shelf,
  authenticate,
  clock,
  ids,
  report,
  identity = '{scheme}://{hostname}:5000/v3',
}: PlacementParts): PlacementService {
  const parts: Placement = { store: openStore(shelf), clock, ids }
  const answer = service({
    open: { 'GET /': versions(clock) },
    routes: routesOf(parts, {
      ...providers,
      ...inventories,
      ...aggregates,
      ...traits,
      ...resourceClasses,
      ...allocations,
      ...usages,
      ...reshaper,
      ...candidates,
    }),
    authenticate,
    fault: (error, request) => faultBody(error, request, `Keystone uri="${addressFor(identity, clientUrl(request))}"`),
    report,
    readBody: async (request) => Buffer.from(await request.body()).toString(),
  })
  return {
    async application(request) {
      const requestId = `req-${ids.uuid()}`
      const version = servedVersion(request)
      request.environ.requestId = requestId
      if (version) request.environ.microversion = version
      const response = await answer(request)
      response.headers.push(['x-openstack-request-id', requestId])
      if (version) response.headers.push(['openstack-api-version', `placement ${version}`], ['vary', 'openstack-api-version'])
      return response
    },
  }
}

/** Undefined when the request asks for one that is not served, which its operation then refuses. */
function servedVersion(request: Request): string | undefined {
  try {
    return `1.${minorOf(request)}`
  } catch {
    return undefined
  }
}

const versions =
  (clock: Clock): OpenRoutes[string] =>
  ({ request }) => {
    const body = {
      versions: [
        { id: 'v1.0', max_version: `1.${newestMinor}`, min_version: '1.0', status: 'CURRENT', links: [{ rel: 'self', href: '' }] },
      ],
    }
    const headers: [string, string][] = [
      ['Cache-Control', 'no-cache'],
      ['Last-Modified', new Date(clock.now()).toUTCString()],
    ]
    return reply(200, body, minorOf(request) >= 15 ? headers : [])
  }
