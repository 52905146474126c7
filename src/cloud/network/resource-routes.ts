/** The routes that every resource has: list, show, create, update, delete, and actions on a member. */
import { header } from '../../app/contract.ts'
import { type AuthenticatedCall, type Routes, reply } from '../service.ts'
import type { Document } from '../shelf.ts'
import { type Attributes, createValues, updateValues } from './attributes.ts'
import type { Standard } from './documents.ts'
import { fault } from './faults.ts'
import { page } from './listing.ts'
import { allowed, enforce, mayWrite } from './policy.ts'
import { fieldsOf, find, mayGet, type Resource, render, routeOf, targetOf } from './resource.ts'
import { enforceQuota, type Neutron, type Operation } from './state.ts'

/** The routes of a resource: those for which it has operations. */
export function resourceRoutes<T extends Document, V>(resource: Resource<T, V>, neutron: Neutron): Routes {
  const path = routeOf(resource)
  const { create, update, remove } = resource
  return {
    [`GET ${path}`]: (call) => list(resource as Resource<T>, neutron, call),
    [`GET ${path}/:id`]: (call) => show(resource as Resource<T>, neutron, call),
    ...(create && { [`POST ${path}`]: (call: AuthenticatedCall) => post(resource, neutron, call) }),
    ...(update && { [`PUT ${path}/:id`]: (call: AuthenticatedCall) => put(resource, neutron, call) }),
    ...(remove && { [`DELETE ${path}/:id`]: (call: AuthenticatedCall) => del(resource, neutron, call) }),
  }
}

function list<T extends Document>(resource: Resource<T>, neutron: Neutron, call: AuthenticatedCall): unknown {
  const operation = { neutron, caller: call.caller }
  if (resource.beforeList) neutron.store.write(() => resource.beforeList!(call, operation))
  return page(resource, operation, call.query, `${call.baseUrl}${routeOf(resource)}`)
}

function show<T extends Document>(resource: Resource<T>, neutron: Neutron, { caller, params, query }: AuthenticatedCall): unknown {
  const operation = { neutron, caller }
  const row = find(resource, params.id!, operation)
  if (!mayGet(resource, row, operation)) throw fault('HTTPNotFound')
  return { [resource.name]: render(resource, row, operation, fieldsOf(query)) }
}

function post<T extends Document, V>(resource: Resource<T, V>, neutron: Neutron, { caller, body }: AuthenticatedCall): unknown {
  const operation = { neutron, caller }
  const { items, bulk } = createValues(resource, body, caller)
  for (const item of items) resource.beforeCreate?.(item as V, operation)
  enforceQuotas(resource, neutron, items)
  for (const item of items) {
    const may = mayWrite(`create_${resource.name}`, resource.attributes as Attributes<never>, item, item, operation)
    if (!may.allowed) throw fault('PolicyNotAuthorized', may.text)
  }
  const rows = neutron.store.write(() =>
    bulk && resource.createMany
      ? resource.createMany(items as V[], operation)
      : items.map((item) => resource.create!(item as V, operation)),
  )
  const shown = rows.map((row) => render(resource as Resource<T>, row, operation))
  return reply(201, bulk ? { [resource.collection]: shown } : { [resource.name]: shown[0] })
}

function enforceQuotas<T extends Document, V>(resource: Resource<T, V>, neutron: Neutron, items: readonly Record<string, unknown>[]): void {
  if (!resource.used) return
  for (const [projectId, own] of Map.groupBy(items, (item) => String(item.project_id)))
    enforceQuota(neutron, resource.name, projectId, resource.used(neutron.store, projectId), own.length)
}

function put<T extends Document, V>(resource: Resource<T, V>, neutron: Neutron, call: AuthenticatedCall): unknown {
  const operation = { neutron, caller: call.caller }
  const values = updateValues(resource, call.body, call.caller)
  const row = find(resource as Resource<T>, call.params.id!, operation)
  const target = { ...targetOf(resource as Resource<T>, row, operation), ...values }
  const may = mayWrite(`update_${resource.name}`, resource.attributes as Attributes<never>, values, target, operation)
  if (!may.allowed) refuse(resource as Resource<T>, row, operation, may.text)
  checkRevision(row, call)
  const after = neutron.store.write(() => resource.update!(row, values as Partial<V>, operation))
  return { [resource.name]: render(resource as Resource<T>, after, operation) }
}

function del<T extends Document, V>(resource: Resource<T, V>, neutron: Neutron, call: AuthenticatedCall): unknown {
  const operation = { neutron, caller: call.caller }
  const row = find(resource as Resource<T>, call.params.id!, operation)
  const rule = `delete_${resource.name}`
  if (!allowed(rule, targetOf(resource as Resource<T>, row, operation), operation))
    refuse(resource as Resource<T>, row, operation, `rule:${rule}`)
  checkRevision(row, call)
  neutron.store.write(() => resource.remove!(row, operation))
  return undefined
}

/** 403 to those who may see it, 404 to others. neutron/pecan_wsgi/hooks/policy_enforcement.py */
function refuse<T extends Document>(resource: Resource<T>, row: T, operation: Operation, text: string): never {
  throw mayGet(resource, row, operation) ? fault('PolicyNotAuthorized', text) : fault('HTTPNotFound')
}

// neutron/api/api_common.py check_request_for_revision_constraint, neutron/services/revisions/revision_plugin.py
function checkRevision(row: Document & Partial<Standard>, { request }: AuthenticatedCall): void {
  const tags = (header(request, 'if-match') ?? '').split(',').map((tag) => tag.trim().replace(/^"|"$/g, ''))
  const wanted = tags.filter((tag) => tag.startsWith('revision_number='))
  if (wanted.length === 0) return
  if (wanted.length > 1) throw fault('BadRequest', 'if-match', 'Multiple revision_number etags are not supported.')
  const number = wanted[0]!.slice('revision_number='.length)
  if (!/^-?\d+$/.test(number)) throw fault('BadRequest', 'if-match', 'Revision number etag must be in the format of revision_number=<int>')
  if (Number(number) !== row.revision_number) throw fault('RevisionNumberConstraintFailed', number, row.revision_number ?? 0)
}

/**
 * A route for a member action such as `PUT /v2.0/routers/:id/add_router_interface`, in one transaction. As in Neutron, what the caller's
 * queries do not find is 404, and the rule of the action is asked after that.
 */
export const memberAction =
  <T extends Document>(
    resource: Resource<T, never>,
    neutron: Neutron,
    rule: string,
    run: (row: T, call: AuthenticatedCall, operation: Operation) => unknown,
  ) =>
  (call: AuthenticatedCall): unknown => {
    const operation = { neutron, caller: call.caller }
    const row = find(resource, call.params.id!, operation)
    enforce(rule, targetOf(resource, row, operation), operation)
    return neutron.store.write(() => run(row, call, operation))
  }
