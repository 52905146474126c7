/** The shapes that Placement takes (placement/schemas), each from the version that its name ends with. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { explained } from '../jsonschema.ts'
import { isUuidLike } from '../uuid.ts'
import { badRequest } from './faults.ts'

/** Gives the first thing that is wrong with a value. */
export type Validate = (value: unknown) => ErrorObject | undefined

const bodies = new Ajv({ strict: false, verbose: true })
// Bodies may have a UUID in any form, queries with its dashes only.
bodies.addFormat('uuid', (text: string) => isUuidLike(text))
const queries = new Ajv({ strict: false, verbose: true })
queries.addFormat('uuid', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i)

/** 400 with `words` and the reason. */
export function check<T>(validate: Validate, value: unknown, words: string): T {
  const error = validate(value)
  if (error) throw badRequest(`${words}: ${explained(error)}`)
  return value as T
}

type Schema = Readonly<Record<string, unknown>>
const object = (properties: Schema, required: readonly string[] = [], more: Schema = {}): Schema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
  ...more,
})
const map = (pattern: string, value: Schema, more: Schema = {}): Schema => ({
  type: 'object',
  patternProperties: { [pattern]: value },
  additionalProperties: false,
  ...more,
})

const uuid = { type: 'string', format: 'uuid' }
const uuidOrNull = { anyOf: [uuid, { type: 'null' }] }
const text = { type: 'string' }
const integer = { type: 'integer' }
const identity = { type: 'string', minLength: 1, maxLength: 255 }
const uuidKey = '^[0-9a-fA-F-]{36}$'
const className = '^[A-Z0-9_]+$'
const customName = '^CUSTOM_[A-Z0-9_]+$'
/** Compiled at its first use: a start has better things to do. */
function lazily(ajv: Ajv, schema: Schema): Validate {
  let validate: ValidateFunction | undefined
  return (value) => {
    validate ??= ajv.compile(schema)
    return validate(value) ? undefined : validate.errors![0]
  }
}
const compile = (schema: Schema): Validate => lazily(bodies, schema)
const compileQuery = (schema: Schema): Validate => lazily(queries, schema)

// Providers.
const name = { type: 'string', maxLength: 200 }
export const newProvider = {
  '1.0': compile(object({ name, uuid }, ['name'])),
  '1.14': compile(object({ name, uuid, parent_provider_uuid: uuidOrNull }, ['name'])),
}
export const changedProvider = {
  '1.0': compile(object({ name }, ['name'])),
  '1.14': compile(object({ name, parent_provider_uuid: uuidOrNull }, ['name'])),
}

const searches = [
  [0, { name: text, uuid }],
  [3, { member_of: text }],
  [4, { resources: text }],
  [14, { in_tree: uuid }],
  [18, { required: text }],
] as const
/** The parameters that a list of providers takes, by version. */
export const providerSearch = byVersion(searches, (properties) => object(properties))

// Inventories.
const maxInt = 0x7fffffff
const count = (minimum: number) => ({ type: 'integer', maximum: maxInt, minimum })
const inventory = {
  resource_provider_generation: integer,
  total: count(1),
  reserved: count(0),
  min_unit: count(1),
  max_unit: count(1),
  step_size: count(1),
  allocation_ratio: { type: 'number', maximum: 3.40282e38 },
}
const inventories = object(
  {
    resource_provider_generation: integer,
    inventories: { type: 'object', patternProperties: { [className]: object(inventory, ['total']) } },
  },
  ['resource_provider_generation', 'inventories'],
)
export const newInventory = compile(
  object({ ...inventory, resource_class: { type: 'string', pattern: className } }, ['total', 'resource_class']),
)
export const oneInventory = compile(object(inventory, ['total', 'resource_provider_generation']))
export const allInventories = compile(inventories)

// Aggregates, traits, resource classes.
const aggregates = { type: 'array', items: uuid, uniqueItems: true }
export const aggregateList = {
  '1.1': compile(aggregates),
  '1.19': compile(object({ aggregates, resource_provider_generation: integer }, ['aggregates', 'resource_provider_generation'])),
}
export const traitList = compile(
  object({ traits: { type: 'array', items: identity }, resource_provider_generation: integer }, ['traits', 'resource_provider_generation']),
)
export const traitSearch = compileQuery(object({ name: text, associated: text }))
export const isCustomName = (value: string): boolean => value.length <= 255 && new RegExp(customName).test(value)
export const resourceClass = compile(object({ name: { type: 'string', pattern: customName, maxLength: 255 } }, ['name']))

// Allocations.
const amounts = map(className, { type: 'integer', minimum: 1 }, { minProperties: 1 })
const owner = { project_id: identity, user_id: identity }
const listed = {
  type: 'array',
  minItems: 1,
  items: object({ resource_provider: object({ uuid }, ['uuid']), resources: amounts }, ['resource_provider', 'resources']),
}
const byProvider = (minProperties: number) =>
  map(uuidKey, object({ generation: integer, resources: amounts }, ['resources']), { minProperties })
const generation = { type: ['integer', 'null'] }
const mappings = {
  type: 'object',
  minProperties: 1,
  patternProperties: { '[a-zA-Z0-9_-]{1,64}': { type: 'array', minItems: 1, items: uuid } },
}
const consumerType = { type: 'string', pattern: className, minLength: 1, maxLength: 255 }

const since28 = { allocations: byProvider(0), ...owner, consumer_generation: generation }
const needed = ['allocations', 'project_id', 'user_id']
const of12 = (minProperties: number) => object({ allocations: byProvider(minProperties), ...owner }, needed)
const of28 = object(since28, [...needed, 'consumer_generation'])
const of34 = object({ ...since28, mappings }, [...needed, 'consumer_generation'])
const of38 = object({ ...since28, mappings, consumer_type: consumerType }, [...needed, 'consumer_generation', 'consumer_type'])
const consumers = (each: Schema, minProperties = 1) => map(uuidKey, each, { minProperties })

/** For one consumer, the newest first. */
export const allocationsOfOne: readonly [since: number, Validate][] = [
  [38, compile(of38)],
  [34, compile(of34)],
  [28, compile(of28)],
  [12, compile(of12(1))],
  [8, compile(object({ allocations: listed, ...owner }, needed))],
  [0, compile(object({ allocations: listed }, ['allocations']))],
]
/** For several, by consumer. */
export const allocationsOfMany: readonly [since: number, Validate][] = [
  [38, compile(consumers(of38))],
  [34, compile(consumers(of34))],
  [28, compile(consumers(of28))],
  [13, compile(consumers(of12(0)))],
]
const reshape = (each: Schema): Validate =>
  compile(
    object({ inventories: map(uuidKey, inventories, { minProperties: 1 }), allocations: consumers(each, 0) }, [
      'inventories',
      'allocations',
    ]),
  )
export const reshapes: readonly [since: number, Validate][] = [
  [38, reshape(of38)],
  [34, reshape(of34)],
  [30, reshape(of28)],
]

// Usages.
const usage = { project_id: identity, user_id: identity }
export const usageSearch = {
  '1.9': compileQuery(object(usage, ['project_id'])),
  '1.38': compileQuery(object({ ...usage, consumer_type: { ...consumerType, pattern: `${className}|^all|^unknown$` } }, ['project_id'])),
}

// Candidates: groups of parameters may carry a number (1.25) or a name (1.33).
const limit = { limit: { type: 'string', pattern: '^[1-9][0-9]*$' } }
const policy = { group_policy: { type: 'string', enum: ['none', 'isolate'] } }
const grouped = (suffix: string, names: readonly string[]) => ({
  patternProperties: Object.fromEntries(names.map((each) => [`^${each}(${suffix})?$`, text])),
})
const numbered = '[1-9][0-9]*'
const named = '[a-zA-Z0-9_-]{1,64}'
const groups = ['resources', 'required', 'member_of']
const allGroups = grouped(named, [...groups, 'in_tree'])
/** The newest first. */
export const candidateSearch: readonly [since: number, Validate][] = [
  [36, compileQuery(object({ ...limit, ...policy, root_required: text, same_subtree: text }, [], allGroups))],
  [35, compileQuery(object({ ...limit, ...policy, root_required: text }, [], allGroups))],
  [33, compileQuery(object({ ...limit, ...policy }, [], allGroups))],
  [31, compileQuery(object({ ...limit, ...policy }, [], grouped(numbered, [...groups, 'in_tree'])))],
  [25, compileQuery(object({ ...limit, ...policy }, [], grouped(numbered, groups)))],
  [21, compileQuery(object({ resources: text, ...limit, required: text, member_of: text }, ['resources']))],
  [17, compileQuery(object({ resources: text, ...limit, required: text }, ['resources']))],
  [16, compileQuery(object({ resources: text, ...limit }, ['resources']))],
  [10, compileQuery(object({ resources: text }, ['resources']))],
]

/** Of a list that begins with the newest: what serves this version. */
export const servedBy = (list: readonly (readonly [since: number, Validate])[], minor: number): Validate =>
  list.find(([since]) => minor >= since)![1]

function byVersion(
  steps: readonly (readonly [since: number, Schema])[],
  schema: (properties: Schema) => Schema,
): readonly [since: number, Validate][] {
  const until = (index: number) => Object.assign({}, ...steps.slice(0, index + 1).map(([, added]) => added)) as Schema
  return steps.map(([since], index) => [since, compileQuery(schema(until(index)))] as [number, Validate]).reverse()
}
