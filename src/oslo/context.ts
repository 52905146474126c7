/** Who asks, and for what request: oslo.context's RequestContext with what Nova adds. Plain data that travels as an argument. */

export interface CatalogService {
  type: string
  name?: string
  endpoints: CatalogEndpoint[]
}

/** An endpoint in the form that keystonemiddleware hands on (version 2 of the catalogue: one entry a region). */
export interface CatalogEndpoint {
  region?: string
  id?: string
  publicURL?: string
  internalURL?: string
  adminURL?: string
}

export interface RequestContext {
  readonly userId: string | null
  readonly userName: string | null
  readonly projectId: string | null
  readonly projectName: string | null
  readonly domainId: string | null
  readonly domainName: string | null
  readonly userDomainId: string | null
  readonly projectDomainId: string | null
  /** `all` for a token of the whole system. */
  readonly systemScope: string | null
  readonly roles: readonly string[]
  /** Whether the policy rule `context_is_admin` holds. */
  readonly isAdmin: boolean
  readonly isAdminProject: boolean
  readonly token: string | null
  readonly serviceToken: string | null
  readonly serviceUserId: string | null
  readonly serviceProjectId: string | null
  readonly serviceRoles: readonly string[]
  readonly catalog: readonly CatalogService[]
  /** `req-<uuid>` */
  readonly requestId: string
  readonly globalRequestId: string | null
  readonly remoteAddress: string | null
  /** When the request came, ISO 8601 without a zone, in UTC. */
  readonly timestamp: string
  /** `no`, `yes` or `only`: whether deleted rows are seen. */
  readonly readDeleted: 'no' | 'yes' | 'only'
}

/** On whose behalf something is done when nobody asked for it. nova/context.py get_admin_context */
export const adminContext = (requestId: string, now = 0): RequestContext => ({
  userId: null,
  userName: null,
  projectId: null,
  projectName: null,
  domainId: null,
  domainName: null,
  userDomainId: null,
  projectDomainId: null,
  systemScope: null,
  roles: [],
  isAdmin: true,
  isAdminProject: true,
  token: null,
  serviceToken: null,
  serviceUserId: null,
  serviceProjectId: null,
  serviceRoles: [],
  catalog: [],
  requestId,
  globalRequestId: null,
  remoteAddress: null,
  timestamp: new Date(now).toISOString().slice(0, 23),
  readDeleted: 'no',
})
