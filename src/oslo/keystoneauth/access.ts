/** What Keystone says about a token: whose it is, what for, until when. */
import type { CatalogService } from '../context.ts'
import { toVersion2 } from './catalog.ts'

/** A rule of an application credential that may do only some requests. */
export interface AccessRule {
  readonly service: string
  readonly method: string
  readonly path: string
}

export interface Access {
  readonly token: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
  readonly userId: string
  readonly userName: string
  readonly userDomainId: string | null
  readonly userDomainName: string | null
  readonly projectId: string | null
  readonly projectName: string | null
  readonly projectDomainId: string | null
  readonly projectDomainName: string | null
  readonly domainId: string | null
  readonly domainName: string | null
  /** `all` for a token of the whole system. */
  readonly systemScope: string | null
  readonly roles: readonly string[]
  readonly isAdminProject: boolean
  /** In the form of version 2; null when it was not asked for. */
  readonly catalog: readonly CatalogService[] | null
  /** What the token is bound to, such as a Kerberos principal. */
  readonly bind: Readonly<Record<string, unknown>> | null
  /** The requests that an application credential is limited to; null when it is not. */
  readonly accessRules: readonly AccessRule[] | null
}

/** Keystone's answer is not that of version 3. */
export class MalformedToken extends Error {
  override readonly name = 'MalformedToken'
}

interface Named {
  id?: string
  name?: string
  domain?: { id?: string; name?: string }
}

/** The body of `/v3/auth/tokens`, as far as it is read. */
interface TokenBody {
  token: {
    expires_at: string
    user: Named
    project?: Named
    domain?: Named
    system?: { all?: boolean }
    roles?: { name: string }[]
    is_admin_project?: boolean
    catalog?: Parameters<typeof toVersion2>[0]
    bind?: Record<string, unknown>
    application_credential?: { access_rules?: AccessRule[] | null }
  }
}

/** Reads the answer to a request for a token or about one. Throws a `MalformedToken`. */
export function accessOf(token: string, body: unknown): Access {
  try {
    return read(token, body as TokenBody)
  } catch (error) {
    throw new MalformedToken('the answer is not a token of version 3', { cause: error })
  }
}

// keystoneauth1/access/access.py AccessInfoV3
function read(token: string, { token: { user, project, domain, ...rest } }: TokenBody): Access {
  const expiresAt = Date.parse(rest.expires_at)
  if (Number.isNaN(expiresAt) || !user.id || user.name === undefined) throw new TypeError('no user or no time of expiry')
  return {
    token,
    expiresAt,
    userId: user.id,
    userName: user.name,
    userDomainId: user.domain?.id ?? null,
    userDomainName: user.domain?.name ?? null,
    projectId: project?.id ?? null,
    projectName: project?.name ?? null,
    projectDomainId: project?.domain?.id ?? null,
    projectDomainName: project?.domain?.name ?? null,
    domainId: domain?.id ?? null,
    domainName: domain?.name ?? null,
    systemScope: rest.system?.all ? 'all' : null,
    roles: (rest.roles ?? []).map(({ name }) => name),
    isAdminProject: rest.is_admin_project ?? true,
    catalog: rest.catalog ? toVersion2(rest.catalog) : null,
    bind: rest.bind && Object.keys(rest.bind).length > 0 ? rest.bind : null,
    accessRules: rest.application_credential?.access_rules ?? null,
  }
}
