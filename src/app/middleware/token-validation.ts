/** Asks Keystone about tokens, and remembers what it said. */
import { hash } from 'node:crypto'
import type { CatalogService } from '../../oslo/context.ts'
import { type Access, accessOf, MalformedToken } from '../../oslo/keystoneauth/access.ts'
import type { Auth } from '../../oslo/keystoneauth/auth.ts'
import { isStatus, PeerError } from '../../oslo/keystoneauth/errors.ts'
import { identityUrl } from '../../oslo/keystoneauth/identity.ts'
import type { Session } from '../../oslo/keystoneauth/session.ts'
import { recentlyUsed } from './recently-used.ts'

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
  readonly clock: { now(): number }
}

/** Tokens that are remembered at most; a few kilobytes each. */
const mostTokens = 4096
/** Catalogues that are remembered at most: one a region and role, or one a project where addresses name the project. */
const mostCatalogs = 256

export function tokenValidator({ session, auth, includeServiceCatalog, tokenCacheTime, clock }: ValidatorParts): TokenValidator {
  const cache = recentlyUsed<{ access: Access; until: number }>(mostTokens)
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
  async function ask(token: string, allowExpired: boolean): Promise<Access> {
    const flags = [...(includeServiceCatalog ? [] : ['nocatalog']), ...(allowExpired ? ['allow_expired=1'] : [])]
    const answer = await session.request({
      url: `${await address()}/auth/tokens${flags.length > 0 ? `?${flags.join('&')}` : ''}`,
      headers: { 'X-Subject-Token': token, 'OpenStack-Identity-Access-Rules': '1' },
    })
    const access = accessOf(token, answer.json())
    return access.catalog ? { ...access, catalog: shared(access.catalog) } : access
  }

  /** Most tokens have the same catalogue: it is kept once. */
  function shared(catalog: readonly CatalogService[]): readonly CatalogService[] {
    const key = hash('sha256', JSON.stringify(catalog), 'base64')
    const same = catalogs.get(key)
    if (!same) catalogs.set(key, catalog)
    return same ?? catalog
  }

  async function fetch(key: string, token: string, allowExpired: boolean): Promise<Access> {
    try {
      const access = await ask(token, allowExpired)
      if (tokenCacheTime >= 0) cache.set(key, { access, until: tokenCacheTime === 0 ? Infinity : clock.now() + tokenCacheTime * 1000 })
      return access
    } catch (error) {
      throw await verdict(error)
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
