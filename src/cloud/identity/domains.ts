/** /v3/domains (keystone/api/domains.py): projects that hold projects, users and groups. */
import { reply } from '../service.ts'
import { conflict, forbidden } from './faults.ts'
import { removeGroup } from './groups.ts'
import { filtered, listed, member } from './lists.ts'
import type { Store } from './model.ts'
import { addProject, assertMutable, removeProject, subtree, updateProject } from './projects.ts'
import { extraOf, type IdentityRoutes, optionsOf, type Setting, textOr, truth } from './resource.ts'
import { removeRole } from './roles.ts'
import { enforce } from './rules.ts'
import { bodyOf, checkQuery, type Fields } from './shapes.ts'
import { domainOf, domainView } from './things.ts'
import { removeUser } from './users.ts'

const known = ['id', 'name', 'enabled', 'description', 'tags', 'options', 'links', 'extra', 'explicit_domain_id']

export function domainRoutes({ store, newId }: Setting): IdentityRoutes {
  return {
    'GET /v3/domains': (call) => {
      checkQuery(call.query)
      const { domainId } = call.caller
      enforce(call.caller, 'list_domains', domainId === null ? {} : { domain: { id: domainId } })
      const domains = store.projects.filter((one) => one.is_domain && (domainId === null || one.id === domainId))
      return listed(call, 'domains', filtered(domains, call.query, ['name', 'enabled']).map(domainView))
    },
    'POST /v3/domains': (call) => {
      const fields = bodyOf('domainCreate', call.body, 'domain')
      enforce(call.caller, 'create_domain')
      return reply(201, { domain: member(call, 'domains', domainView(createDomain(store, newId(), fields))) })
    },
    'GET /v3/domains/:domain_id': (call) => {
      const domain = store.projects.get(call.params.domain_id!)
      enforce(call.caller, 'get_domain', domain ? { domain } : {})
      return { domain: member(call, 'domains', domainView(domainOf(store, call.params.domain_id!))) }
    },
    'PATCH /v3/domains/:domain_id': (call) => {
      const fields = bodyOf('domainUpdate', call.body, 'domain')
      enforce(call.caller, 'update_domain')
      const domain = updateProject(store, domainOf(store, call.params.domain_id!), fields)
      return { domain: member(call, 'domains', domainView(domain)) }
    },
    'DELETE /v3/domains/:domain_id': (call) => {
      enforce(call.caller, 'delete_domain')
      const domain = domainOf(store, call.params.domain_id!)
      assertMutable(domain, 'domain', 'delete')
      if (domain.enabled) throw forbidden('Cannot delete a domain that is enabled, please disable it first.')
      store.change(() => removeDomain(store, domain.id))
    },
  }
}

function createDomain(store: Store, made: string, fields: Fields) {
  const id = (fields.explicit_domain_id as string | undefined) ?? made
  if (store.projects.get(id)) throw conflict('project', `Duplicate ID, ${id}`)
  return addProject(store, {
    id,
    name: (fields.name as string).trim(),
    domain_id: null,
    description: textOr(fields.description, ''),
    enabled: truth(fields.enabled, true),
    parent_id: null,
    is_domain: true,
    tags: (fields.tags as string[] | undefined) ?? [],
    options: optionsOf(fields.options),
    extra: extraOf(fields, known),
  })
}

/** Removes a domain with all that is in it; only inside `change`. */
function removeDomain(store: Store, id: string): void {
  for (const { id: user } of store.users.filter((one) => one.domain_id === id)) removeUser(store, user)
  for (const { id: group } of store.groups.filter((one) => one.domain_id === id)) removeGroup(store, group)
  for (const { id: role } of store.roles.filter((one) => one.domain_id === id)) removeRole(store, role)
  for (const { id: project } of subtree(store, id)) removeProject(store, project)
  removeProject(store, id)
}
