/** /v3/users: who may log in (keystone/api/users.py, keystone/identity/core.py). */
import { reply } from '../service.ts'
import { groupsOf, targetsOf } from './effective.ts'
import { conflict, invalid, notBuilt, unauthorized } from './faults.ts'
import { filtered, listed, member } from './lists.ts'
import { removeWhere, type Store, type User } from './model.ts'
import { domainIdFor, extraOf, type IdentityRoutes, optionsOf, type Setting, sameId, type TokenCall, textOr, truth } from './resource.ts'
import { enforce } from './rules.ts'
import { bodyOf, check, checkQuery, type Fields } from './shapes.ts'
import { domainOf, groupView, projectView, userNamed, userOf, userView } from './things.ts'

/** `description` is not among them: Keystone keeps it with what it does not know. */
const known = ['id', 'name', 'domain_id', 'enabled', 'default_project_id', 'password', 'options', 'links', 'extra', 'federated']

export function userRoutes({ store, passwords, newId }: Setting): IdentityRoutes {
  const target = (call: TokenCall) => {
    const user = store.users.get(call.params.user_id!)
    return { userId: call.params.user_id!, ...(user && { user }) }
  }
  const hashOf = async (fields: Fields) => (typeof fields.password === 'string' ? await passwords.hash(fields.password) : null)

  return {
    'GET /v3/users': (call) => {
      checkQuery(call.query)
      const { domainId } = call.caller
      enforce(call.caller, 'list_users', { domainId })
      // Nobody's password expires and nobody comes from elsewhere, so a filter on either leaves nothing.
      const none = ['idp_id', 'protocol_id', 'unique_id', 'password_expires_at'].some((name) => call.query.has(name))
      const users = none ? [] : store.users.filter((one) => domainId === null || one.domain_id === domainId)
      return listed(call, 'users', filtered(users, call.query, ['domain_id', 'enabled', 'name']).map(userView))
    },
    'POST /v3/users': async (call) => {
      const fields = bodyOf('userCreate', call.body, 'user')
      enforce(call.caller, 'create_user', { user: { domain_id: fields.domain_id } })
      const password = await hashOf(fields)
      const user = addUser(store, newUser(newId(), domainIdFor(call, fields.domain_id), fields, password))
      return reply(201, { user: member(call, 'users', userView(user)) })
    },
    'GET /v3/users/:user_id': (call) => {
      enforce(call.caller, 'get_user', target(call))
      return { user: member(call, 'users', userView(userOf(store, call.params.user_id!))) }
    },
    'PATCH /v3/users/:user_id': async (call) => {
      const fields = bodyOf('userUpdate', call.body, 'user')
      enforce(call.caller, 'update_user', target(call))
      userOf(store, call.params.user_id!)
      sameId(fields, call.params.user_id)
      const password = await hashOf(fields)
      const user = updateUser(store, userOf(store, call.params.user_id!), fields, password)
      // On purpose: Keystone's answer to a change holds what it does not know twice.
      const twice = Object.keys(user.extra).length > 0 ? { extra: user.extra } : {}
      return { user: { ...member(call, 'users', userView(user)), ...twice } }
    },
    'DELETE /v3/users/:user_id': (call) => {
      enforce(call.caller, 'delete_user', target(call))
      const { id } = userOf(store, call.params.user_id!)
      store.change(() => removeUser(store, id))
    },
    'GET /v3/users/:user_id/projects': (call) => {
      enforce(call.caller, 'list_user_projects', target(call))
      const { id } = userOf(store, call.params.user_id!)
      const projects = targetsOf(store, id, 'project').map((project) => store.projects.get(project)!)
      return listed(call, 'projects', filtered(projects, call.query, ['domain_id', 'enabled', 'name']).map(projectView))
    },
    'GET /v3/users/:user_id/groups': (call) => {
      enforce(call.caller, 'list_groups_for_user', target(call))
      const { domainId } = call.caller
      const groups = groupsOf(store, userOf(store, call.params.user_id!).id).map((group) => store.groups.get(group)!)
      const shown = filtered(groups, call.query, ['name']).filter((group) => domainId === null || group.domain_id === domainId)
      return listed(
        call,
        'groups',
        shown.map((group) => ({ ...groupView(group), membership_expires_at: null })),
      )
    },
    'DELETE /v3/users/:user_id/tokens': (call) => {
      enforce(call.caller, 'revoke_tokens_for_user', target(call))
      const user = userOf(store, call.params.user_id!)
      store.change(() => store.users.put(revoked(user)))
    },
  }
}

/** `POST /v3/users/{id}/password` needs no token: the old password says who it is. */
export const passwordRoute =
  ({ store, passwords }: Setting) =>
  async (call: { params: Readonly<Record<string, string>>; body: unknown }): Promise<void> => {
    const given = check('password', (call.body as Fields | undefined)?.user ?? {}) as { original_password: string; password: string }
    const user = userOf(store, call.params.user_id!)
    if (!user.enabled || !(await passwords.check(given.original_password, user.password))) throw unauthorized()
    if (user.options.lock_password === true)
      throw invalid(
        'Password validation error: You cannot change your password at this time due to password policy disallowing password changes. Please contact your administrator to reset your password.',
      )
    const password = await passwords.hash(given.password)
    store.change(() => store.users.put({ ...revoked(userOf(store, user.id)), password }))
  }

/** The user with all tokens so far no longer good. */
const revoked = (user: User): User => ({ ...user, tokenEpoch: user.tokenEpoch + 1 })

export function newUser(id: string, domainId: string, fields: Fields, password: string | null): User {
  assertBuilt(fields)
  return {
    id,
    name: (fields.name as string).trim(),
    domain_id: domainId,
    enabled: truth(fields.enabled, true),
    default_project_id: textOr(fields.default_project_id, null),
    options: optionsOf(fields.options),
    extra: extraOf(fields, known),
    password,
    tokenEpoch: 0,
  }
}

/** Adds a user after Keystone's checks. */
function addUser(store: Store, user: User): User {
  domainOf(store, user.domain_id)
  assertDefaultProject(store, user.default_project_id)
  if (userNamed(store, user.name, user.domain_id))
    throw conflict('user', `Duplicate entry found with name ${user.name} at domain ID ${user.domain_id}`)
  return store.change(() => store.users.put(user))
}

function updateUser(store: Store, user: User, fields: Fields, password: string | null): User {
  assertBuilt(fields)
  if (fields.domain_id !== undefined && fields.domain_id !== user.domain_id) throw invalid('Cannot change Domain ID')
  assertDefaultProject(store, fields.default_project_id as string | null | undefined)
  const changed: User = {
    ...user,
    name: fields.name === undefined ? user.name : (fields.name as string).trim(),
    enabled: truth(fields.enabled, user.enabled),
    default_project_id: textOr(fields.default_project_id, user.default_project_id),
    options: optionsOf(fields.options, user.options),
    extra: { ...user.extra, ...extraOf(fields, known) },
    password: fields.password === undefined ? user.password : password,
  }
  const other = userNamed(store, changed.name, changed.domain_id)
  if (other && other.id !== user.id) throw conflict('user', `Duplicate entry found with name ${changed.name}`)
  const disabled = user.enabled && !changed.enabled
  return store.change(() => {
    // keystone/application_credential/core.py: a user who is disabled loses them
    if (disabled) removeWhere(store.applicationCredentials, (one) => one.user_id === user.id)
    return store.users.put(disabled || fields.password !== undefined ? revoked(changed) : changed)
  })
}

/** Keystone takes any project as the default, even one that is not there, but no domain. */
function assertDefaultProject(store: Store, id: string | null | undefined): void {
  if (id && store.projects.get(id)?.is_domain) throw invalid(`User's default project ID cannot be a domain ID: ${id}`)
}

function assertBuilt({ federated, options }: Fields): void {
  if (Array.isArray(federated) && federated.length > 0) throw notBuilt('federation')
  const rules = (options as Fields | undefined)?.multi_factor_auth_rules
  if (Array.isArray(rules) && rules.length > 0) throw notBuilt('multi-factor authentication')
}

/** Removes a user with everything that is said of it; only inside `change`. */
export function removeUser(store: Store, id: string): void {
  store.users.remove(id)
  removeWhere(store.memberships, (one) => one.user_id === id)
  removeWhere(store.assignments, (one) => one.actor === 'user' && one.actor_id === id)
  removeWhere(store.applicationCredentials, (one) => one.user_id === id)
}
