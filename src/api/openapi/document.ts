/** The API of one microversion as an OpenAPI 3.1 document, made of the same tables that serve it. */
import { history, type Microversion, type Minor, newest, oldest } from '../spec/history.ts'
import { byVersion, type Operation, type Reply, type Resource } from '../spec/operation.ts'
import { type Schema, schemaAt } from '../spec/shape.ts'
import { holds } from '../spec/span.ts'

type Bag = Record<string, unknown>

/** One operation of a version: its route, and for actions of servers and flavors the action's name. */
export interface Listed {
  readonly method: string
  readonly route: string
  readonly action: string | undefined
  readonly operation: Operation
}

/** Those that can be asked for at a version, by route. */
export function operationsAt(resources: readonly Resource[], minor: Minor): Listed[] {
  const found: Listed[] = []
  for (const [key, lives] of resources.flatMap((resource) => Object.entries(resource))) {
    const [method, route, action] = key.split(' ') as [string, string, string | undefined]
    const operation = [lives].flat().find(({ span, gone }) => gone === undefined && holds(span, minor))
    if (operation) found.push({ method, route, action, operation })
  }
  return found.sort((a, b) => order(a.route, b.route) || order(a.method, b.method) || order(a.action ?? '', b.action ?? ''))
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Throws a `RangeError` for versions that are not served. `server` is where the API is. */
export function openApi(resources: readonly Resource[], minor: Minor, { server = '/v2.1' }: { readonly server?: string } = {}): Bag {
  if (!(minor >= oldest && minor <= newest)) throw new RangeError(`2.${minor} is not served: versions go from 2.${oldest} to 2.${newest}`)
  const version: Microversion = `2.${minor}` as Microversion
  const paths: Record<string, Bag> = {}
  for (const [at, listed] of Map.groupBy(operationsAt(resources, minor), ({ method, route }) => `${method} ${route}`)) {
    const [method, route] = at.split(' ') as [string, string]
    const path = (paths[templateOf(route)] ??= {})
    path[method.toLowerCase()] = described(listed, minor)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'OpenStack Compute',
      version,
      description: `The compute API at microversion ${version}. ${history[version]}`,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    servers: [{ url: server }],
    security: [{ token: [] }],
    paths: inEcmaScript(paths) as Bag,
    components: {
      securitySchemes: { token: { type: 'apiKey', in: 'header', name: 'X-Auth-Token', description: 'A token of Keystone.' } },
      parameters: {
        microversion: {
          name: 'OpenStack-API-Version',
          in: 'header',
          required: minor > oldest,
          description: 'Without it the oldest version answers.',
          schema: { const: `compute ${version}` },
        },
      },
      schemas: { fault: faultSchema },
    },
  }
}

/** Patterns are Python's; escapes that mean nothing are no error there. */
function inEcmaScript(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inEcmaScript)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      key === 'pattern' && typeof each === 'string' ? withoutEscapes(each) : inEcmaScript(each),
    ]),
  )
}

const withoutEscapes = (pattern: string): string => pattern.replace(/\\([@:,;&=!"'#%~`<> ])/g, '$1')

/** A body under a name that says what went wrong. */
const faultSchema: Schema = {
  type: 'object',
  minProperties: 1,
  maxProperties: 1,
  additionalProperties: {
    type: 'object',
    properties: { code: { type: 'integer' }, message: { type: 'string' } },
    required: ['code', 'message'],
  },
}

const templateOf = (route: string): string => route.replace(/:(\w+)/g, '{$1}')

/** Several operations under one route are actions: which one is meant, the only key of the body says. */
function described(listed: readonly Listed[], minor: Minor): Bag {
  const { method, route } = listed[0]!
  const rules = [...new Set(listed.flatMap(({ operation }) => operation.rule ?? []))]
  const bodies = listed.flatMap(({ operation }) => bodyOf(operation, minor) ?? [])
  return {
    operationId: idOf(method, route),
    tags: [tagOf(route)],
    ...(rules.length > 0 && { 'x-openstack-policies': rules }),
    ...(listed[0]!.action !== undefined && { 'x-openstack-actions': listed.map(({ action }) => action) }),
    parameters: [
      { $ref: '#/components/parameters/microversion' },
      ...[...route.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
      ...listed.flatMap(({ operation }) => parametersOf(operation, minor)),
    ],
    ...(bodies.length > 0 && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: bodies.length === 1 ? bodies[0] : { oneOf: bodies } } },
      },
    }),
    responses: responsesOf(listed, minor),
  }
}

/** `GET /servers/:server_id/tags/:id` → `get_servers_tags_id`; a name for programs, the same at every version. */
const idOf = (method: string, route: string): string => {
  const parts = route.split('/').filter(Boolean)
  const kept = parts.filter((part, i) => !part.startsWith(':') || i === parts.length - 1)
  return [method.toLowerCase(), ...kept.map((part) => part.replace(':', '').replaceAll('-', '_'))].join('_')
}

/** The first word of a route, which names its resource. */
export const tagOf = (route: string): string => route.split('/')[1] || 'versions'

const bodyOf = ({ body }: Operation, minor: Minor): Schema | undefined => (body ? schemaAt(body, minor) : undefined)

function parametersOf({ query }: Operation, minor: Minor): Bag[] {
  const schema = query && schemaAt(query, minor)
  return Object.entries((schema?.properties ?? {}) as Record<string, Schema>).map(([name, each]) => ({
    name,
    in: 'query',
    // Most may come more than once; then the last counts, or all do
    schema: each.type === 'array' ? (each.items ?? {}) : each,
  }))
}

function responsesOf(listed: readonly Listed[], minor: Minor): Bag {
  const out: Record<string, Bag> = {}
  for (const [status, group] of Map.groupBy(listed, ({ operation }) => byVersion(operation.status ?? 200, minor))) {
    const schemas = group.flatMap(({ operation }) => replyOf(operation, minor) ?? [])
    out[String(status)] = {
      description: 'It was done, or will be.',
      ...(schemas.length > 0 && { content: { 'application/json': { schema: schemas.length === 1 ? schemas[0] : { anyOf: schemas } } } }),
    }
  }
  const errors = new Set([401, ...listed.flatMap(({ operation }) => errorsOf(operation, minor))])
  for (const status of [...errors].sort((a, b) => a - b))
    out[String(status)] = {
      description: reasons[status] ?? 'An error.',
      content: { 'application/json': { schema: { $ref: '#/components/schemas/fault' } } },
    }
  return out
}

/** What is declared, and what any operation with a shape or a rule may answer. */
function errorsOf({ errors, body, query, rule }: Operation, minor: Minor): number[] {
  return [...byVersion(errors ?? [], minor), ...(body || query ? [400] : []), ...(rule ? [403] : [])]
}

const reasons: Readonly<Record<number, string>> = {
  400: 'Something about the request is wrong.',
  401: 'The token is missing or not valid.',
  403: 'The caller may not do this, or has too much already.',
  404: 'It is not there, or not to be seen.',
  409: 'It is in a state in which this cannot be done, or exists already.',
  410: 'It was taken away for good.',
  501: 'It is not built.',
  503: 'Something that is needed is not there at the moment.',
}

/** Undefined where there is no body. Replies that depend on the request are of any form. */
export function replyOf({ reply }: Operation, minor: Minor): Schema | undefined {
  if (typeof reply === 'function') return { type: 'object' }
  return reply && schemaOfReply(reply, minor)
}

function schemaOfReply(reply: Reply<unknown>, minor: Minor): Schema | undefined {
  if (reply.kind === 'nothing') return undefined
  if (reply.kind === 'plain') return Object.keys(reply.schema).length > 0 ? reply.schema : { type: 'object' }
  const view = reply.view as { schemaAt(minor: Minor): Schema }
  if (reply.kind === 'one') return under(reply.key, view.schemaAt(minor))
  const { each, next } = reply.options
  const item = each ? under(each, view.schemaAt(minor)) : view.schemaAt(minor)
  const list = under(reply.key, { type: 'array', items: item })
  if (!next || (next.since && Number(next.since.slice(2)) > minor)) return list
  const links = { type: 'array', items: { type: 'object', properties: { rel: { const: 'next' }, href: { type: 'string' } } } }
  return { ...list, properties: { ...(list.properties as object), [next.key ?? `${reply.key}_links`]: links } }
}

const under = (key: string, schema: Schema): Schema => ({ type: 'object', properties: { [key]: schema }, required: [key] })
