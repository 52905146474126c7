/** What a host and an application share: WSGI's idea in this language, plain data in and plain data out. */
import type { RequestContext } from '../oslo/context.ts'

/** Header names are lower case; a header that came more than once is an array. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/** What filters leave for those after them, as WSGI's `environ` does. A filter owns the keys it declares here; third parties use keys of their own. */
export interface Environ {
  /** `req-<uuid>`, made by the request id filter. */
  requestId?: string
  /** The caller's own `X-OpenStack-Request-ID`, when it had the right form. */
  globalRequestId?: string
  /** Who calls, set by the keystonecontext filter. */
  context?: RequestContext
  /** Set on the /v2 endpoint: microversions are ignored and unknown body keys dropped. */
  legacyV2?: boolean
  /** The microversion that was served, for the request log. */
  microversion?: string
  /** The media type that suits the client best, found by Nova's urlmap: the Content-Type of an answer in JSON. */
  bestContentType?: string
  /** Set by the http_proxy_to_wsgi filter when it changed them, for filters further out. */
  remoteAddress?: string
  scriptName?: string
  /** Set by the sizelimit filter: a host need not read more of the body than this. */
  maxBodyBytes?: number
  [key: string]: unknown
}

export interface Request {
  readonly method: string
  /** The request target as it came: path and query, undecoded. */
  readonly target: string
  /** The part of the path that mounts have already consumed (WSGI's SCRIPT_NAME), undecoded, without a trailing slash. */
  readonly scriptName: string
  /** What remains of the path (PATH_INFO), undecoded, without the query. */
  readonly path: string
  /** After the question mark, undecoded; empty when there is none. */
  readonly query: string
  readonly scheme: 'http' | 'https'
  /** HTTP/1.0 or HTTP/1.1. */
  readonly protocol: string
  readonly remoteAddress: string
  readonly headers: RequestHeaders
  /** Names and values alternating, in the case and order in which they came. */
  readonly rawHeaders: readonly string[]
  readonly environ: Environ
  /** The whole body; may be called more than once. Rejects with a `BodyTooLarge` or when the client went away. */
  body(): Promise<Uint8Array>
  /** The body piece by piece, instead of `body()`, for what is too large for memory. Hosts that cannot leave it out. */
  chunks?(): AsyncIterable<Uint8Array>
  /** Aborted when the client goes away before the answer is sent. */
  readonly signal?: AbortSignal
}

export interface Response {
  status: number
  /** Case and repeats are kept. A host adds Content-Length, Date and Connection. */
  headers: [name: string, value: string][]
  body: string | Uint8Array | AsyncIterable<Uint8Array> | null
}

export type Application = (request: Request) => Promise<Response>

/** What a paste `filter_factory` returns. */
export type Filter = (app: Application) => Application

/** The first value of a header, or undefined. `name` in lower case. */
export function header(request: Pick<Request, 'headers'>, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' || value === undefined ? value : value[0]
}

/** All values of a header joined by a comma, as HTTP allows a proxy to do; what WSGI servers hand on. */
export function headerJoined(request: Pick<Request, 'headers'>, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' || value === undefined ? value : value.join(',')
}

/** The first value of a response header, whatever the case of its name. */
export function responseHeader(response: Response, name: string): string | undefined {
  const wanted = name.toLowerCase()
  return response.headers.find(([key]) => key.toLowerCase() === wanted)?.[1]
}

/** Sets a response header in place, dropping earlier ones of that name whatever their case. */
export function setResponseHeader(response: Response, name: string, value: string): void {
  dropResponseHeader(response, name)
  response.headers.push([name, value])
}

/** Removes every response header of that name in place. */
export function dropResponseHeader(response: Response, name: string): void {
  const wanted = name.toLowerCase()
  response.headers = response.headers.filter(([key]) => key.toLowerCase() !== wanted)
}

/** Address of the application as the client sees it (WebOb's `application_url`): scheme, host and consumed path. */
export function applicationUrl(request: Request): string {
  return `${hostUrl(request)}${request.scriptName}`
}

/** Scheme and host as the client sees them (WebOb's `host_url`), default ports left out. */
export function hostUrl(request: Request): string {
  const host = header(request, 'host') ?? request.remoteAddress
  return `${request.scheme}://${host.replace(request.scheme === 'https' ? /:443$/ : /:80$/, '')}`
}

/** A body above the limit in force: the sizelimit filter and the hosts throw it while reading. */
export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge'
}

/** A text answer of a status code; `headers` may replace the content type. */
export function text(
  status: number,
  body: string,
  headers: [string, string][] = [['Content-Type', 'text/plain; charset=UTF-8']],
): Response {
  return { status, headers, body }
}

/** A JSON answer. Nova sends `application/json` without a charset. */
export function json(status: number, body: unknown, headers: [string, string][] = []): Response {
  return { status, headers: [['Content-Type', 'application/json'], ...headers], body: JSON.stringify(body) }
}
