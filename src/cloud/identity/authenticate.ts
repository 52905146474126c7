/** Logging in: the ways to say who one is, and the scope that is asked for (keystone/auth/core.py and auth/plugins). */
import { rolesOn } from './effective.ts'
import { AuthMethodError, expecting, forbiddenAction, invalid, missing, unauthorized } from './faults.ts'
import type { ApplicationCredential, Project, Store, User } from './model.ts'
import type { Passwords } from './passwords.ts'
import { authOf, type Fields } from './shapes.ts'
import { credentialOf, projectNamed, userNamed } from './things.ts'
import type { Claims, Scope, Tokens, Valid } from './tokens.ts'

export interface Doors {
  readonly store: Store
  readonly tokens: Tokens
  readonly passwords: Passwords
  readonly clock: { now(): number }
}

interface Named {
  readonly id?: string
  readonly name?: string
  readonly domain?: Named
}

/** Who came in, and how. */
interface Known {
  readonly user: string
  readonly methods: readonly string[]
  readonly parent?: Claims
  readonly credential?: ApplicationCredential
}

const methods = ['application_credential', 'password', 'token'] as const
type Method = (typeof methods)[number]

/** A token for the body of `POST /v3/auth/tokens`. */
export async function logIn(doors: Doors, body: unknown): Promise<Valid> {
  const auth = authOf(body)
  const identity = auth.identity as Fields
  const wanted = [...new Set(identity.methods as string[])]
  checkNames(auth)
  for (const method of wanted) if (identity[method] === undefined) throw expecting(method, 'identity')
  for (const method of wanted)
    if (!methods.includes(method as Method))
      throw new AuthMethodError('Attempted to authenticate with an unsupported method.', { methods: [...methods] })
  const asked = wanted.includes('application_credential') ? await credentialScope(doors, auth) : scopeOf(doors.store, auth.scope)
  const known = await provenBy(doors, wanted as Method[], identity, asked)
  const scope = asked === undefined ? defaultScope(doors.store, known.user) : asked
  const { credential, parent } = known
  const valid = doors.tokens.issue({
    user: known.user,
    methods: known.methods,
    scope,
    credential: credential?.id ?? null,
    ...(parent && { parent, expires: parent.expires }),
    ...(credential?.expires_at && { expires: Date.parse(`${credential.expires_at}Z`) }),
  })
  if (!valid) throw unauthorized()
  return valid
}

/** What the schema cannot say: a thing that is named is named by id or name. */
function checkNames(auth: Fields): void {
  const user = ((auth.identity as Fields).password as { user?: Named } | undefined)?.user
  const { project, domain } = (typeof auth.scope === 'object' ? auth.scope : {}) as { project?: Named; domain?: Named }
  const places: [string, Named | undefined][] = [
    ['identity/password/user', user],
    ['identity/password/user/domain', user?.domain],
    ['scope/project', project],
    ['scope/project/domain', project?.domain],
    ['scope/domain', domain],
  ]
  for (const [place, named] of places)
    if (named && named.id === undefined && named.name === undefined)
      throw invalid(`Invalid input for field ${place}: id or name must be present.`)
}

/** The scope that is asked for, null for none at all, undefined where nothing is said. 401 for what does not exist or is disabled. */
function scopeOf(store: Store, asked: unknown): Scope | undefined {
  if (asked === undefined) return undefined
  const scope = (typeof asked === 'string' ? { [asked]: {} } : asked) as Record<string, Named>
  const kinds = ['project', 'domain', 'unscoped', 'system', 'OS-TRUST:trust'].filter((kind) => scope[kind] !== undefined)
  if (kinds.length !== 1) throw expecting('system, project, domain, OS-TRUST:trust or unscoped', 'scope')
  switch (kinds[0]) {
    case 'system':
      return { system: true }
    case 'unscoped':
      return null
    case 'project':
      return { project: projectFor(store, scope.project!).id }
    case 'domain':
      return { domain: domainFor(store, scope.domain!).id }
    default:
      throw missing('trust', String(scope['OS-TRUST:trust']!.id))
  }
}

function domainFor(store: Store, { id, name }: Named): Project {
  const found = name ? projectNamed(store, name, null) : store.projects.get(id ?? '')
  if (!found?.is_domain || !found.enabled) throw unauthorized()
  return found
}

function projectFor(store: Store, { id, name, domain }: Named): Project {
  if (name && !domain) throw expecting('domain', 'project')
  const found = name ? projectNamed(store, name, domainFor(store, domain!).id) : store.projects.get(id ?? '')
  if (!found?.enabled || (found.domain_id !== null && !store.projects.get(found.domain_id)?.enabled)) throw unauthorized()
  return found
}

function userFor(store: Store, { id, name, domain }: Named): User {
  if (!id && !name) throw expecting('id or name', 'user')
  if (name && !domain) throw expecting('domain', 'user')
  const found = name ? userNamed(store, name, domainFor(store, domain!).id) : store.users.get(id!)
  if (!found?.enabled || !store.projects.get(found.domain_id)?.enabled) throw unauthorized()
  return found
}

/** The user's default project, where it is set, enabled and the user has a role on it. */
function defaultScope(store: Store, userId: string): Scope {
  const project = store.projects.get(store.users.get(userId)?.default_project_id ?? '')
  const domain = project && store.projects.get(project.domain_id ?? '')
  const usable = project?.enabled && domain?.enabled && rolesOn(store, userId, 'project', project.id).length > 0
  return usable ? { project: project.id } : null
}

/** An application credential has the scope it was made for and may ask for no other. */
async function credentialScope({ store }: Doors, auth: Fields): Promise<Scope> {
  if (auth.scope !== undefined)
    throw new AuthMethodError('Error authenticating with application credential: Application credentials cannot request a scope.', {})
  return { project: namedCredential(store, (auth.identity as Fields).application_credential as Fields).project_id }
}

function namedCredential(store: Store, given: Fields): ApplicationCredential {
  if (given.id) return credentialOf(store, String(given.id))
  if (!given.name) throw expecting('name or ID', 'application credential')
  if (!given.user) throw expecting('user', 'application credential')
  const user = userFor(store, given.user as Named)
  const found = store.applicationCredentials.find((one) => one.user_id === user.id && one.name === given.name)
  if (!found) throw unauthorized()
  return found
}

async function provenBy(doors: Doors, wanted: readonly Method[], identity: Fields, scope: Scope | undefined): Promise<Known> {
  let known: Known | undefined
  for (const method of wanted) {
    const next = await ways[method](doors, identity[method] as Fields, scope)
    if (known && known.user !== next.user) throw unauthorized()
    known = { ...known, ...next, methods: [...new Set([...(known?.methods ?? []), ...next.methods])] }
  }
  if (!known) throw unauthorized()
  return known
}

type Way = (doors: Doors, given: Fields, scope: Scope | undefined) => Promise<Known>

const ways: Readonly<Record<Method, Way>> = {
  async password({ store, passwords }, given) {
    const named = given.user as (Named & { password?: string }) | undefined
    if (!named) throw expecting('user', 'password')
    const user = userFor(store, named)
    if (!(await passwords.check(named.password ?? '', user.password))) throw unauthorized()
    return { user: user.id, methods: ['password'] }
  },
  async token({ tokens }, given, scope) {
    const valid = tokens.validate(String(given.id))
    if (!valid) throw missing('token', String(given.id))
    const { claims } = valid
    // keystone/auth/plugins/token.py token_authenticate
    if (claims.scope !== null && 'system' in claims.scope && scope && !('system' in scope))
      throw forbiddenAction('Using a system-scoped token to create a project-scoped or domain-scoped token is not allowed.')
    if (claims.credential !== null) throw forbiddenAction('Using a delegated token to create another token is not allowed.')
    return { user: claims.user, methods: ['token', ...claims.methods], parent: claims }
  },
  async application_credential({ store, passwords, clock }, given) {
    const credential = namedCredential(store, given)
    const user = userFor(store, { id: credential.user_id })
    const over = credential.expires_at !== null && clock.now() >= Date.parse(`${credential.expires_at}Z`)
    if (over || !(await passwords.check(String(given.secret ?? ''), credential.secret))) throw unauthorized()
    return { user: user.id, methods: ['application_credential'], credential }
  },
}
