/**
 * Runs the operations of a table of resources: match route and version, validate, load the member, enforce policy, run, load what the visible
 * fields need, render. Each step is one call and nothing calls back up.
 */
import type { Application, Request, Response } from '../../app/contract.ts'
import { binaryPath, type RouteMatch, router } from '../../app/router.ts'
import type { Backends } from '../../compute/backends.ts'
import { Fault } from '../../compute/faults.ts'
import type { RequestContext } from '../../oslo/context.ts'
import type { RuleName } from '../policies.ts'
import type { Renderer } from '../spec/fields.ts'
import { type Microversion, type Minor, minorOf } from '../spec/history.ts'
import { byVersion, type Call, type Given, type Operation, type Owned, type Reply, type Resource, type Target } from '../spec/operation.ts'
import { holds } from '../spec/span.ts'
import { bodyOf, parsed, parseJson } from './body.ts'
import { faultResponse, statusOf, toRefusal } from './faults.ts'
import { linksOf, type Paging } from './links.ts'
import { askedVersion, refuseUnserved, versionHeaders } from './microversion.ts'
import { last, parseQuery } from './query.ts'
import { type Query, validateBody, validateQuery } from './validate.ts'

export interface Serving {
  readonly resources: readonly Resource[]
  readonly backends: Backends
  readonly policy: Policy
  readonly settings: ServeSettings
  /** Told of errors that nobody foresaw. */
  readonly report: (error: unknown, context: RequestContext | undefined) => void
  /** The answer for a path that no route takes, in the form the client accepts. */
  readonly unrouted: (request: Request) => Response
}

export interface Policy {
  can(context: RequestContext, rule: RuleName, target?: Target): boolean
}

/** [api] options that shape answers. */
export interface ServeSettings {
  /** Most items one page may hold. */
  readonly maxLimit: number
  /** Replaces scheme and host in links. */
  readonly computeLinkPrefix: string | null
}

type Lives = readonly Operation[]
type Entry = { readonly lives: Lives } | { readonly actions: ReadonlyMap<string, Lives> }

export function serve(serving: Serving): Application {
  // nova/api/openstack/compute/routes.py: nothing is served with a slash at its end
  const routes = router(routeTable(serving.resources), { slash: false })
  return async function computeApi(request) {
    // Routes takes names from paths byte by byte, not as UTF-8 (routes/mapper.py routematch): a tag or key that is put there is kept so
    const found = matched(routes, request.method, binaryPath(request.path))
    if (!found) return serving.unrouted(request)
    return answer(serving, request, found)
  }
}

/** Gathers the keys of all resources; those of actions, `POST /servers/:id/action os-stop`, under their route. */
function routeTable(resources: readonly Resource[]): Record<string, Entry> {
  const table: Record<string, Entry> = {}
  for (const [key, value] of resources.flatMap((resource) => Object.entries(resource))) {
    const [method, route, action] = key.split(' ') as [string, string, string | undefined]
    const lives = [value].flat()
    const at = `${method} ${route}`
    if (action === undefined) {
      if (at in table) throw new Error(`two operations for ${key}`)
      table[at] = { lives }
    } else {
      const entry = (table[at] ??= { actions: new Map() })
      if (!('actions' in entry) || entry.actions.has(action)) throw new Error(`two operations for ${key}`)
      ;(entry.actions as Map<string, Lives>).set(action, lives)
    }
  }
  return table
}

/** Any route may start with a project id. */
function matched(
  routes: ReturnType<typeof router<Entry>>,
  method: string,
  path: string,
): (RouteMatch<Entry> & { project?: string }) | undefined {
  const project = /^\/([0-9a-f-]+)(?=\/)/.exec(path)
  const behind = project && routes.match(method, path.slice(project[0].length))
  if (behind) return { ...behind, project: project[1]! }
  return routes.match(method, path)
}

async function answer(serving: Serving, request: Request, found: RouteMatch<Entry> & { project?: string }): Promise<Response> {
  const { environ } = request
  const context = environ.context
  if (!context) throw new Error('no request context: the keystonecontext filter must come before the compute API')
  let version: string | undefined
  const legacy = environ.legacyV2 === true
  const finish = (response: Response): Response => {
    if (version !== undefined) {
      environ.microversion = version
      if (!legacy) response.headers.push(...versionHeaders(version))
    }
    return response
  }
  try {
    const asked = askedVersion(request)
    version = asked.text
    refuseUnserved(asked)
    const bytes = await bodyOf(request)
    const lives = livesOf(found.value, bytes)
    const body = parsed(request, bytes)
    if (found.project !== undefined && context.projectId !== null && found.project !== context.projectId)
      throw new Fault('otherProject', found.project, context.projectId)
    const operation = lives.find(({ span }) => holds(span, asked.minor))
    if (!operation) throw new Fault('notFound')
    return finish(await perform(serving, operation, { request, context, minor: asked.minor, legacy, params: found.params, body }))
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return finish(faultResponse({ status: statusOf(error.kind), message: error.message }))
  }
}

/** The operations under a route; of actions, those that the body's only key names. */
function livesOf(entry: Entry, bytes: Uint8Array): Lives {
  if ('lives' in entry) return entry.lives
  const body = parseJson(bytes)
  // nova/api/openstack/wsgi.py action_peek: what has no length or no keys is not found, what has not exactly one is malformed
  if (body === null || typeof body === 'number' || typeof body === 'boolean') throw new Fault('notFound')
  if (typeof body === 'string' || Array.isArray(body)) throw new Fault([...body].length === 1 ? 'notFound' : 'malformedBody')
  const keys = Object.keys(body as object)
  if (keys.length !== 1) throw new Fault('malformedBody')
  const lives = entry.actions.get(keys[0]!)
  if (!lives) throw new Fault('noSuchAction', keys[0])
  return lives
}

interface Asked {
  readonly request: Request
  readonly context: RequestContext
  readonly minor: Minor
  readonly legacy: boolean
  readonly params: Readonly<Record<string, string>>
  readonly body: unknown
}

async function perform(serving: Serving, operation: Operation, asked: Asked): Promise<Response> {
  const { context, minor, legacy, body } = asked
  const schemaMinor = legacy ? 0 : minor
  try {
    if (operation.body) validateBody(operation.body, body, schemaMinor)
    const query = parseQuery(asked.request.query)
    if (operation.query) validateQuery(operation.query, query, schemaMinor)
    const call = callOf(serving, asked, query)
    call.member = await operation.load?.(call)
    enforce(operation, call)
    const out = await operation.run(call)
    return await render(serving, operation, asked, call, query, out)
  } catch (error) {
    const refusal = toRefusal(error, { errors: byVersion(operation.errors ?? [], minor), faults: operation.faults ?? {} })
    if (refusal.cause !== undefined) serving.report(refusal.cause, context)
    return faultResponse(refusal)
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the spec's types hold between an operation's own functions
type AnyCall = { -readonly [K in keyof (Call & Given<any, any, any>)]: (Call & Given<any, any, any>)[K] }

function callOf({ backends, policy }: Serving, { request, context, minor, legacy, params, body }: Asked, query: Query): AnyCall {
  return {
    backends,
    request,
    context,
    legacy,
    params,
    body,
    query,
    member: undefined,
    at: (version: Microversion) => minor >= minorOf(version),
    can: (rule, target) => policy.can(context, rule, target),
    authorize(rule, target) {
      if (!policy.can(context, rule, target)) throw new Fault('policyRefused', rule)
    },
  }
}

function enforce({ rule, target }: Operation, call: AnyCall): void {
  if (!rule) return
  const about = target ? target(call) : ownerOf(call.member)
  for (const each of [rule].flat() as RuleName[]) call.authorize(each, about)
}

function ownerOf(member: unknown): Target | undefined {
  const { projectId, userId } = (member ?? {}) as Partial<Owned>
  return projectId === undefined ? undefined : { project_id: projectId, user_id: userId ?? null }
}

async function render(serving: Serving, operation: Operation, asked: Asked, call: AnyCall, query: Query, out: unknown): Promise<Response> {
  const { minor } = asked
  const { request, context } = asked
  const links = linksOf({ request, query, projectId: context.projectId, prefix: serving.settings.computeLinkPrefix })
  const reply = (typeof operation.reply === 'function' ? operation.reply(call) : operation.reply) as Reply<unknown> | undefined
  const body = reply && (await bodyFor(reply, { serving, operation, minor, call, query, out, links }))
  const type = reply?.kind === 'nothing' ? reply.type : undefined
  return {
    status: operation.statusOf?.(out, call) ?? byVersion(operation.status ?? 200, minor),
    headers: [
      ['Content-Type', type ?? asked.request.environ.bestContentType ?? 'application/json'],
      ...(operation.headers?.(out, call, links).map(([name, value]): [string, string] => [name, bytesOf(value)]) ?? []),
    ],
    body: body === undefined ? null : JSON.stringify(body),
  }
}

/** As WSGI wants headers: bytes, each a character. Control characters of ASCII, for which webob fails, are percent-encoded. */
function bytesOf(value: string): string {
  if (/^[ -~]*$/.test(value)) return value
  const sendable = value.replace(/[\0-\x1f\x7f]/g, encodeURIComponent)
  return /^[\0-\xff]*$/.test(sendable) ? sendable : Buffer.from(sendable).toString('latin1')
}

interface Rendered {
  readonly serving: Serving
  readonly operation: Operation
  readonly minor: Minor
  readonly call: AnyCall
  readonly query: Query
  readonly out: unknown
  readonly links: Paging
}

async function bodyFor(reply: Reply<unknown>, rendered: Rendered): Promise<unknown> {
  const { out } = rendered
  if (reply.kind === 'nothing') return undefined
  if (reply.kind === 'plain') return out
  if (reply.kind === 'one') return { [reply.key]: (await rowsOf(reply.view, [out], rendered, ownerOf(out)))[0] }
  const page = out as readonly unknown[]
  const items = await rowsOf(reply.view, page, rendered)
  const { each, next } = reply.options
  const body: Record<string, unknown> = { [reply.key]: each ? items.map((item) => ({ [each]: item })) : items }
  if (next && rendered.call.at(next.since ?? '2.1')) {
    const link = nextLink(rendered, page, next as never)
    if (link) body[next.key ?? `${reply.key}_links`] = [link]
  }
  return body
}

/** nova/api/openstack/common.py _get_collection_links: there is a next page when this one is as long as it may be. */
function nextLink(
  { serving, query, links }: Rendered,
  page: readonly unknown[],
  { collection, marker }: { collection: string; marker: (row: unknown) => string },
): { rel: string; href: string } | undefined {
  const { maxLimit } = serving.settings
  const most = Math.min(Number(last(query, 'limit') ?? maxLimit), maxLimit)
  if (most === 0 || page.length !== most) return undefined
  return { rel: 'next', href: links.next(collection, marker(page.at(-1))) }
}

const compiled = new WeakMap<object, Map<string, Renderer<unknown, Record<string, unknown>>>>()

/** `owner`: whose rows they are, when they are of one; rules that hide fields are then asked about it. */
async function rowsOf(
  view: unknown,
  page: readonly unknown[],
  { operation, minor, call, links }: Rendered,
  owner?: Target,
): Promise<unknown[]> {
  const renderer = rendererOf(view as ViewLike, minor, call, owner)
  const extra = page.length > 0 ? await loaded(renderer.needs, page, operation, call) : {}
  const rendering = { links, now: `${new Date(call.backends.clock.now()).toISOString().slice(0, 19)}Z` }
  return page.map((row) => renderer.render(row, extra, rendering))
}

async function loaded(
  needs: readonly string[],
  page: readonly unknown[],
  { loaders }: Operation,
  call: AnyCall,
): Promise<Record<string, unknown>> {
  const extra: Record<string, unknown> = {}
  const byLoader = Map.groupBy(needs, (need) => loaders?.[need])
  await Promise.all(
    Array.from(byLoader, async ([loader, names]) => {
      if (!loader) throw new Error(`nothing loads ${names}`)
      if ('together' in loader) Object.assign(extra, await loader.together(page, call, names))
      else await Promise.all(names.map(async (name) => (extra[name] = await loader(page, call))))
    }),
  )
  return extra
}

interface ViewLike {
  readonly rules: string[]
  compile(minor: Minor, shows: (rule: string) => boolean): Renderer<unknown, Record<string, unknown>>
}

/** Rules that hide fields are asked once per request; views are compiled once per version and outcome. */
function rendererOf(view: ViewLike, minor: Minor, call: AnyCall, owner?: Target): Renderer<unknown, Record<string, unknown>> {
  let known = compiled.get(view)
  if (!known) compiled.set(view, (known = new Map()))
  const shown = rulesOf(view).filter((rule) => call.can(rule as RuleName, owner))
  const key = `${minor} ${shown.join(' ')}`
  let renderer = known.get(key)
  if (!renderer) known.set(key, (renderer = view.compile(minor, (rule) => shown.includes(rule))))
  return renderer
}

const rules = new WeakMap<object, readonly string[]>()
function rulesOf(view: ViewLike): readonly string[] {
  let found = rules.get(view)
  if (!found) rules.set(view, (found = view.rules))
  return found
}
