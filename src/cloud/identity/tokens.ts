/** Tokens: sealed statements of who, where and until when, judged against the store each time they are shown. */
import type { Caller, Clock, Ids } from '../service.ts'
import { rolesOn } from './effective.ts'
import { newKey, open, seal } from './fernet.ts'
import { type ApplicationCredential, type Project, type Role, removeWhere, type Store, type User } from './model.ts'

/** What a token is good for: a project, a domain, the system, or nothing but finding out more. */
export type Scope = { readonly project: string } | { readonly domain: string } | { readonly system: true } | null

/** What is sealed into a token. Times in milliseconds. */
export interface Claims {
  readonly user: string
  readonly methods: readonly string[]
  readonly scope: Scope
  /** Its own audit id, and that of the first token of the chain it was made from. */
  readonly audit: readonly [string] | readonly [string, string]
  readonly issued: number
  readonly expires: number
  readonly credential: string | null
  /** The user's `tokenEpoch` at the time. */
  readonly epoch: number
}

/** A token that holds, with all that it names. */
export interface Valid {
  readonly token: string
  readonly claims: Claims
  readonly user: User
  readonly userDomain: Project
  readonly project: Project | null
  readonly projectDomain: Project | null
  readonly domain: Project | null
  readonly roles: readonly Role[]
  readonly credential: ApplicationCredential | null
}

/** The caller of a request to the identity service itself, which also asks how the token came to be. */
export interface TokenCaller extends Caller {
  readonly valid: Valid
}

export interface Tokens {
  /** A new token, or null when the user may not have one of this scope. Lives as long as `expires` says, at most the usual time. */
  issue(request: Pick<Claims, 'user' | 'methods' | 'scope' | 'credential'> & { parent?: Claims; expires?: number }): Valid | null
  /** Null for a token that is unknown, expired, revoked, or whose user, scope or roles are gone. `late` is how long after its end it still counts. */
  validate(token: string, late?: number): Valid | null
  /** The caller behind a token; kept until something changes. */
  caller(token: string): TokenCaller | null
  /** Revokes a token, and with `chain` those made from it. */
  revoke(claims: Claims, chain: boolean): void
}

/** How long after its end a token is still shown to who asks with `allow_expired` ([token] allow_expired_window), in milliseconds. */
export const expiredWindow = 172_800_000

/** How many tokens are kept as they were judged last. */
const remembered = 2000

export function tokens({ store, clock, ids, life }: { store: Store; clock: Clock; ids: Ids; life: number }): Tokens {
  const key = theKey(store)
  const judged = new Map<string, TokenCaller>()
  let generation = -1

  function validate(token: string, late = 0): Valid | null {
    const claims = read(key, token)
    if (!claims || clock.now() >= claims.expires + late || isRevoked(store, claims)) return null
    return judge(store, token, claims)
  }

  return {
    issue({ user, methods, scope, credential, parent, expires }) {
      const now = clock.now()
      const usual = Math.floor((now + life) / 1000) * 1000
      const own = Buffer.from(ids.uuid().replaceAll('-', ''), 'hex').toString('base64url')
      const audit: Claims['audit'] = parent ? [own, parent.audit.at(-1)!] : [own]
      const epoch = store.users.get(user)?.tokenEpoch ?? 0
      const claims = { user, methods, scope, credential, epoch, audit, issued: now, expires: Math.min(usual, expires ?? usual) }
      return judge(store, seal(key, packed(claims), now), claims)
    },
    validate,
    caller(token) {
      if (generation !== store.generation || judged.size > remembered) {
        judged.clear()
        generation = store.generation
      }
      const before = judged.get(token)
      if (before) return clock.now() < before.valid.claims.expires ? before : null
      const valid = validate(token)
      if (!valid) return null
      const caller = callerOf(valid)
      judged.set(token, caller)
      return caller
    },
    revoke(claims, chain) {
      const [own] = claims.audit
      store.change(() => {
        removeWhere(store.revocations, ({ until }) => until < clock.now())
        const until = claims.expires + expiredWindow
        for (const id of [`audit:${own}`, ...(chain ? [`chain:${own}`] : [])]) store.revocations.put({ id, until })
      })
    },
  }
}

/** One key for the life of the store: tokens outlive the process. */
function theKey(store: Store): Buffer {
  const held = store.secrets.get('fernet')
  if (held) return Buffer.from(held.key, 'base64')
  const made = newKey()
  store.change(() => store.secrets.put({ id: 'fernet', key: made.toString('base64') }))
  return made
}

function read(key: Buffer, token: string): Claims | null {
  const content = open(key, token)
  return content === null ? null : unpacked(content)
}

/** Claims as short text, since a token travels in a header of every request. */
function packed({ epoch, user, methods, scope, audit, issued, expires, credential }: Claims): string {
  const where = scope === null ? '' : 'project' in scope ? `p${short(scope.project)}` : 'domain' in scope ? `d${short(scope.domain)}` : 's'
  const how = methods.map((method) => method[0]).join('')
  return JSON.stringify([
    epoch,
    short(user),
    how,
    where,
    audit.join(' '),
    issued,
    expires,
    ...(credential === null ? [] : [short(credential)]),
  ])
}

const methodOf: Readonly<Record<string, string>> = { p: 'password', t: 'token', a: 'application_credential' }

function unpacked(content: string): Claims {
  const [epoch, user, how, where, audit, issued, expires, credential] = JSON.parse(content)
  const id = long(where.slice(1))
  return {
    epoch,
    user: long(user),
    methods: [...how].map((letter: string) => methodOf[letter]!),
    scope: where === '' ? null : where[0] === 'p' ? { project: id } : where[0] === 'd' ? { domain: id } : { system: true },
    audit: audit.split(' '),
    issued,
    expires,
    credential: credential === undefined ? null : long(credential),
  }
}

/** 32 hex digits in 22 letters; any other id as it is. */
const short = (id: string): string => (/^[0-9a-f]{32}$/.test(id) ? `~${Buffer.from(id, 'hex').toString('base64url')}` : id)
const long = (id: string): string => (id.startsWith('~') ? Buffer.from(id.slice(1), 'base64url').toString('hex') : id)

const isRevoked = ({ revocations }: Store, { audit }: Claims): boolean =>
  revocations.get(`audit:${audit[0]}`) !== undefined || revocations.get(`chain:${audit.at(-1)}`) !== undefined

/** What the claims are worth now (keystone/models/token_model.py mint, keystone/token/provider.py _is_valid_token). */
function judge(store: Store, token: string, claims: Claims): Valid | null {
  const user = store.users.get(claims.user)
  const userDomain = user && enabled(store, user.domain_id)
  if (!user?.enabled || !userDomain || claims.epoch !== user.tokenEpoch) return null
  const credential = claims.credential === null ? null : store.applicationCredentials.get(claims.credential)
  if (credential === undefined) return null
  const nothing = { project: null, projectDomain: null, domain: null }
  const whole = { token, claims, user, userDomain, credential }
  const { scope } = claims
  if (scope === null) return { ...whole, ...nothing, roles: [] }
  if ('project' in scope) {
    const project = enabled(store, scope.project)
    const projectDomain = project && (project.is_domain ? project : enabled(store, project.domain_id!))
    if (!project || !projectDomain) return null
    const held = rolesOn(store, user.id, 'project', project.id)
    const roles = credential ? held.filter((role) => credential.role_ids.includes(role.id)) : held
    return roles.length === 0 ? null : { ...whole, ...nothing, project, projectDomain, roles }
  }
  const domain = 'domain' in scope ? enabled(store, scope.domain) : null
  if (domain === undefined) return null
  const roles = domain ? rolesOn(store, user.id, 'domain', domain.id) : rolesOn(store, user.id, 'system', 'system')
  return roles.length === 0 ? null : { ...whole, ...nothing, domain, roles }
}

function enabled(store: Store, id: string): Project | undefined {
  const found = store.projects.get(id)
  return found?.enabled ? found : undefined
}

function callerOf(valid: Valid): TokenCaller {
  const { user, project, domain, claims } = valid
  const roles = valid.roles.map((role) => role.name)
  return {
    token: valid.token,
    userId: user.id,
    userName: user.name,
    userDomainId: user.domain_id,
    projectId: project?.id ?? null,
    projectName: project?.name ?? null,
    projectDomainId: project?.domain_id ?? null,
    domainId: domain?.id ?? null,
    systemScope: claims.scope !== null && 'system' in claims.scope ? 'all' : null,
    roles,
    isAdmin: roles.includes('admin'),
    valid,
  }
}
