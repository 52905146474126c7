/**
 * Attributes of resources as Neutron declares them: who may send what, how it is checked and shown. One table per resource drives
 * bodies, answers, filters and sorting. neutron_lib/api/attributes.py, neutron/api/v2/base.py prepare_request_body
 */
import type { Caller } from '../service.ts'
import { type Check, type Convert, isDictionary, text } from './checks.ts'
import { badRequest } from './faults.ts'
import type { Operation } from './state.ts'

export interface Attribute<T> {
  /** May be sent in POST. Then it must be sent, unless `default` is there; a default of undefined leaves it unset. */
  readonly post?: boolean
  readonly put?: boolean
  readonly default?: unknown
  readonly convert?: Convert
  readonly check?: Check
  /** Sending it asks for a rule of its own; a list names the keys of its dictionaries that have rules too (`enforce_policy`). */
  readonly guarded?: boolean | readonly string[]
  /** How it is shown when it is not simply the field of that name. False: never shown. */
  readonly show?: false | ((row: T, operation: Operation) => unknown)
  /** May be a filter: the shown value equals one of those asked for, or what the function says. */
  readonly filter?: boolean | FilterBy<T>
  readonly sort?: boolean
}

/** Makes the test for the values of one filter. Called once per list. */
export type FilterBy<T> = (values: readonly string[], operation: Operation) => (row: T) => boolean

export type Attributes<T> = Readonly<Record<string, Attribute<T>>>

/** The attributes that have the same form in nearly all resources. */
const listed = { filter: true, sort: true } as const
export const common = {
  id: listed,
  name: { post: true, put: true, default: '', check: text(255), ...listed },
  project_id: { post: true, check: text(255), ...listed },
  tenant_id: { post: true, check: text(255), show: (row: { project_id: string }) => row.project_id, ...listed },
  description: { post: true, put: true, default: '', check: text(255), filter: true },
  created_at: {},
  updated_at: {},
  revision_number: { filter: true, sort: true },
} as const

type Body = Record<string, unknown>

interface Shape {
  readonly name: string
  readonly attributes: Attributes<never>
}

/** The checked values of each item of a POST body, and whether it was a list. Unset attributes are left out. */
export function createValues({ name, attributes }: Shape, body: unknown, caller: Caller): { items: Body[]; bulk: boolean } {
  const sent = asBody(body, name)
  const many = sent[`${name}s`]
  if (!(`${name}s` in sent)) return { items: [createOne(name, attributes, sent, caller)], bulk: false }
  if (!Array.isArray(many) || many.length === 0) throw badRequest('Resources required')
  const wrapped = many.map((item) => (isDictionary(item) && name in item ? item : { [name]: item }))
  return { items: wrapped.map((item) => createOne(name, attributes, item, caller)), bulk: true }
}

function createOne(name: string, attributes: Attributes<never>, body: Body, caller: Caller): Body {
  const values = ownValues(name, attributes, body, caller)
  if ('project_id' in attributes && !('project_id' in values)) {
    if (!caller.projectId) throw badRequest('Running without keystone AuthN requires that tenant_id is specified')
    values.project_id = caller.projectId
  }
  for (const [key, attribute] of Object.entries(attributes)) {
    if (key === 'tenant_id') continue
    if (!attribute.post && key in values) throw badRequest(`Attribute '${key}' not allowed in POST`)
    if (!attribute.post || key in values) continue
    if (!('default' in attribute)) throw badRequest(`Failed to parse request. Required attribute '${key}' not specified`)
    if (attribute.default !== undefined) values[key] = structuredClone(attribute.default)
  }
  return checked(attributes, values)
}

/** The checked values of a PUT body. */
export function updateValues({ name, attributes }: Shape, body: unknown, caller: Caller): Body {
  const sent = asBody(body, name)
  if (`${name}s` in sent) throw badRequest('Bulk operation not supported')
  const values = ownValues(name, attributes, sent, caller)
  for (const key of Object.keys(values)) if (!attributes[key]!.put) throw badRequest(`Cannot update read-only attribute ${key}`)
  return checked(attributes, values)
}

function asBody(body: unknown, name: string): Body {
  if (body === undefined) throw badRequest(`Unable to find '${name}' in request body`)
  if (!isDictionary(body)) throw badRequest('Body contains invalid data')
  return body
}

/** What the caller sent for one resource, with a project id that is theirs to give, and no attribute that does not exist. */
function ownValues(name: string, attributes: Attributes<never>, body: Body, caller: Caller): Body {
  const sent = body[name]
  if (sent === undefined || sent === null) throw badRequest(`Unable to find '${name}' in request body`)
  if (!isDictionary(sent)) throw badRequest(`Object '${name}' contains invalid data`)
  const { tenant_id, ...values } = sent
  if (tenant_id !== undefined && 'project_id' in values && values.project_id !== tenant_id)
    throw badRequest("'project_id' and 'tenant_id' do not match")
  if (tenant_id !== undefined) values.project_id = tenant_id
  if ('project_id' in values && values.project_id !== caller.projectId && !caller.isAdmin && !caller.roles.includes('service'))
    throw badRequest(
      "Specifying 'project_id' or 'tenant_id' other than the authenticated project in request is not allowed for current user.",
    )
  const unknown = Object.keys(values).filter((key) => !Object.hasOwn(attributes, key))
  if (unknown.length > 0) throw badRequest(`Unrecognized attribute(s) '${unknown.join(', ')}'`)
  return values
}

function checked(attributes: Attributes<never>, values: Body): Body {
  for (const [key, { convert, check }] of Object.entries(attributes)) {
    if (!(key in values)) continue
    if (convert) values[key] = convert(values[key])
    const reason = check?.(values[key])
    if (reason) throw badRequest(`Invalid input for ${key}. Reason: ${reason}.`)
  }
  return values
}

/** The attributes that were sent and differ from their default: those whose rules are asked (neutron/policy.py _is_attribute_explicitly_set). */
export function explicitlySet(attributes: Attributes<never>, values: Body, creating: boolean): string[] {
  return Object.keys(attributes).filter((key) => {
    if (!(key in values)) return false
    const attribute = attributes[key]!
    return !creating || !('default' in attribute) || JSON.stringify(values[key]) !== JSON.stringify(attribute.default)
  })
}
