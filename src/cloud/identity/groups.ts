/** /v3/groups and who is in them (keystone/api/groups.py). */
import { reply, ServiceError } from '../service.ts'
import { membersOf } from './effective.ts'
import { conflict, invalid } from './faults.ts'
import { filtered, listed, member } from './lists.ts'
import { type Group, removeWhere, type Store } from './model.ts'
import { domainIdFor, extraOf, type IdentityRoutes, type Setting, sameId, type TokenCall, textOr } from './resource.ts'
import { enforce } from './rules.ts'
import { bodyOf } from './shapes.ts'
import { domainOf, groupOf, groupView, userOf, userView } from './things.ts'

const known = ['id', 'name', 'domain_id', 'description', 'links', 'extra']

export function groupRoutes({ store, newId }: Setting): IdentityRoutes {
  const target = (call: TokenCall) => {
    const group = store.groups.get(call.params.group_id!)
    const user = store.users.get(call.params.user_id ?? '')
    return { ...(group && { group }), ...(user && { user }) }
  }
  /** The membership that the path names, by its key. */
  const named = (call: TokenCall) => {
    const group = groupOf(store, call.params.group_id!)
    const user = userOf(store, call.params.user_id!)
    return { id: `${group.id}/${user.id}`, group_id: group.id, user_id: user.id }
  }
  const present = (call: TokenCall) => {
    const membership = named(call)
    if (!store.memberships.get(membership.id))
      throw new ServiceError(404, `User '${membership.user_id}' not found in group '${membership.group_id}'`)
    return membership
  }

  return {
    'GET /v3/groups': (call) => {
      const { domainId } = call.caller
      enforce(call.caller, 'list_groups', { group: { domain_id: domainId } })
      const groups = store.groups.filter((one) => domainId === null || one.domain_id === domainId)
      return listed(call, 'groups', filtered(groups, call.query, ['domain_id', 'name']).map(groupView))
    },
    'POST /v3/groups': (call) => {
      const fields = bodyOf('groupCreate', call.body, 'group')
      enforce(call.caller, 'create_group', { group: { domain_id: fields.domain_id } })
      const group = addGroup(store, {
        id: newId(),
        name: fields.name as string,
        domain_id: domainIdFor(call, fields.domain_id),
        description: textOr(fields.description, ''),
        extra: extraOf(fields, known),
      })
      return reply(201, { group: member(call, 'groups', groupView(group)) })
    },
    'GET /v3/groups/:group_id': (call) => {
      enforce(call.caller, 'get_group', target(call))
      return { group: member(call, 'groups', groupView(groupOf(store, call.params.group_id!))) }
    },
    'PATCH /v3/groups/:group_id': (call) => {
      const fields = bodyOf('groupUpdate', call.body, 'group')
      enforce(call.caller, 'update_group', target(call))
      sameId(fields, call.params.group_id)
      const group = groupOf(store, call.params.group_id!)
      if (fields.domain_id !== undefined && fields.domain_id !== group.domain_id) throw invalid('Cannot change Domain ID')
      const changed: Group = {
        ...group,
        name: (fields.name as string | undefined) ?? group.name,
        description: textOr(fields.description, group.description),
        extra: { ...group.extra, ...extraOf(fields, known) },
      }
      assertNameFree(store, changed)
      store.change(() => store.groups.put(changed))
      return { group: member(call, 'groups', groupView(changed)) }
    },
    'DELETE /v3/groups/:group_id': (call) => {
      enforce(call.caller, 'delete_group', target(call))
      const { id } = groupOf(store, call.params.group_id!)
      store.change(() => removeGroup(store, id))
    },
    'GET /v3/groups/:group_id/users': (call) => {
      enforce(call.caller, 'list_users_in_group', target(call))
      const { domainId } = call.caller
      const users = membersOf(store, groupOf(store, call.params.group_id!).id).map((id) => store.users.get(id)!)
      const shown = filtered(users, call.query, ['domain_id', 'enabled', 'name']).filter((user) => !domainId || user.domain_id === domainId)
      return listed(call, 'users', shown.map(userView))
    },
    'GET /v3/groups/:group_id/users/:user_id': (call) => {
      enforce(call.caller, 'check_user_in_group', target(call))
      present(call)
    },
    'PUT /v3/groups/:group_id/users/:user_id': (call) => {
      enforce(call.caller, 'add_user_to_group', target(call))
      const membership = named(call)
      store.change(() => store.memberships.put(membership))
    },
    'DELETE /v3/groups/:group_id/users/:user_id': (call) => {
      enforce(call.caller, 'remove_user_from_group', target(call))
      const { id } = present(call)
      store.change(() => store.memberships.remove(id))
    },
  }
}

function addGroup(store: Store, group: Group): Group {
  domainOf(store, group.domain_id)
  assertNameFree(store, group)
  return store.change(() => store.groups.put(group))
}

function assertNameFree(store: Store, { id, name, domain_id }: Group): void {
  if (store.groups.find((one) => one.name === name && one.domain_id === domain_id && one.id !== id))
    throw conflict('group', `Duplicate entry found with name ${name} at domain ID ${domain_id}`)
}

/** Removes a group with everything that is said of it; only inside `change`. */
export function removeGroup(store: Store, id: string): void {
  store.groups.remove(id)
  removeWhere(store.memberships, (one) => one.group_id === id)
  removeWhere(store.assignments, (one) => one.actor === 'group' && one.actor_id === id)
}
