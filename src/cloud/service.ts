/** What the stand-in services have in common: routes to handlers, the caller behind a token, JSON in and out, errors in each service's own form. */
import { type Application, header, hostUrl, json, type Request, type Response } from '../app/contract.ts'
import { decodePath, router } from '../app/router.ts'

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
  /** Scheme and host as the client knows them, so that links follow the address in use. */
  readonly baseUrl: string
}

export interface AuthenticatedCall extends Call {
  readonly caller: Caller
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
  constructor(status: number, message: string, type = '') {
    super(message)
    this.status = status
    this.type = type
  }
}

type Handler<C> = (call: C) => unknown
export type Routes = Readonly<Record<string, Handler<AuthenticatedCall>>>
export type OpenRoutes = Readonly<Record<string, Handler<Call>>>

export interface ServiceSpec {
  /** Handlers that need a token. */
  readonly routes: Routes
  /** Handlers that do not: version documents, authentication. */
  readonly open?: OpenRoutes
  readonly authenticate: Authenticate
  /** The body of an error answer, in the service's own form. A string is sent as text/html, as Glance does. */
  readonly fault: (error: ServiceError, request: Request) => unknown
  /** Told of errors nobody foresaw, before 500 is answered. */
  readonly report: (error: unknown, request: Request) => void
  /** Headers of every answer, such as a request id. */
  readonly headers?: () => [string, string][]
  /** For a path no handler takes; 404 in the service's form when absent. What is known but not built answers 501 here. */
  readonly otherwise?: (call: Call) => unknown
}

export function service(spec: ServiceSpec): Application {
  const open = router(spec.open ?? {})
  const closed = router(spec.routes)
  return async function service(request) {
    const extra = spec.headers?.() ?? []
    try {
      const answer = await answerOf(request)
      answer.headers.push(...extra)
      return answer
    } catch (error) {
      if (!(error instanceof ServiceError)) spec.report(error, request)
      const known = error instanceof ServiceError ? error : new ServiceError(500, 'The server hit an error it did not expect.')
      const body = spec.fault(known, request)
      if (typeof body !== 'string') return json(known.status, body, extra)
      return { status: known.status, headers: [['Content-Type', 'text/html; charset=UTF-8'], ...extra], body }
    }
  }

  async function answerOf(request: Request): Promise<Response> {
    const path = decodePath(request.path)
    const free = open.match(request.method, path)
    const call = async (params: Call['params']): Promise<Call> => ({
      request,
      params,
      query: new URLSearchParams(request.query),
      body: await bodyOf(request),
      baseUrl: hostUrl(request),
    })
    if (free) return render(await free.value(await call(free.params)))
    const found = closed.match(request.method, path)
    if (!found && !spec.otherwise && closed.methods(path).length === 0) throw new ServiceError(404, 'The resource could not be found.')
    const token = header(request, 'x-auth-token')
    const caller = token ? await spec.authenticate(token) : null
    if (!caller) throw new ServiceError(401, 'The request you have made requires authentication.')
    if (found) return render(await found.value({ ...(await call(found.params)), caller }))
    if (closed.methods(path).length > 0) throw new ServiceError(405, 'The method is not allowed for the requested URL.')
    return render(await spec.otherwise!(await call({})))
  }
}

async function bodyOf(request: Request): Promise<unknown> {
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
