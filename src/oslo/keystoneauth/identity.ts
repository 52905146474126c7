/** Proves who we are to Keystone: tokens for a user of our own, kept until they are about to expire. */
import { ConfigError } from '../config/error.ts'
import { type Access, accessOf, MalformedToken } from './access.ts'
import { type Auth, fixedAuth } from './auth.ts'
import { endpointIn } from './catalog.ts'
import { PeerError } from './errors.ts'
import type { AuthSettings } from './options.ts'
import type { Session } from './session.ts'

export interface AuthParts {
  /** The group of the settings, for what is said about them. */
  readonly group: string
  readonly session: Session
  readonly clock: { now(): number }
}

/** An `Auth` that can say when its token ends and whose it is. */
export interface TokenAuth extends Auth {
  /** The token with all that Keystone says about it, renewed first when it is about to expire. */
  access(): Promise<Access>
}

/** Renewed this long before it expires. keystoneauth1/identity/base.py MIN_TOKEN_LIFE_SECONDS */
const leastLifeMs = 120_000

type Proof = { readonly method: string; readonly body: Readonly<Record<string, unknown>> }

/** The auth that `auth_type` names, or null when none is set. Throws a `ConfigError` for what is missing or contradicts itself. */
export function loadAuth(settings: AuthSettings, parts: AuthParts): Auth | null {
  const { authType, endpoint, token } = settings
  if (!authType) return null
  if (authType === 'none' || authType === 'noauth') return fixedAuth(endpoint)
  if (authType === 'admin_token') return fixedAuth(endpoint, need(settings, 'token', parts.group) && token!)
  const proof = Object.hasOwn(proofs, authType) ? proofs[authType]! : undefined
  if (!proof)
    throw misset(
      parts.group,
      'auth_type',
      `'${authType}' is not supported; ${[...Object.keys(proofs), 'admin_token', 'none'].join(', ')} are`,
    )
  return tokenAuth(need(settings, 'authUrl', parts.group), proof(settings, parts.group), scopeOf(settings, parts.group), parts)
}

const misset = (group: string, option: string, reason: string) => new ConfigError(reason, { option: `[${group}] ${option}` })

function need(settings: AuthSettings, key: 'authUrl' | 'token' | 'password' | 'applicationCredentialSecret', group: string): string {
  const value = settings[key]
  const name = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  if (value === null || value === '') throw misset(group, name, `is needed for auth_type ${settings.authType}`)
  return value
}

const proofs: Readonly<Record<string, (settings: AuthSettings, group: string) => Proof>> = {
  password: byPassword,
  v3password: byPassword,
  v3applicationcredential: byApplicationCredential,
  token: byToken,
  v3token: byToken,
}

function byPassword(settings: AuthSettings, group: string): Proof {
  const user = userOf(settings)
  if (!user) throw misset(group, 'username', `or user_id is needed for auth_type ${settings.authType}`)
  if ('name' in user && !('domain' in user)) throw misset(group, 'user_domain_name', 'or user_domain_id is needed with username')
  return { method: 'password', body: { user: { ...user, password: need(settings, 'password', group) } } }
}

function byApplicationCredential(settings: AuthSettings, group: string): Proof {
  const { applicationCredentialId: id, applicationCredentialName: name } = settings
  const secret = need(settings, 'applicationCredentialSecret', group)
  const user = userOf(settings)
  if (!id && !(name && user)) throw misset(group, 'application_credential_id', 'or application_credential_name with a user is needed')
  return { method: 'application_credential', body: id ? { id, secret } : { name, secret, user } }
}

function byToken(settings: AuthSettings, group: string): Proof {
  return { method: 'token', body: { id: need(settings, 'token', group) } }
}

function userOf({ userId, username, userDomainId, userDomainName, defaultDomainId, defaultDomainName }: AuthSettings) {
  if (userId) return { id: userId }
  const domain = domainOf(userDomainId ?? defaultDomainId, userDomainName ?? defaultDomainName)
  return username ? { name: username, ...(domain && { domain }) } : undefined
}

const domainOf = (id: string | null, name: string | null) => (id ? { id } : name ? { name } : undefined)

/** What the token is for; undefined leaves it to Keystone (the user's default project, or that of the application credential). */
function scopeOf(settings: AuthSettings, group: string): unknown {
  const { projectId, projectName, projectDomainId, projectDomainName, defaultDomainId, defaultDomainName } = settings
  const projectDomain = domainOf(projectDomainId ?? defaultDomainId, projectDomainName ?? defaultDomainName)
  const domain = domainOf(settings.domainId, settings.domainName)
  const project = projectId
    ? { id: projectId }
    : projectName
      ? { name: projectName, ...(projectDomain && { domain: projectDomain }) }
      : undefined
  const { systemScope } = settings
  if ([domain, project, systemScope].filter(Boolean).length > 1)
    throw misset(group, 'system_scope', 'only one of project, domain and system can be acted on')
  if (systemScope && systemScope !== 'all') throw misset(group, 'system_scope', `'${systemScope}' is not "all"`)
  if (domain) return { domain }
  return project ? { project } : systemScope ? { system: { all: true } } : undefined
}

function tokenAuth(authUrl: string, { method, body }: Proof, scope: unknown, { session, clock }: AuthParts): TokenAuth {
  let held: Access | undefined
  let pending: Promise<Access> | undefined
  let base: string | undefined

  async function authenticate(): Promise<Access> {
    base ??= await identityUrl(session, authUrl)
    const answer = await session.request({
      method: 'POST',
      url: `${base}/auth/tokens`,
      serviceType: 'identity',
      auth: null,
      json: { auth: { identity: { methods: [method], [method]: body }, ...(scope !== undefined && { scope }) } },
    })
    return (held = understood(String(answer.headers['x-subject-token'] ?? ''), answer.url, answer.json()))
  }

  async function access(): Promise<Access> {
    if (held && held.expiresAt - clock.now() > leastLifeMs) return held
    // Everybody who comes while a token is being fetched waits for that one.
    pending ??= authenticate().finally(() => {
      pending = undefined
    })
    return pending
  }

  return {
    access,
    headers: async () => ({ 'X-Auth-Token': (await access()).token }),
    endpoint: async (query) => endpointIn((await access()).catalog ?? [], query),
    identity: access,
    refused(headers) {
      // Another request may have been refused before and brought a new one already.
      if (held?.token === headers['X-Auth-Token']) held = undefined
      return true
    },
  }
}

function understood(token: string, url: string, body: unknown): Access {
  try {
    if (token === '') throw new MalformedToken('the answer has no X-Subject-Token')
    return accessOf(token, body)
  } catch (cause) {
    throw new PeerError(`${url}: ${(cause as Error).message}`, { kind: 'malformed', service: 'identity', url, cause })
  }
}

interface VersionDocument {
  readonly versions?: { readonly values?: readonly Version[] } | readonly Version[]
  readonly version?: Version
}
interface Version {
  readonly id?: string
  readonly links?: readonly { readonly rel?: string; readonly href?: string }[]
}

/**
 * The address of version 3 of Keystone's API, without a slash at its end. An address without a version is asked which versions it has;
 * when it does not say, /v3 is taken to be below it. keystoneauth1/identity/generic/base.py _do_create_plugin
 */
export async function identityUrl(session: Session, url: string): Promise<string> {
  const plain = url.replace(/\/+$/, '')
  if (/\/v3$/.test(plain)) return plain
  const document = await session
    .request({ url: `${plain}/`, serviceType: 'identity', auth: null, allow: 'all' })
    .then((answer) => answer.json<VersionDocument>())
    .catch((error: unknown) => {
      if (error instanceof PeerError && error.kind === 'malformed') return {}
      throw error
    })
  return versionThree(document)?.replace(/\/+$/, '') ?? `${plain}/v3`
}

function versionThree({ versions, version }: VersionDocument): string | undefined {
  const all = version ? [version] : Array.isArray(versions) ? versions : ((versions as { values?: Version[] } | undefined)?.values ?? [])
  const three = all.find(({ id }: Version) => id?.startsWith('v3'))
  return three?.links?.find(({ rel }: { rel?: string }) => rel === 'self')?.href
}
