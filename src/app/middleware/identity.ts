/** What authtoken knows of a caller, and how it tells the filters behind it: as data in `environ.identity`, and as headers for all others. */
import type { CatalogService } from '../../oslo/context.ts'
import type { Access } from '../../oslo/keystoneauth/access.ts'
import type { Request, RequestHeaders } from '../contract.ts'
import { withParts } from '../request.ts'

/** Whose tokens came with a request, as far as they were found valid. */
export interface Identity {
  readonly user: Access | null
  /** The service that asks on the user's behalf. */
  readonly service: Access | null
  /** The headers of the request as authtoken handed it on: when those of a request are others, a filter has changed them. */
  readonly headers: RequestHeaders
}

declare module '../contract.ts' {
  interface Environ {
    /** Who calls, as Keystone says; set by the authtoken filter. */
    identity?: Identity
  }
}

// keystonemiddleware/auth_token/_request.py _HEADER_TEMPLATE; the dots stand for "x-" or "x-service-"
const parts = {
  'domain-id': 'domainId',
  'domain-name': 'domainName',
  'project-id': 'projectId',
  'project-name': 'projectName',
  'project-domain-id': 'projectDomainId',
  'project-domain-name': 'projectDomainName',
  'user-id': 'userId',
  'user-name': 'userName',
  'user-domain-id': 'userDomainId',
  'user-domain-name': 'userDomainName',
} as const satisfies Record<string, keyof Access>
const partNames = Object.keys(parts) as (keyof typeof parts)[]

/** Older names, each with the header whose value it has. */
const older = {
  'x-role': 'x-roles',
  'x-user': 'x-user-name',
  'x-tenant-id': 'x-project-id',
  'x-tenant-name': 'x-project-name',
  'x-tenant': 'x-project-name',
} as const

const status = 'x-identity-status'
const serviceStatus = 'x-service-identity-status'
const catalogHeader = 'x-service-catalog'
const systemScope = 'openstack-system-scope'

/** No client may send these. Upstream leaves OpenStack-System-Scope of a request without a valid token; here it goes as well. */
const reserved: ReadonlySet<string> = new Set([
  ...partNames.flatMap((name) => [`x-${name}`, `x-service-${name}`]),
  ...Object.keys(older),
  'x-roles',
  'x-service-roles',
  'x-is-admin-project',
  status,
  serviceStatus,
  catalogHeader,
  systemScope,
])

/** Servers that make CGI variables of headers read `X_User_Id` as `X-User-Id`, so one is as good a forgery as the other. */
const isReserved = (name: string): boolean => reserved.has(name) || (name.includes('_') && reserved.has(name.replaceAll('_', '-')))

/** The request without whatever its client says about who it is. */
export function withoutForgeries(request: Request): Request {
  const { headers, rawHeaders } = request
  let forged = false
  for (const name in headers) forged ||= isReserved(name)
  if (!forged) return request
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !isReserved(name)))
  const keptRaw = rawHeaders.filter((_, at) => !isReserved(rawHeaders[at - (at % 2)]!.toLowerCase()))
  return { ...withParts(request, { headers: kept }), rawHeaders: keptRaw }
}

/** What was found out about the tokens of a request. */
export interface Findings {
  readonly user: Access | null
  readonly service: Access | null
  /** Whether the service token is valid; undefined when there is none. */
  readonly serviceValid: boolean | undefined
}

/** The request with its identity told in both ways. */
export function identified(request: Request, { user, service, serviceValid }: Findings): Request {
  const headers: Record<string, RequestHeaders[string]> = { ...request.headers, ...(user ? headersOfUser(user) : invalid) }
  if (serviceValid !== undefined) headers[serviceStatus] = serviceValid ? 'Confirmed' : 'Invalid'
  if (service) {
    Object.assign(headers, headersOfService(service))
    // Upstream's _set_auth_headers has one header for both: that of the service token is set last.
    if (service.systemScope) headers[systemScope] = service.systemScope
    else delete headers[systemScope]
  }
  request.environ.identity = { user, service, headers }
  return withParts(request, { headers })
}

const invalid = { [status]: 'Invalid' }

const userHeaders = new WeakMap<Access, Record<string, string>>()
const serviceHeaders = new WeakMap<Access, Record<string, string>>()
const catalogTexts = new WeakMap<readonly CatalogService[], string>()

/** Made once for as long as a token is cached. */
function once<K extends object, V>(made: WeakMap<K, V>, key: K, make: (key: K) => V): V {
  let value = made.get(key)
  if (value === undefined) made.set(key, (value = make(key)))
  return value
}

const headersOfUser = (access: Access) => once(userHeaders, access, makeUserHeaders)
const headersOfService = (access: Access) => once(serviceHeaders, access, (service) => described(service, 'x-service-'))

function makeUserHeaders(access: Access): Record<string, string> {
  const out = described(access, 'x-')
  for (const [name, same] of Object.entries(older)) if (out[same] !== undefined) out[name] = out[same]
  out[status] = 'Confirmed'
  out['x-is-admin-project'] = access.isAdminProject ? 'True' : 'False'
  if (access.systemScope) out[systemScope] = access.systemScope
  if (access.catalog) out[catalogHeader] = once(catalogTexts, access.catalog, (catalog) => JSON.stringify(catalog))
  return out
}

function described(access: Access, prefix: 'x-' | 'x-service-'): Record<string, string> {
  const out: Record<string, string> = { [`${prefix}roles`]: access.roles.join(',') }
  for (const name of partNames) {
    const value = access[parts[name]]
    if (value !== null) out[prefix + name] = value
  }
  return out
}
