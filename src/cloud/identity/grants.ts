/** Roles given to users and groups on projects, domains and the system: the paths that name one each (keystone/api/projects.py, domains.py, system.py). */
import { ServiceError } from '../service.ts'
import { forbidden, invalid } from './faults.ts'
import { listed } from './lists.ts'
import type { Actor, Assignment, Role, Store, TargetKind } from './model.ts'
import type { IdentityRoutes, Setting, TokenCall } from './resource.ts'
import { type Action, enforce, type Target } from './rules.ts'
import { domainOf, groupOf, projectOf, roleOf, roleView, userOf } from './things.ts'

const actors: readonly Actor[] = ['user', 'group']
const targets: readonly { target: TargetKind; path: string }[] = [
  { target: 'project', path: 'projects/:target_id' },
  { target: 'domain', path: 'domains/:target_id' },
  { target: 'system', path: 'system' },
]

export function grantRoutes({ store }: Setting): IdentityRoutes {
  const routes: Record<string, IdentityRoutes[string]> = {}
  for (const actor of actors)
    for (const { target, path } of targets) {
      const kinds = { actor, target }
      const list = `/v3/${path}/${actor}s/:actor_id/roles`
      routes[`GET ${list}`] = (call) => {
        const { actorId, targetId } = named(store, call, kinds, actionFor('list', kinds))
        const roles = store.assignments.filter(
          (one) => one.actor === actor && one.actor_id === actorId && one.target === target && one.target_id === targetId,
        )
        return listed(
          call,
          'roles',
          roles.map((one) => roleView(store.roles.get(one.role_id)!)),
        )
      }
      routes[`GET ${list}/:role_id`] = (call) => {
        present(store, grantOf(store, call, kinds, 'check'))
      }
      routes[`PUT ${list}/:role_id`] = (call) => {
        const grant = grantOf(store, call, kinds, 'create')
        assertUsable(store, grant)
        store.change(() => store.assignments.put(grant))
      }
      routes[`DELETE ${list}/:role_id`] = (call) => {
        const grant = grantOf(store, call, kinds, 'revoke')
        present(store, grant)
        store.change(() => store.assignments.remove(grant.id))
      }
    }
  return routes
}

type Kinds = Pick<Assignment, 'actor' | 'target'>
type Verb = 'list' | 'check' | 'create' | 'revoke'

function actionFor(verb: Verb, { actor, target }: Kinds): Action {
  if (target !== 'system') return verb === 'list' ? 'list_grants' : `${verb}_grant`
  return verb === 'list' ? `list_system_grants_for_${actor}` : `${verb}_system_grant_for_${actor}`
}

/** The ids of the path, after the rule was asked. 404 for what is not there comes first, as in Keystone; a removal forgives a lost actor. */
function named(store: Store, call: TokenCall, { actor, target }: Kinds, action: Action, role?: Role) {
  const actorId = call.params.actor_id!
  const targetId = target === 'system' ? 'system' : call.params.target_id!
  const seen: Target = {
    ...(role && { role }),
    ...(actor === 'user' ? { user: userOf(store, actorId) } : { group: groupOf(store, actorId) }),
    ...(target === 'project' && { project: projectOf(store, targetId) }),
    ...(target === 'domain' && { domain: domainOf(store, targetId) }),
  }
  enforce(call.caller, action, seen)
  return { actorId, targetId }
}

function grantOf(store: Store, call: TokenCall, kinds: Kinds, verb: Exclude<Verb, 'list'>): Assignment {
  const role = roleOf(store, call.params.role_id!)
  const { actorId, targetId } = named(store, call, kinds, actionFor(verb, kinds), role)
  return assignmentOf({ ...kinds, actor_id: actorId, target_id: targetId, role_id: role.id })
}

/** An assignment; its id says all of it, so that giving a role twice is giving it once. */
export const assignmentOf = ({ actor, actor_id, target, target_id, role_id }: Omit<Assignment, 'id'>): Assignment => ({
  id: `${actor}/${actor_id}/${target}/${target_id}/${role_id}`,
  actor,
  actor_id,
  target,
  target_id,
  role_id,
})

function present(store: Store, { id, role_id, actor_id, target_id }: Assignment): void {
  if (store.assignments.get(id)) return
  const where = `with role: ${role_id}, user or group: ${actor_id}, project, domain, or system: ${target_id}`
  throw new ServiceError(404, `Could not find role assignment ${where}.`)
}

/** A role of a domain may be given on projects of that domain and not on the system. */
function assertUsable(store: Store, { role_id, target, target_id }: Assignment): void {
  const { domain_id } = roleOf(store, role_id)
  if (domain_id === null) return
  if (target === 'system')
    throw invalid(`Role ${role_id} is a domain-specific role. Unable to use a domain-specific role in a system assignment.`)
  if (target === 'project' && store.projects.get(target_id)?.domain_id !== domain_id)
    throw forbidden(`Project ${target_id} must be in the same domain as the role ${role_id} being assigned.`)
}
