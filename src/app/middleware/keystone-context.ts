/** Makes the request context of what authtoken found out (nova/api/auth.py NovaKeystoneContext, nova/context.py RequestContext). */
import { randomUUID } from 'node:crypto'
import type { CatalogService, RequestContext } from '../../oslo/context.ts'
import type { Access } from '../../oslo/keystoneauth/access.ts'
import { type Filter, headerJoined, type Request } from '../contract.ts'
import { httpError } from '../http-error.ts'
import type { Registry } from '../paste.ts'
import type { Identity } from './identity.ts'

export interface KeystoneContextParts {
  /** Whether the policy rule `context_is_admin` holds. */
  readonly isAdmin: (context: Omit<RequestContext, 'isAdmin'>) => boolean
  readonly clock: { now(): number }
  readonly newId?: () => string
}

/** What a context has of its caller, the same for all requests with the same token. */
type Caller = Omit<RequestContext, 'isAdmin' | 'requestId' | 'globalRequestId' | 'remoteAddress' | 'timestamp' | 'readDeleted'>

/** Sets `environ.context`. Answers 401 when nobody is known to ask, 500 when the catalogue in the headers is no JSON. */
export function keystoneContext({ isAdmin, clock, newId = () => `req-${randomUUID()}` }: KeystoneContextParts): Filter {
  const timestamp = timestamps()
  return (app) =>
    async function keystoneContext(request) {
      const { environ } = request
      const caller = callerOf(request)
      if (caller === undefined) return badCatalog(request)
      if (!caller.userId) return nobody(request)
      const context = {
        ...caller,
        isAdmin: false,
        requestId: environ.requestId ?? newId(),
        globalRequestId: environ.globalRequestId ?? null,
        remoteAddress: request.remoteAddress || null,
        timestamp: timestamp(clock.now()),
        readDeleted: 'no' as const,
      }
      context.isAdmin = isAdmin(context)
      environ.context = context
      return app(request)
    }
}

/** Writes times as `2026-01-02T03:04:05.678000`. The text of the second is kept, for it is most of the work. */
function timestamps(): (ms: number) => string {
  let second = Number.NaN
  let text = ''
  return (ms) => {
    const at = Math.floor(ms / 1000)
    if (at !== second) text = new Date((second = at) * 1000).toISOString().slice(0, 20)
    return `${text}${String(ms - at * 1000).padStart(3, '0')}000`
  }
}

/** Registry entries of the filter. It reads no options. */
export const keystoneContextFilters = (parts: KeystoneContextParts): Registry => ({
  filters: { 'nova.api.auth:NovaKeystoneContext.factory': () => keystoneContext(parts) },
})

const badCatalog = (request: Request) =>
  httpError(
    request,
    500,
    'Internal Server Error',
    'The server has either erred or is incapable of performing the requested operation.',
    'Invalid service catalog json.',
  )

const nobody = (request: Request) =>
  httpError(
    request,
    401,
    'Unauthorized',
    'This server could not verify that you are authorized to access the document you requested. Either you supplied the wrong credentials (e.g., bad password), or your browser does not understand how to supply the credentials required.',
  )

/** From what authtoken left, unless a filter behind it has changed the headers. Undefined when a catalogue cannot be read. */
function callerOf(request: Request): Caller | undefined {
  const { identity } = request.environ
  return identity?.user && identity.headers === request.headers ? callerWith(identity.user, identity) : callerFromHeaders(request)
}

const callers = new WeakMap<Access, Caller>()

function callerWith(user: Access, { service }: Identity): Caller {
  let caller = callers.get(user)
  if (!caller) callers.set(user, (caller = callerFromAccess(user)))
  if (!service) return caller
  return {
    ...caller,
    // Upstream has one header for the scopes of both tokens: that of the service token is set last.
    systemScope: service.systemScope,
    serviceToken: service.token,
    serviceUserId: service.userId,
    serviceProjectId: service.projectId,
    serviceRoles: service.roles,
  }
}

const callerFromAccess = (access: Access): Caller => ({
  userId: access.userId,
  userName: access.userName,
  projectId: access.projectId,
  projectName: access.projectName,
  domainId: access.domainId,
  domainName: access.domainName,
  userDomainId: access.userDomainId,
  projectDomainId: access.projectDomainId,
  systemScope: access.systemScope,
  roles: access.roles,
  isAdminProject: access.isAdminProject,
  token: access.token,
  serviceToken: null,
  serviceUserId: null,
  serviceProjectId: null,
  serviceRoles: [],
  catalog: needed(access.catalog ?? []),
})

// nova/context.py RequestContext.__init__: the services that Nova itself asks. Keystone, which it asks about projects, is found with the caller's token
const askedByNova = new Set([
  'identity',
  'image',
  'block-storage',
  'volumev3',
  'key-manager',
  'placement',
  'network',
  'accelerator',
  'sharev2',
])
const trimmed = new WeakMap<readonly CatalogService[], readonly CatalogService[]>()

function needed(catalog: readonly CatalogService[]): readonly CatalogService[] {
  let kept = trimmed.get(catalog)
  if (!kept) trimmed.set(catalog, (kept = catalog.filter(({ type }) => askedByNova.has(type))))
  return kept
}

// oslo_context/context.py RequestContext.from_environ: the first of these headers that is there counts, even when it is empty
function callerFromHeaders(request: Request): Caller | undefined {
  const first = (...names: string[]): string | null => {
    for (const name of names) {
      const value = headerJoined(request, name)
      if (value !== undefined) return value || null
    }
    return null
  }
  const list = (...names: string[]): string[] =>
    first(...names)
      ?.split(',')
      .map((role) => role.trim()) ?? []
  const catalog = parsedCatalog(headerJoined(request, 'x-service-catalog'))
  if (catalog === undefined) return undefined
  return {
    userId: first('x-user-id', 'x-user'),
    userName: first('x-user-name'),
    projectId: first('x-project-id', 'x-tenant-id', 'x-tenant'),
    projectName: first('x-project-name', 'x-tenant-name'),
    domainId: first('x-domain-id'),
    domainName: first('x-domain-name'),
    userDomainId: first('x-user-domain-id'),
    projectDomainId: first('x-project-domain-id'),
    systemScope: first('openstack-system-scope'),
    roles: list('x-roles', 'x-role'),
    isAdminProject: (first('x-is-admin-project') ?? 'true').toLowerCase() === 'true',
    token: first('x-auth-token', 'x-storage-token'),
    serviceToken: first('x-service-token'),
    serviceUserId: first('x-service-user-id'),
    serviceProjectId: first('x-service-project-id'),
    serviceRoles: list('x-service-roles'),
    catalog: needed(catalog),
  }
}

function parsedCatalog(text: string | undefined): CatalogService[] | undefined {
  if (text === undefined) return []
  try {
    const catalog: unknown = JSON.parse(text)
    return Array.isArray(catalog) ? catalog : undefined
  } catch {
    return undefined
  }
}
