/** Asks Keystone about tokens, and remembers what it said. */
import { hash } from 'node:crypto'
import type { CatalogService } from '../../oslo/context.ts'
import { type Access, accessOf, MalformedToken } from '../../oslo/keystoneauth/access.ts'
import type { Auth } from '../../oslo/keystoneauth/auth.ts'
import { isStatus, PeerError } from '../../oslo/keystoneauth/errors.ts'
import { identityUrl } from '../../oslo/keystoneauth/identity.ts'
import type { Session } from '../../oslo/keystoneauth/session.ts'
import { recentlyUsed } from './recently-used.ts'
import type { TokenCache } from './token-cache.ts'

/** The token is not one, or not any more. */
export class InvalidToken extends Error {
  override readonly name = 'InvalidToken'
}

/** Keystone does not say whether the token is one. */
export class IdentityUnavailable extends Error {
  override readonly name = 'IdentityUnavailable'
}

export interface TokenValidator {
  /**
   * What Keystone says about a token, at once when it is remembered. Whether it has expired is for the caller to see.
   * Throws an `InvalidToken` or an `IdentityUnavailable`.
   */
  validate(token: string, options?: { readonly allowExpired?: boolean }): Access | Promise<Access>
}

export interface ValidatorParts {
  /** Goes to Keystone with a user of our own. */
  readonly session: Session
  readonly auth: Auth
  /** Ask for the catalogue. */
  readonly includeServiceCatalog: boolean
  /** Seconds for which an answer is remembered: 0 until the token expires, below that not at all. */
  readonly tokenCacheTime: number
  /** What others have asked for as well. */
  readonly shared?: TokenCache
  readonly clock: { now(): number }
}

/** Tokens that are remembered at most; a few kilobytes each. */
const mostTokens = 4096
/** Catalogues that are remembered at most: one a region and role, or one a project where addresses name the project. */
const mostCatalogs = 256

interface Known {
  readonly access: Access
  /** Nobody is asked until then. */
  readonly until: number
  /** It counts until then while Keystone cannot be asked. */
  readonly atMost: number
}

/** What came from a shared cache is as old as it is there: it is kept here for a few requests, not for its whole time again. */
const sharedSeconds = 10

export function tokenValidator({
  session,
  auth,
  includeServiceCatalog,
  tokenCacheTime,
  shared: common,
  clock,
}: ValidatorParts): TokenValidator {
  const cache = recentlyUsed<Known>(mostTokens)
  const catalogs = recentlyUsed<readonly CatalogService[]>(mostCatalogs)
  const pending = new Map<string, Promise<Access>>()
  let known: { endpoint: string; url: string } | undefined

  /** The address of version 3, asked for once as long as the catalogue names the same endpoint. */
  async function address(): Promise<string> {
    const endpoint = await session.endpoint()
    if (known?.endpoint !== endpoint) known = { endpoint, url: await identityUrl(session, endpoint) }
    return known.url
  }

  // keystoneclient/v3/tokens.py get_token_data
  async function ask(token: string, allowExpired: boolean): Promise<unknown> {
    const flags = [...(includeServiceCatalog ? [] : ['nocatalog']), ...(allowExpired ? ['allow_expired=1'] : [])]
    const answer = await session.request({
      url: `${await address()}/auth/tokens${flags.length > 0 ? `?${flags.join('&')}` : ''}`,
      headers: { 'X-Subject-Token': token, 'OpenStack-Identity-Access-Rules': '1' },
    })
    return answer.json()
  }

  /** Throws a `MalformedToken`. */
  function read(token: string, body: unknown): Access {
    const access = accessOf(token, body)
    return access.catalog ? { ...access, catalog: shared(access.catalog) } : access
  }

  function remember(key: string, access: Access, seconds: number): Access {
    const after = (span: number) => (span === 0 ? Number.POSITIVE_INFINITY : clock.now() + span * 1000)
    if (tokenCacheTime >= 0) cache.set(key, { access, until: after(seconds), atMost: after(tokenCacheTime) })
    return access
  }

  /** Undefined when nobody has asked for it yet. */
  async function fromOthers(key: string, token: string): Promise<Access | undefined> {
    const body = await common?.get(token)
    if (body === undefined) return undefined
    try {
      return remember(key, read(token, body), tokenCacheTime === 0 ? sharedSeconds : Math.min(tokenCacheTime, sharedSeconds))
    } catch (error) {
      // an entry of another form is one that is not there
      if (error instanceof MalformedToken) return undefined
      throw error
    }
  }

  /** Most tokens have the same catalogue: it is kept once. */
  function shared(catalog: readonly CatalogService[]): readonly CatalogService[] {
    const key = hash('sha256', JSON.stringify(catalog), 'base64')
    const same = catalogs.get(key)
    if (!same) catalogs.set(key, catalog)
    return same ?? catalog
  }

  async function fetch(key: string, token: string, allowExpired: boolean): Promise<Access> {
    const known = await fromOthers(key, token)
    if (known) return known
    try {
      const body = await ask(token, allowExpired)
      const access = remember(key, read(token, body), tokenCacheTime)
      if (common) void common.set(token, body)
      return access
    } catch (error) {
      const judged = await verdict(error)
      const last = cache.get(key)
      // the caches that others share are often away together with Keystone, which keeps its own things there
      if (judged instanceof IdentityUnavailable && last && last.atMost > clock.now()) return last.access
      throw judged
    }
  }

  // keystonemiddleware/auth_token/_identity.py verify_token and __init__.py fetch_token
  async function verdict(error: unknown): Promise<unknown> {
    if (isStatus(error, 404) || error instanceof MalformedToken)
      return new InvalidToken('Keystone does not know the token', { cause: error })
    if (!(error instanceof PeerError)) return error
    if (error.kind !== 'endpoint') return new IdentityUnavailable(error.message, { cause: error })
    // The catalogue of our own token does not name Keystone: the next request looks at a new one.
    auth.refused(await auth.headers())
    return error
  }

  return {
    validate(token, { allowExpired = false } = {}) {
      const key = hash('sha256', token, 'base64')
      const entry = cache.get(key)
      if (entry && entry.until > clock.now()) return entry.access
      const question = allowExpired ? `${key} expired` : key
      let asked = pending.get(question)
      if (!asked) {
        asked = fetch(key, token, allowExpired).finally(() => pending.delete(question))
        pending.set(question, asked)
      }
      return asked
    },
  }
}
