/** What a resource of the API is made of, and how its documents are found and shown. */
import type { AuthenticatedCall, ServiceError } from '../service.ts'
import type { Document } from '../shelf.ts'
import type { Attributes } from './attributes.ts'
import { allowed, hasShowRule, isService, mayShow, type Target } from './policy.ts'
import type { Operation } from './state.ts'
import type { Store, Table } from './store.ts'

/** `V` are the values of a checked POST body; those of PUT are some of them. */
export interface Resource<T extends Document, V = never> {
  readonly name: string
  /** The key of lists. */
  readonly collection: string
  readonly path: string
  readonly attributes: Attributes<T>
  readonly table: (store: Store) => Table<T>
  readonly missing: (id: string) => ServiceError
  /** Whether a query of the caller finds it at all; what it does not find is 404. */
  readonly visible: (row: T, operation: Operation) => boolean
  /** What rules are asked about, when that is more than the document. */
  readonly target?: (row: T, operation: Operation) => Target
  /** Fields with an index, for filters. */
  readonly indexed?: readonly (keyof T & string)[]
  /** Runs before a list is made, for what a first look brings into being. */
  readonly beforeList?: (call: AuthenticatedCall, operation: Operation) => void
  /** Checks of the values of POST that come before quota and policy. */
  readonly beforeCreate?: (values: V, operation: Operation) => void
  readonly create?: (values: V, operation: Operation) => T
  /** For a list in POST, when it is more than one after the other. */
  readonly createMany?: (values: readonly V[], operation: Operation) => T[]
  readonly update?: (row: T, values: Partial<V>, operation: Operation) => T
  readonly remove?: (row: T, operation: Operation) => void
  /** How many a project has, for resources with a quota. */
  readonly used?: (store: Store, projectId: string) => number
}

export const routeOf = (resource: Pick<Resource<never>, 'path'>): string => `/v2.0/${resource.path}`

/** Own documents; all of them for admin and service. */
export const ownedBy = (row: { readonly project_id: string }, { caller }: Operation): boolean =>
  seesAll({ caller }) || (caller.projectId !== null && row.project_id === caller.projectId)

export const seesAll = ({ caller }: Pick<Operation, 'caller'>): boolean => caller.isAdmin || isService(caller)

/** The document with that id, when the caller's queries find it. */
export function find<T extends Document>(resource: Resource<T, never>, id: string, operation: Operation): T {
  const row = resource.table(operation.neutron.store).get(id)
  if (!row || !resource.visible(row, operation)) throw resource.missing(id)
  return row
}

/** What rules are asked about. */
export const targetOf = <T extends Document>(resource: Resource<T, never>, row: T, operation: Operation): Target =>
  resource.target?.(row, operation) ?? (row as unknown as Target)

interface Shown<T> {
  readonly key: string
  readonly value: (row: T, operation: Operation) => unknown
  /** The rule about showing it, when there is one. */
  readonly rule: string | undefined
}

/** What is shown of a resource, made once from its table. */
const views = new WeakMap<object, readonly Shown<never>[]>()

function viewOf<T extends Document>({ name, attributes }: Resource<T, never>): readonly Shown<T>[] {
  const known = views.get(attributes)
  if (known) return known as readonly Shown<T>[]
  const view = Object.entries(attributes).flatMap(([key, { show }]) => {
    const rule = `get_${name}:${key}`
    const value = show || ((row: T) => row[key as keyof T])
    return show === false ? [] : [{ key, value, rule: hasShowRule(rule) ? rule : undefined }]
  })
  views.set(attributes, view)
  return view
}

/** As the caller may see it. With `fields`, only those. */
export function render<T extends Document>(
  resource: Resource<T, never>,
  row: T,
  operation: Operation,
  fields?: ReadonlySet<string>,
): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  let target: Target | undefined
  for (const { key, value, rule } of viewOf(resource)) {
    if (fields && !fields.has(key)) continue
    if (rule && !mayShow(rule, (target ??= targetOf(resource, row, operation)), operation)) continue
    out[key] = value(row, operation)
  }
  return out
}

/** Whether the caller may see it; queries that found it are only half of that. */
export const mayGet = <T extends Document>(resource: Resource<T, never>, row: T, operation: Operation): boolean =>
  allowed(`get_${resource.name}`, targetOf(resource, row, operation), operation)

/** The fields a query asks for; undefined for all. */
export function fieldsOf(query: URLSearchParams): ReadonlySet<string> | undefined {
  const fields = query.getAll('fields').filter((field) => field !== '')
  return fields.length === 0 ? undefined : new Set(fields)
}
