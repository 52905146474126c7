/** `GET /v3/role_assignments`: who has which role where, as given or as it works (keystone/api/role_assignments.py). */
import { type Effective, effective } from './effective.ts'
import { invalid, notBuilt } from './faults.ts'
import { flag, link, wrapped } from './lists.ts'
import type { Assignment, Store } from './model.ts'
import { subtree } from './projects.ts'
import type { IdentityRoutes, Setting, TokenCall } from './resource.ts'
import { enforce } from './rules.ts'
import { projectOf, reference } from './things.ts'

/** An assignment as it was given, or as it works for one user. */
type Found = { readonly assignment: Assignment; readonly roleId: string } & Partial<Effective>

export function roleAssignmentRoutes({ store }: Setting): IdentityRoutes {
  return {
    'GET /v3/role_assignments': (call) => {
      const tree = flag(call, 'include_subtree')
      const projectId = call.query.get('scope.project.id')
      permit(store, call, tree, projectId)
      assertFilters(call)
      const { domainId } = call.caller
      const found = wantedBy(store, call, tree && projectId ? [projectId, ...subtree(store, projectId).map(({ id }) => id)] : projectId)
      const shown = domainId === null || tree ? found : found.filter((one) => inDomain(store, one.assignment, domainId))
      const names = flag(call, 'include_names')
      return wrapped(call, 'role_assignments', shown, (one) => view(store, call, one, names))
    },
  }
}

function permit(store: Store, call: TokenCall, tree: boolean, projectId: string | null): void {
  if (!tree) {
    enforce(call.caller, 'list_role_assignments', { domainId: call.caller.domainId })
    return
  }
  const domainId = projectId ? projectOf(store, projectId).domain_id : null
  enforce(call.caller, 'list_role_assignments_for_tree', { domainId })
  if (!projectId) throw invalid('scope.project.id must be specified if include_subtree is also specified')
}

function assertFilters(call: TokenCall): void {
  const has = (name: string) => Boolean(call.query.get(name))
  if (has('scope.OS-INHERIT:inherited_to')) throw notBuilt('inherited role assignments')
  if (has('scope.domain.id') && has('scope.project.id')) throw invalid('Specify a domain or project, not both')
  if (has('scope.system') && has('scope.domain.id')) throw invalid('Specify system or domain, not both')
  if (has('scope.system') && has('scope.project.id')) throw invalid('Specify system or project, not both')
  if (has('user.id') && has('group.id')) throw invalid('Specify a user or group, not both')
  if (flag(call, 'effective') && has('group.id')) throw invalid('Combining effective and group filter will always result in an empty list.')
}

function wantedBy(store: Store, call: TokenCall, project: string | readonly string[] | null): Found[] {
  const asked = (name: string) => call.query.get(name) || undefined
  const [userId, groupId, roleId, domainId] = ['user.id', 'group.id', 'role.id', 'scope.domain.id'].map(asked)
  const system = asked('scope.system') === 'all'
  const isEffective = flag(call, 'effective')
  const projects = project === null || project === '' ? undefined : [project].flat()
  const matches = ({ target, target_id }: Assignment): boolean => {
    if (projects) return target === 'project' && projects.includes(target_id)
    if (domainId) return target === 'domain' && target_id === domainId
    // On purpose: what works on the system is in no effective list (keystone/assignment/core.py _list_effective_role_assignments).
    if (isEffective) return target !== 'system'
    return !system || target === 'system'
  }
  if (isEffective) return effective(store, { userId, matches }).filter((one) => !roleId || one.roleId === roleId)
  return store.assignments
    .filter(
      (one) =>
        matches(one) &&
        (!userId || (one.actor === 'user' && one.actor_id === userId)) &&
        (!groupId || (one.actor === 'group' && one.actor_id === groupId)) &&
        (!roleId || one.role_id === roleId),
    )
    .map((assignment) => ({ assignment, roleId: assignment.role_id }))
}

function inDomain(store: Store, { target, target_id }: Assignment, domainId: string): boolean {
  return target === 'domain' ? target_id === domainId : target === 'project' && store.projects.get(target_id)?.domain_id === domainId
}

function view(store: Store, call: TokenCall, { assignment, roleId, userId, groupId, priorId }: Found, names: boolean): object {
  const { actor, actor_id, target, target_id } = assignment
  const where = target === 'system' ? 'system' : `${target}s/${target_id}`
  const who = actor === 'user' ? `users/${actor_id}` : `groups/${actor_id}`
  const user = userId ?? (actor === 'user' ? actor_id : undefined)
  return {
    links: {
      assignment: link(call, `${where}/${who}/roles/${priorId ?? roleId}`),
      ...(groupId && { membership: link(call, `groups/${groupId}/users/${user}`) }),
      // On purpose: prior and implied stand the wrong way round, as in Keystone's answers.
      ...(priorId && { prior_role: link(call, `prior_role/${roleId}/implies/${priorId}`) }),
    },
    scope: scopeView(store, assignment, names),
    ...(user === undefined ? { group: actorView(store, 'group', actor_id, names) } : { user: actorView(store, 'user', user, names) }),
    role: roleNamed(store, roleId, names),
  }
}

function scopeView(store: Store, { target, target_id: id }: Assignment, names: boolean): object {
  if (target === 'system') return { system: { all: true } }
  if (!names) return { [target]: { id } }
  const { name, domain_id } = store.projects.get(id)!
  return { [target]: { id, name, ...(target === 'project' && { domain: domainNamed(store, domain_id) }) } }
}

function actorView(store: Store, actor: 'user' | 'group', id: string, names: boolean): object {
  if (!names) return { id }
  const held = actor === 'user' ? store.users.get(id)! : store.groups.get(id)!
  return { id, name: held.name, domain: domainNamed(store, held.domain_id) }
}

function roleNamed(store: Store, id: string, names: boolean): object {
  if (!names) return { id }
  const { name, domain_id } = store.roles.get(id)!
  return { id, name, ...(domain_id !== null && { domain: domainNamed(store, domain_id) }) }
}

/** A project that acts as a domain has none of its own. */
const domainNamed = (store: Store, id: string | null) => (id === null ? null : reference(store.projects.get(id)!))
