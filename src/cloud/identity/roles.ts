/** /v3/roles, the roles they imply, and /v3/role_inferences (keystone/api/roles.py, role_inferences.py). */
import { reply, ServiceError } from '../service.ts'
import { conflict, forbidden, invalid } from './faults.ts'
import { filtered, link, listed, member } from './lists.ts'
import { type Role, removeWhere, type Store } from './model.ts'
import { assertMutable } from './projects.ts'
import { extraOf, type IdentityRoutes, optionsOf, type Setting, sameId, type TokenCall, textOr } from './resource.ts'
import { type Action, enforce } from './rules.ts'
import { bodyOf, type Fields } from './shapes.ts'
import { roleOf, roleView } from './things.ts'

const known = ['id', 'name', 'domain_id', 'description', 'options', 'links', 'extra']

export function roleRoutes({ store, newId }: Setting): IdentityRoutes {
  /** Roles of a domain have rules of their own. */
  const permitted = (call: TokenCall, global: Action, ofDomain: Action): Role => {
    const role = store.roles.get(call.params.role_id!)
    enforce(call.caller, role?.domain_id ? ofDomain : global, role ? { role } : {})
    return roleOf(store, call.params.role_id!)
  }
  const brief = (call: TokenCall, { id, name }: Role) => ({ id, links: { self: link(call, `roles/${id}`) }, name })
  const pair = (call: TokenCall, action: Action) => {
    const prior = roleOf(store, call.params.prior_id!)
    const implied = roleOf(store, call.params.implied_id!)
    enforce(call.caller, action)
    const found = store.implications.get(`${prior.id}/${implied.id}`)
    return { prior, implied, found }
  }
  const absent = (prior: Role, implied: Role) => new ServiceError(404, `${prior.id} does not imply ${implied.id}.`)
  const inference = (call: TokenCall, prior: Role, implied: Role) => ({
    role_inference: { prior_role: brief(call, prior), implies: brief(call, implied) },
    links: { self: link(call, `roles/${prior.id}/implies/${implied.id}`) },
  })
  const impliedOf = (prior: string) => store.implications.filter((one) => one.prior === prior).map((one) => store.roles.get(one.implied)!)

  return {
    'GET /v3/roles': (call) => {
      const domainId = call.query.get('domain_id')
      enforce(call.caller, domainId ? 'list_domain_roles' : 'list_roles')
      const roles = store.roles.filter((role) => (domainId ? role.domain_id === domainId : role.domain_id === null))
      return listed(call, 'roles', filtered(roles, call.query, ['name']).map(roleView))
    },
    'POST /v3/roles': (call) => {
      const fields = bodyOf('roleCreate', call.body, 'role')
      enforce(call.caller, fields.domain_id ? 'create_domain_role' : 'create_role')
      return reply(201, { role: member(call, 'roles', roleView(addRole(store, newRole(newId(), fields)))) })
    },
    'GET /v3/roles/:role_id': (call) => ({ role: member(call, 'roles', roleView(permitted(call, 'get_role', 'get_domain_role'))) }),
    'PATCH /v3/roles/:role_id': (call) => {
      const fields = bodyOf('roleUpdate', call.body, 'role')
      const role = permitted(call, 'update_role', 'update_domain_role')
      sameId(fields, role.id)
      return { role: member(call, 'roles', roleView(updateRole(store, role, fields))) }
    },
    'DELETE /v3/roles/:role_id': (call) => {
      const role = permitted(call, 'delete_role', 'delete_domain_role')
      assertMutable(role, 'role', 'delete')
      store.change(() => removeRole(store, role.id))
    },
    'GET /v3/roles/:prior_id/implies': (call) => {
      const prior = roleOf(store, call.params.prior_id!)
      enforce(call.caller, 'list_implied_roles')
      return {
        role_inference: { prior_role: brief(call, prior), implies: impliedOf(prior.id).map((role) => brief(call, role)) },
        links: { self: link(call, `roles/${prior.id}/implies`) },
      }
    },
    'GET /v3/roles/:prior_id/implies/:implied_id': (call) => {
      const { prior, implied, found } = pair(call, 'get_implied_role')
      if (!found) throw absent(prior, implied)
      return inference(call, prior, implied)
    },
    'HEAD /v3/roles/:prior_id/implies/:implied_id': (call) => {
      const { prior, implied, found } = pair(call, 'check_implied_role')
      if (!found) throw absent(prior, implied)
    },
    'PUT /v3/roles/:prior_id/implies/:implied_id': (call) => {
      const { prior, implied, found } = pair(call, 'create_implied_role')
      // [assignment] prohibited_implied_role
      if (implied.name === 'admin' || (prior.domain_id === null && implied.domain_id !== null))
        throw forbidden(`${implied.id} cannot be an implied roles.`)
      if (found) throw conflict('implied_role', 'Duplicate entry')
      store.change(() => store.implications.put({ id: `${prior.id}/${implied.id}`, prior: prior.id, implied: implied.id }))
      return reply(201, inference(call, prior, implied))
    },
    'DELETE /v3/roles/:prior_id/implies/:implied_id': (call) => {
      const { prior, implied, found } = pair(call, 'delete_implied_role')
      if (!found) throw absent(prior, implied)
      store.change(() => store.implications.remove(found.id))
    },
    'GET /v3/role_inferences': (call) => {
      enforce(call.caller, 'list_role_inference_rules')
      const priors = [...new Set(store.implications.all().map((one) => one.prior))].map((id) => store.roles.get(id)!)
      const role_inferences = priors.map((prior) => ({
        prior_role: brief(call, prior),
        implies: impliedOf(prior.id).map((role) => brief(call, role)),
      }))
      return { role_inferences }
    },
  }
}

export const newRole = (id: string, fields: Fields): Role => ({
  id,
  name: fields.name as string,
  domain_id: textOr(fields.domain_id, null),
  description: textOr(fields.description, null),
  options: optionsOf(fields.options),
  extra: extraOf(fields, known),
})

function addRole(store: Store, role: Role): Role {
  assertNameFree(store, role)
  return store.change(() => store.roles.put(role))
}

function updateRole(store: Store, role: Role, fields: Fields): Role {
  assertMutable(role, 'role', 'update', fields)
  if (fields.domain_id !== undefined && fields.domain_id !== role.domain_id) throw invalid('Update of `domain_id` is not allowed.')
  const changed: Role = {
    ...role,
    name: (fields.name as string | undefined) ?? role.name,
    description: textOr(fields.description, role.description),
    options: optionsOf(fields.options, role.options),
    extra: { ...role.extra, ...extraOf(fields, known) },
  }
  assertNameFree(store, changed)
  return store.change(() => store.roles.put(changed))
}

function assertNameFree(store: Store, { id, name, domain_id }: Role): void {
  if (store.roles.find((one) => one.name === name && one.domain_id === domain_id && one.id !== id))
    throw conflict('role', `Duplicate entry found with name ${name}${domain_id === null ? '' : ` at domain ID ${domain_id}`}`)
}

/** Removes a role with everything that is said of it; only inside `change`. */
export function removeRole(store: Store, id: string): void {
  store.roles.remove(id)
  removeWhere(store.implications, (one) => one.prior === id || one.implied === id)
  removeWhere(store.assignments, (one) => one.role_id === id)
  removeWhere(store.applicationCredentials, (one) => one.role_ids.includes(id))
}
