/** What the stand-in services have in common: routes to handlers, the caller behind a token, JSON in and out, errors in each service's own form. */
import { type Application, BodyTooLarge, header, json, type Request, type Response, setResponseHeader } from '../app/contract.ts'
import { decodePath, type RouteMatch, type Router, router } from '../app/router.ts'

/** The time, in milliseconds since 1970. */
export interface Clock {
  now(): number
}

/** Where new identifiers come from, so that a run can be repeated. */
export interface Ids {
  /** A random UUID with dashes. */
  uuid(): string
}

/** Who a token stands for. */
export interface Caller {
  readonly token: string
  readonly userId: string
  readonly userName: string
  readonly userDomainId: string
  readonly projectId: string | null
  readonly projectName: string | null
  readonly projectDomainId: string | null
  readonly domainId: string | null
  /** `all` for a token of the whole system. */
  readonly systemScope: string | null
  readonly roles: readonly string[]
  /** Has the role admin. */
  readonly isAdmin: boolean
}

/** The caller behind a token, or null when it is unknown, expired or revoked. */
export type Authenticate = (token: string) => Promise<Caller | null> | Caller | null

export interface Call {
  readonly request: Request
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** Parsed JSON, or undefined when there was none. */
  readonly body: unknown
  /** Scheme, host and mount path as the client knows them, so that links follow the address in use. */
  readonly baseUrl: string
}

export interface AuthenticatedCall<C extends Caller = Caller> extends Call {
  readonly caller: C
}

/** An answer: plain data is sent as JSON with 200; `reply` says more. */
export class Reply {
  readonly status: number
  readonly body: unknown
  readonly headers: [string, string][]
  constructor(status: number, body?: unknown, headers: [string, string][] = []) {
    this.status = status
    this.body = body
    this.headers = headers
  }
}
export const reply = (status: number, body?: unknown, headers: [string, string][] = []): Reply => new Reply(status, body, headers)

/** An error that the client is told of; `type` is for services whose errors have names (Neutron's `NetworkInUse`). */
export class ServiceError extends Error {
  override readonly name = 'ServiceError'
  readonly status: number
  readonly type: string
  readonly headers: [string, string][]
  constructor(status: number, message: string, type = '', headers: [string, string][] = []) {
    super(message)
    this.status = status
    this.type = type
    this.headers = headers
  }
}

type Handler<C> = (call: C) => unknown
export type Routes<C extends Caller = Caller> = Readonly<Record<string, Handler<AuthenticatedCall<C>>>>
export type OpenRoutes = Readonly<Record<string, Handler<Call>>>

export interface ServiceSpec<C extends Caller = Caller> {
  /** Handlers that need a token. `HEAD` goes to the handler of `GET` where it has none of its own. */
  readonly routes: Routes<C>
  /** Handlers that do not: version documents, authentication. */
  readonly open?: OpenRoutes
  readonly authenticate: (token: string) => Promise<C | null> | C | null
  /** The body of an error answer, in the service's own form. A string is sent as text/html, as Glance does; a `Reply` says everything. */
  readonly fault: (error: ServiceError, request: Request) => unknown
  /** Told of errors nobody foresaw, before 500 is answered. */
  readonly report: (error: unknown, request: Request) => void
  /** Headers of every answer, such as a request id. */
  readonly headers?: () => [string, string][]
  /** For a path no handler takes; 404 in the service's form when absent. What is known but not built answers 501 here. */
  readonly otherwise?: (call: Call) => unknown
  /** Whether `otherwise` is asked without a token too. */
  readonly openOtherwise?: boolean
  /** How a body is read; JSON, with 400 for what is none, when absent. */
  readonly readBody?: (request: Request) => Promise<unknown>
}

export function service<C extends Caller = Caller>(spec: ServiceSpec<C>): Application {
  const open = router(spec.open ?? {})
  const closed = router(spec.routes)
  const readBody = spec.readBody ?? jsonBody
  return async function service(request) {
    const extra = spec.headers?.() ?? []
    let answer: Response
    try {
      answer = await answerOf(request)
    } catch (error) {
      answer = refuse(error, request)
    }
    answer.headers.push(...extra)
    return request.method === 'HEAD' ? await bodiless(answer) : answer
  }

  function refuse(error: unknown, request: Request): Response {
    const known = foreseen(error)
    if (!known && !request.signal?.aborted) spec.report(error, request)
    const told = known ?? new ServiceError(500, 'The server hit an error it did not expect.')
    const body = spec.fault(told, request)
    if (body instanceof Reply) return render(body)
    if (typeof body !== 'string') return json(told.status, body, told.headers)
    return { status: told.status, headers: [['Content-Type', 'text/html; charset=UTF-8'], ...told.headers], body }
  }

  async function answerOf(request: Request): Promise<Response> {
    const path = decodePath(request.path)
    const call = async (params: Call['params']): Promise<Call> => ({
      request,
      params,
      query: new URLSearchParams(request.query),
      body: await readBody(request),
      baseUrl: clientUrl(request),
    })
    const free = match(open, request.method, path)
    if (free) return render(await free.value(await call(free.params)))
    const found = match(closed, request.method, path)
    const methods = found ? [] : [...closed.methods(path), ...open.methods(path)]
    if (!found && methods.length === 0) {
      if (!spec.otherwise) throw new ServiceError(404, 'The resource could not be found.')
      if (spec.openOtherwise) return render(await spec.otherwise(await call({})))
    }
    if (methods.length > 0)
      throw new ServiceError(405, 'The method is not allowed for the requested URL.', '', [['Allow', methods.join(', ')]])
    const token = header(request, 'x-auth-token')
    const caller = token ? await spec.authenticate(token) : null
    if (!caller) throw new ServiceError(401, 'The request you have made requires authentication.')
    if (found) return render(await found.value({ ...(await call(found.params)), caller }))
    return render(await spec.otherwise!(await call({})))
  }
}

function match<T>(routes: Router<T>, method: string, path: string): RouteMatch<T> | undefined {
  return routes.match(method, path) ?? (method === 'HEAD' ? routes.match('GET', path) : undefined)
}

const foreseen = (error: unknown): ServiceError | undefined => {
  if (error instanceof ServiceError) return error
  return error instanceof BodyTooLarge ? new ServiceError(413, 'Request is too large.') : undefined
}

/** What GET would answer, without its body; a stream is closed unread. */
async function bodiless(answer: Response): Promise<Response> {
  const { body } = answer
  if (body === null) return answer
  if (typeof body === 'string' || body instanceof Uint8Array) setResponseHeader(answer, 'Content-Length', String(Buffer.byteLength(body)))
  else await body[Symbol.asyncIterator]().return?.()
  return { ...answer, body: null }
}

/**
 * The service's address as the client knows it: `X-Forwarded-Proto`, `-Host`, `-Port` and `-Prefix` of a proxy count
 * (oslo_middleware/http_proxy_to_wsgi.py), then the Host header. Without a trailing slash.
 */
export function clientUrl(request: Request): string {
  const first = (name: string) => header(request, name)?.split(',')[0]?.trim() || undefined
  const scheme = first('x-forwarded-proto') ?? request.scheme
  const port = first('x-forwarded-port')
  const named = first('x-forwarded-host') ?? header(request, 'host') ?? request.remoteAddress
  const host = port && !/:\d+$/.test(named) ? `${named}:${port}` : named
  const prefix = (first('x-forwarded-prefix') ?? '').replace(/\/+$/, '')
  return `${scheme}://${host.replace(scheme === 'https' ? /:443$/ : /:80$/, '')}${prefix}${request.scriptName}`
}

/**
 * The address of a service of the same cloud, for a client that knows this one as `baseUrl`: `{base}` stands for that address (`http://cloud:5000`),
 * `{scheme}`, `{host}` (with its port) and `{hostname}` (without) for its parts.
 *
 *     addressFor('{scheme}://{hostname}:8774/v2.1', 'http://cloud:5000')   // http://cloud:8774/v2.1
 */
export function addressFor(template: string, baseUrl: string): string {
  const [scheme, rest] = baseUrl.split('://') as [string, string]
  const host = rest.split('/')[0]!
  const parts: Record<string, string> = { base: baseUrl, scheme, host, hostname: host.replace(/:\d+$/, '') }
  return template.replace(/\{(base|scheme|host|hostname)\}/g, (_, part: string) => parts[part]!)
}

/** The parsed JSON of a body, undefined when there is none or it is something else; 400 when it is malformed. */
async function jsonBody(request: Request): Promise<unknown> {
  if (!/\bjson\b/.test(header(request, 'content-type') ?? '')) return undefined
  const bytes = await request.body()
  if (bytes.length === 0) return undefined
  try {
    return JSON.parse(Buffer.from(bytes).toString())
  } catch {
    throw new ServiceError(400, 'Malformed JSON in request body.')
  }
}

function render(value: unknown): Response {
  const { status, body, headers } = value instanceof Reply ? value : reply(value === undefined ? 204 : 200, value)
  if (body === undefined || body === null) return { status, headers: [...headers], body: null }
  if (body instanceof Uint8Array || isStream(body)) return { status, headers: [...headers], body }
  return json(status, body, headers)
}

const isStream = (body: unknown): body is AsyncIterable<Uint8Array> =>
  typeof body === 'object' && body !== null && Symbol.asyncIterator in body
