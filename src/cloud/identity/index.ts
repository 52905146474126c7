/** The embedded identity service: Keystone's v3 API over a shelf. */
import { type Application, header, type Request } from '../../app/contract.ts'
import { type Authenticate, type Call, type Clock, type Ids, type ServiceError, service } from '../service.ts'
import type { Shelf } from '../shelf.ts'
import { applicationCredentialRoutes } from './application-credentials.ts'
import { authRoutes } from './auth.ts'
import { bootstrap, type Seed } from './bootstrap.ts'
import { endpointRoutes, regionRoutes, serviceRoutes } from './catalog.ts'
import { addressesOf, type ServiceAddress } from './catalog-view.ts'
import { domainRoutes } from './domains.ts'
import { expecting, fault, noSuchPage, notBuilt } from './faults.ts'
import { grantRoutes } from './grants.ts'
import { groupRoutes } from './groups.ts'
import { limitRoutes, registeredLimitRoutes } from './limits.ts'
import { openStore } from './model.ts'
import { passwords } from './passwords.ts'
import { projectRoutes } from './projects.ts'
import { hexIds, type Setting } from './resource.ts'
import { roleAssignmentRoutes } from './role-assignments.ts'
import { roleRoutes } from './roles.ts'
import { projectNamed } from './things.ts'
import { type TokenCaller, tokens } from './tokens.ts'
import { passwordRoute, userRoutes } from './users.ts'
import { versionRoutes } from './versions.ts'

export type { Seed } from './bootstrap.ts'
export type { ServiceAddress } from './catalog-view.ts'

export interface Identity {
  readonly application: Application
  /** The caller behind a token, asked within the process. */
  readonly authenticate: Authenticate
  /** Brings in what a seed says and no earlier run brought in; rejects when the seed speaks of what is not there. */
  readonly bootstrap: (seed: Seed) => Promise<void>
  /** The id of a project of the domain Default, by name; undefined when it is not there. */
  readonly projectId: (name: string) => string | undefined
}

export interface IdentitySpec {
  readonly shelf: Shelf
  readonly clock: Clock
  readonly ids: Ids
  /** The services of the embedded cloud, whose addresses in the catalogue follow the client. */
  readonly endpoints: readonly ServiceAddress[]
  /** Told of errors nobody foresaw. */
  readonly report: (error: unknown, request: Request) => void
  /** Life of a token in seconds ([token] expiration). */
  readonly tokenLifeSeconds?: number
}

export function identity({ shelf, clock, ids, endpoints, report, tokenLifeSeconds = 3600 }: IdentitySpec): Identity {
  const store = openStore(shelf)
  const setting: Setting = { store, clock, passwords: passwords(), newId: hexIds(ids) }
  const issued = tokens({ store, clock, ids, life: tokenLifeSeconds * 1000 })
  const addresses = addressesOf(endpoints)
  const projectId = (name: string) => projectNamed(store, name, 'default')?.id
  const auth = authRoutes({ ...setting, tokens: issued }, addresses)
  const application = service<TokenCaller>({
    open: { ...versionRoutes, ...auth.open, 'POST /v3/users/:user_id/password': passwordRoute(setting) },
    routes: {
      ...auth.routes,
      ...domainRoutes(setting),
      ...projectRoutes(setting),
      ...userRoutes(setting),
      ...applicationCredentialRoutes(setting),
      ...groupRoutes(setting),
      ...roleRoutes(setting),
      ...grantRoutes(setting),
      ...roleAssignmentRoutes(setting),
      ...regionRoutes(setting),
      ...serviceRoutes(setting),
      ...endpointRoutes(setting, addresses),
      ...registeredLimitRoutes(setting),
      ...limitRoutes(setting),
    },
    authenticate: issued.caller,
    fault: (error: ServiceError, request) => fault(error, request),
    report,
    headers: () => [
      ['Vary', 'X-Auth-Token'],
      ['x-openstack-request-id', `req-${ids.uuid()}`],
    ],
    otherwise: notHere,
    openOtherwise: true,
    readBody,
  })
  return { application, authenticate: issued.caller, bootstrap: (seed) => bootstrap(setting, endpoints, seed), projectId }
}

/** Parts of Keystone's API that are not built, by where they stand. */
const elsewhere: readonly [RegExp, string][] = [
  [/^\/v3\/OS-TRUST\b/, 'trusts'],
  [/^\/v3\/(auth\/)?OS-FEDERATION\b/, 'federation'],
  [/^\/v3\/(users\/[^/]+\/)?OS-OAUTH[12]\b/, 'OAuth'],
  [/^\/v3\/OS-INHERIT\b/, 'inherited role assignments'],
  [/^\/v3\/(OS-EP-FILTER|OS-ENDPOINT-POLICY)\b/, 'endpoint filters and policies'],
  [/^\/v3\/(OS-REVOKE|OS-SIMPLE-CERT|auth\/tokens\/OS-PKI)\b/, 'list of revocations or certificates'],
  [/^\/v3\/policies\b/, 'stored policies'],
  [/^\/v3\/(credentials|ec2tokens|s3tokens)\b/, 'stored credentials such as EC2 ones'],
  [/^\/v3\/users\/[^/]+\/credentials\b/, 'stored credentials such as EC2 ones'],
  [/^\/v3\/users\/[^/]+\/access_rules\b/, 'access rules'],
  [/^\/v3\/domains\/([^/]+\/)?config\b/, 'domain configuration'],
]

function notHere({ request }: Call): never {
  const found = elsewhere.find(([path]) => path.test(request.path))
  throw found ? notBuilt(found[1]) : noSuchPage()
}

/** A body must be a JSON object and say so, or say nothing (keystone/server/flask/request_processing/json_body.py). */
async function readBody(request: Request): Promise<unknown> {
  const bytes = request.method === 'GET' || request.method === 'HEAD' ? new Uint8Array() : await request.body()
  if (bytes.length === 0) return undefined
  const type = header(request, 'content-type') ?? ''
  if (type !== '' && !/^application\/([\w.-]+\+)?json\b/i.test(type)) throw expecting('application/json', 'Content-Type header')
  try {
    const body: unknown = JSON.parse(Buffer.from(bytes).toString())
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body
  } catch {}
  throw expecting('valid JSON', 'request body')
}
