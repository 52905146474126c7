/**
 * Lets in who has a valid token: keystonemiddleware.auth_token. What a client says about itself is dropped, Keystone is asked about its token, and
 * what Keystone says is handed on as `environ.identity` and as headers.
 */
import { readFileSync } from 'node:fs'
import { ConfigError } from '../../oslo/config/error.ts'
import type { Option } from '../../oslo/config/options.ts'
import { settings as settingsOf } from '../../oslo/config/settings.ts'
import type { Sources } from '../../oslo/config/sources.ts'
import type { Access } from '../../oslo/keystoneauth/access.ts'
import type { Auth } from '../../oslo/keystoneauth/auth.ts'
import { loadAuth } from '../../oslo/keystoneauth/identity.ts'
import { authSettings, type SessionSettings } from '../../oslo/keystoneauth/options.ts'
import { createSession, type Session } from '../../oslo/keystoneauth/session.ts'
import type { Log } from '../../oslo/log.ts'
import { InvalidAddress, memcached } from '../../oslo/memcached/client.ts'
import { type Filter, header, type Request, type Response } from '../contract.ts'
import { httpError } from '../http-error.ts'
import type { FilterFactory, Registry, Variables } from '../paste.ts'
import { forbiddenByRules } from './access-rules.ts'
import { type AuthTokenSettings, authTokenOptions } from './auth-token-options.ts'
import { type Findings, identified, withoutForgeries } from './identity.ts'
import { type TokenCache, tokenCache } from './token-cache.ts'
import { IdentityUnavailable, InvalidToken, type TokenValidator, tokenValidator } from './token-validation.ts'

export interface AuthTokenParts {
  readonly settings: AuthTokenSettings
  readonly validator: TokenValidator
  readonly log: Log
  readonly clock: { now(): number }
}

function authToken({ settings, validator, log, clock }: AuthTokenParts): Filter {
  const { serviceTokenRoles, serviceTokenRolesRequired, delayAuthDecision, serviceType, enforceTokenBind } = settings
  const challenge: [string, string] = ['WWW-Authenticate', `Keystone uri="${settings.wwwAuthenticateUri || settings.authUrl}"`]

  return (app) =>
    async function authToken(request) {
      const clean = withoutForgeries(request)
      let findings: Findings
      try {
        findings = await examine(clean)
      } catch (error) {
        if (error instanceof IdentityUnavailable) return unavailable(clean)
        throw error
      }
      if (!delayAuthDecision && (!findings.user || findings.serviceValid === false)) return rejected(challenge)
      const response = await app(identified(clean, findings))
      if (response.status === 401) response.headers.push(challenge)
      return response
    }

  // keystonemiddleware/auth_token BaseAuthProtocol.process_request
  async function examine(request: Request): Promise<Findings> {
    const serviceToken = header(request, 'x-service-token')?.trim()
    const userToken = (header(request, 'x-auth-token') ?? header(request, 'x-storage-token'))?.trim()
    const service = serviceToken ? await judged('service', serviceToken, false, confirmBind) : null
    const vouched = service?.roles.some((role) => serviceTokenRoles.includes(role)) ?? false
    const check = (access: Access) => {
      confirmRules(access, request, Boolean(serviceToken))
      if (!serviceToken) confirmBind(access)
    }
    const user = userToken ? await judged('user', userToken, vouched, check) : null
    const serviceValid = serviceToken ? service !== null && (vouched || !serviceTokenRolesRequired) : undefined
    return { user, service: serviceValid ? service : null, serviceValid }
  }

  /** What a token stands for, or null when it is invalid. `check` throws an `InvalidToken`. */
  async function judged(whose: string, token: string, allowExpired: boolean, check: (access: Access) => void): Promise<Access | null> {
    try {
      const found = validator.validate(token, { allowExpired })
      const access = found instanceof Promise ? await found : found
      if (!allowExpired && access.expiresAt < clock.now()) throw new InvalidToken('the token has expired')
      check(access)
      return access
    } catch (error) {
      if (error instanceof IdentityUnavailable) {
        log.error(`Unable to validate token: ${error.message}`)
        if (!delayAuthDecision) throw error
      } else if (!(error instanceof InvalidToken)) throw error
      log.info(`Invalid ${whose} token`)
      return null
    }
  }

  function confirmRules(access: Access, request: Request, hasServiceToken: boolean): void {
    const forbidden = forbiddenByRules(access, request, { serviceType, hasServiceToken })
    if (forbidden === undefined) return
    log.warning(`A token was refused: ${forbidden}.`)
    throw new InvalidToken(forbidden)
  }

  // keystonemiddleware/auth_token _confirm_token_bind, where nobody has authenticated with Kerberos before us
  function confirmBind({ bind }: Access): void {
    if (enforceTokenBind === 'disabled') return
    const lenient = enforceTokenBind === 'permissive' || enforceTokenBind === 'strict'
    if (!bind) {
      if (!lenient) throw new InvalidToken('the token is bound to nothing')
      return
    }
    if (enforceTokenBind !== 'permissive' || 'kerberos' in bind)
      throw new InvalidToken('the token is bound to something that cannot be confirmed')
  }
}

/** With a space after each colon and comma, as Nova has it. */
const refusal = '{"error": {"code": 401, "title": "Unauthorized", "message": "The request you have made requires authentication."}}'

const rejected = (challenge: [string, string]): Response => ({
  status: 401,
  headers: [['Content-Type', 'application/json'], challenge],
  body: refusal,
})

const unavailable = (request: Request): Response =>
  httpError(
    request,
    503,
    'Service Unavailable',
    'The server is currently unavailable. Please try again at a later time.',
    'The Keystone service is temporarily unavailable.',
  )

export interface AuthTokenFactoryParts {
  readonly sources: Sources
  /** Makes named logs. */
  readonly logger: (name: string) => Log
  readonly clock: { now(): number }
}

/** When http_connect_timeout is not set; upstream then waits for as long as the system does. */
const defaultTimeoutSeconds = 60

/** Registry entries of the filter. Variables of the paste file beat [keystone_authtoken]; every filter that is made has a cache of its own. */
export function authTokenFilters(parts: AuthTokenFactoryParts): Registry {
  const make: FilterFactory = (globalConf, localConf) => makeAuthToken({ ...globalConf, ...localConf }, parts)
  return { filters: { 'keystonemiddleware.auth_token:filter_factory': make, 'egg:keystonemiddleware#auth_token': make } }
}

function makeAuthToken(variables: Variables, { sources, logger, clock }: AuthTokenFactoryParts): Filter {
  const log = logger(variables.log_name ?? 'keystonemiddleware.auth_token')
  const overrides = { values: variables }
  const credentials = authSettings(authTokenOptions.group, sources, overrides)
  const { authType, authUrl } = credentials.settings
  const settings = { ...settingsOf(authTokenOptions, sources, overrides), authType, authUrl }
  for (const notice of notices(settings, variables)) log.warning(notice)
  const session = createSession({ settings: connectionOf(settings), log })
  const auth = loadAuth(credentials.settings, { group: credentials.group, session, clock })
  const shared = sharedCache(settings, log)
  const validator = auth
    ? tokenValidator({ session: keystoneOf(session, auth, settings), auth, clock, ...settings, ...(shared ? { shared } : {}) })
    : unconfigured
  return authToken({ settings, validator, log, clock })
}

/** The memcached of memcached_servers, if any. Throws a `ConfigError`. */
function sharedCache(settings: AuthTokenSettings, log: Log): TokenCache | undefined {
  const { memcacheSecurityStrategy: strategy, memcacheSecretKey: secret, memcachedServers: servers } = settings
  const refuse = (name: string, why: string): never => {
    throw new ConfigError(why, { option: `[${authTokenOptions.group}] ${name}` })
  }
  if (strategy !== 'None' && !secret) refuse('memcache_secret_key', 'must be defined when a memcache_security_strategy is defined')
  if (servers.length === 0 || settings.memcacheSaslEnabled || settings.tokenCacheTime < 0) return undefined
  const report = (error: unknown) => log.warning(error instanceof Error ? error.message : String(error))
  const timeoutMs = settings.memcachePoolSocketTimeout * 1000
  const deadMs = settings.memcachePoolDeadRetry * 1000
  try {
    const client = memcached({ servers, timeoutMs, deadMs, report, ...(settings.memcacheTlsEnabled ? { tls: tlsOf(settings) } : {}) })
    return tokenCache({ memcached: client, strategy, secret: secret ?? '', seconds: settings.tokenCacheTime, report })
  } catch (error) {
    if (error instanceof InvalidAddress) return refuse('memcached_servers', error.message)
    throw error
  }
}

// keystonemiddleware/auth_token AuthProtocol._token_cache_factory
const tlsOf = ({
  memcacheTlsCafile: ca,
  memcacheTlsCertfile: cert,
  memcacheTlsKeyfile: key,
  memcacheTlsAllowedCiphers: ciphers,
}: AuthTokenSettings) => ({
  ...(ca ? { ca: readFileSync(ca) } : {}),
  ...(cert ? { cert: readFileSync(cert) } : {}),
  ...(key ? { key: readFileSync(key) } : {}),
  ...(ciphers ? { ciphers } : {}),
})

const connectionOf = ({ cafile, certfile, keyfile, insecure, httpConnectTimeout }: AuthTokenSettings): SessionSettings => ({
  ...{ cafile, certfile, keyfile, insecure, timeout: httpConnectTimeout ?? defaultTimeoutSeconds },
  ...{ collectTiming: false, splitLoggers: false, tlsCiphers: null, tlsMinVersion: null },
})

const keystoneOf = (session: Session, auth: Auth, settings: AuthTokenSettings): Session =>
  session.with({
    auth,
    serviceType: 'identity',
    interfaces: [settings.interface],
    region: settings.regionName,
    connectRetries: settings.httpRequestMaxRetries,
  })

const unconfigured: TokenValidator = {
  validate() {
    throw new Error('no token can be validated: [keystone_authtoken] auth_type is not set')
  },
}

/** What paste.deploy adds, and what says where oslo.config should look, which is settled before a filter is made. */
const known = new Set(['here', '__file__', 'configkey', 'log_name', 'oslo_config_project', 'oslo_config_file'])
for (const { name, deprecated } of Object.values<Option<unknown>>(authTokenOptions.options))
  for (const each of [name, ...deprecated]) known.add(each)

/** What an operator should know of these settings. */
function* notices(settings: AuthTokenSettings, variables: Variables): Generator<string> {
  for (const name of Object.keys(variables)) if (!known.has(name)) yield `The option "${name}" is not known to keystonemiddleware`
  if (!settings.authType) yield '[keystone_authtoken] auth_type is not set: no token can be validated.'
  if (!settings.wwwAuthenticateUri) {
    yield 'Configuring www_authenticate_uri to point to the public identity endpoint is required; clients may not be able to authenticate against an admin endpoint'
  }
  if (!settings.serviceTokenRolesRequired) {
    yield 'service_token_roles_required is false: any valid token passes for a service token, whose bearer access rules do not bind. Set it to true.'
  }
  if (saslWanted(settings)) yield saslUnsupported
}

/** Whether tokens are meant to be in a memcached that wants a password. */
export const saslWanted = (settings: Pick<AuthTokenSettings, 'memcachedServers' | 'memcacheSaslEnabled'>): boolean =>
  settings.memcachedServers.length > 0 && settings.memcacheSaslEnabled

/** What becomes of it. */
export const saslUnsupported =
  'memcache_sasl_enabled is not supported: memcached_servers has no effect, and tokens are cached in this process.'
