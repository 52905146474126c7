/** Which roles somebody has where: assignments, through groups, and the roles that those imply. */
import type { Assignment, Role, Store, TargetKind } from './model.ts'

/** An assignment as it works: a group's stands here for each of its members, an implied role for the one it comes from. */
export interface Effective {
  readonly assignment: Assignment
  readonly userId: string
  readonly roleId: string
  /** The group that the user has it through. */
  readonly groupId?: string
  /** The role that implies this one. */
  readonly priorId?: string
}

export const groupsOf = (store: Store, userId: string): string[] =>
  store.memberships.filter((m) => m.user_id === userId).map((m) => m.group_id)
export const membersOf = (store: Store, groupId: string): string[] =>
  store.memberships.filter((m) => m.group_id === groupId).map((m) => m.user_id)

/**
 * The assignments of a user that work on a target, or of all users on all targets where nothing is said. Roles of a domain count only
 * through what they imply and are left out, as Keystone does (keystone/assignment/core.py _list_effective_role_assignments).
 */
export function effective(
  store: Store,
  wanted: { userId?: string | undefined; matches: (assignment: Assignment) => boolean },
): Effective[] {
  const groups = wanted.userId === undefined ? undefined : new Set(groupsOf(store, wanted.userId))
  const found: Effective[] = []
  for (const assignment of store.assignments.all()) {
    if (!wanted.matches(assignment)) continue
    const { actor, actor_id, role_id: roleId } = assignment
    if (actor === 'user') {
      if (groups === undefined || actor_id === wanted.userId) found.push({ assignment, userId: actor_id, roleId })
    } else if (groups === undefined) {
      for (const userId of membersOf(store, actor_id)) found.push({ assignment, userId, roleId, groupId: actor_id })
    } else if (groups.has(actor_id)) found.push({ assignment, userId: wanted.userId!, roleId, groupId: actor_id })
  }
  const implied = impliedBy(store)
  return found
    .flatMap((one) => [one, ...implied(one.roleId).map(({ roleId, priorId }) => ({ ...one, roleId, priorId }))])
    .filter((one) => store.roles.get(one.roleId)?.domain_id === null)
}

/** The roles a user has on a target, implied ones too, each once, the least first: Keystone has them in no order of its own. */
export function rolesOn(store: Store, userId: string, target: TargetKind, targetId: string): Role[] {
  const working = effective(store, { userId, matches: (a) => a.target === target && a.target_id === targetId })
  return [...new Set(working.map((one) => one.roleId))].map((id) => store.roles.get(id)!).reverse()
}

/** The targets of a kind on which a user has any role. */
export function targetsOf(store: Store, userId: string, target: TargetKind): string[] {
  return [...new Set(effective(store, { userId, matches: (a) => a.target === target }).map((one) => one.assignment.target_id))]
}

/** By role, all that it implies, directly or not, each with the role that implies it at once. */
export function impliedBy(store: Store): (roleId: string) => { roleId: string; priorId: string }[] {
  const direct = new Map<string, string[]>()
  for (const { prior, implied } of store.implications.all()) direct.set(prior, [...(direct.get(prior) ?? []), implied])
  return (start) => {
    const found: { roleId: string; priorId: string }[] = []
    const seen = new Set([start])
    for (const queue = [start]; queue.length > 0; ) {
      const priorId = queue.shift()!
      for (const roleId of direct.get(priorId) ?? []) {
        if (seen.has(roleId)) continue
        seen.add(roleId)
        found.push({ roleId, priorId })
        queue.push(roleId)
      }
    }
    return found
  }
}
