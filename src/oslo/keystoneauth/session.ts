/**
 * Requests to other services of the cloud, as keystoneauth1's Session and Adapter do them: the right endpoint, a valid token, attempts that are
 * repeated, answers that are errors. Everything about a request can be fixed beforehand with `with`.
 *
 *     const session = createSession({ settings: settings.neutron, log })
 *     const auth = loadAuth(settings.neutron, { group: 'neutron', session, clock })
 *     const neutron = session.with({ auth, ...serviceOf(settings.neutron) })
 *     const { ports } = (await neutron.request({ path: '/v2.0/ports', query: { device_id: uuid } })).json<{ ports: Port[] }>()
 *
 *     const asCaller = neutron.with({ auth: userAuth(context, { service: serviceUser }), globalRequestId: context.requestId })
 *     await asCaller.request({ method: 'DELETE', path: `/v2.0/ports/${id}`, allow: [404] })
 */
import { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import type { Log } from '../log.ts'
import type { Auth } from './auth.ts'
import { PeerError } from './errors.ts'
import type { ServiceSettings, SessionSettings } from './options.ts'
import { type Attempt, type Outcome, openTransport } from './transport.ts'

/** A request, in part or in whole. */
export interface Ask {
  /** GET when absent. */
  readonly method?: string
  /** A full address; no endpoint is looked up. */
  readonly url?: string
  /** What is added to the endpoint. */
  readonly path?: string
  /** A list is sent as repeated keys; undefined is left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | readonly (string | number)[] | undefined>>
  readonly serviceType?: string
  readonly serviceName?: string | null
  /** `internal`, `public`, `admin`, best first. */
  readonly interfaces?: readonly string[]
  readonly region?: string | null
  /** Used instead of the catalogue's endpoint; `%(project_id)s` and `%(user_id)s` are filled in. */
  readonly endpointOverride?: string | null
  readonly headers?: Readonly<Record<string, string | undefined>>
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as it is. A stream is sent once: nothing is tried again. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>
  /** Who asks; nobody when null or absent. */
  readonly auth?: Auth | null
  /** Such as `1.36`. */
  readonly microversion?: string
  /** The request on whose behalf this one is made: X-OpenStack-Request-ID. */
  readonly globalRequestId?: string | null
  /** Statuses from 400 on that are answers and no errors. */
  readonly allow?: readonly number[] | 'all'
  /** For each attempt. */
  readonly timeoutMs?: number
  readonly connectRetries?: number
  readonly statusRetries?: number
  /** 503 when absent. */
  readonly retriableStatuses?: readonly number[]
  /** Between attempts; when absent 500, then twice as long each time up to a minute. */
  readonly connectRetryDelayMs?: number
  readonly statusRetryDelayMs?: number
  /** Gives up when aborted, with its reason. */
  readonly signal?: AbortSignal
}

export interface Answer {
  readonly url: string
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Uint8Array
  text(): string
  /** The parsed body. Throws a `PeerError` of the kind malformed. */
  json<T = unknown>(): T
}

export interface StreamedAnswer extends Pick<Answer, 'url' | 'status' | 'headers'> {
  readonly body: AsyncIterable<Uint8Array>
}

export interface Session {
  /** Rejects with a `PeerError`. */
  request(ask: Ask): Promise<Answer>
  /** As `request`, with the body as it comes; `timeoutMs` then counts for every piece of it. */
  stream(ask: Ask): Promise<StreamedAnswer>
  /** The address of the service, without a slash at its end. Rejects with a `PeerError` of the kind endpoint. */
  endpoint(ask?: Ask): Promise<string>
  /** This session with parts of every request fixed; what a request says itself wins. */
  with(fixed: Ask): Session
  /** Ends all connections of this session and of those made of it. */
  close(): Promise<void>
}

export interface SessionParts {
  readonly settings: SessionSettings
  readonly log: Pick<Log, 'warning'>
  readonly userAgent?: string
}

/** When nothing is set: longer than anything should take, and not for ever. */
const defaultTimeoutMs = 300_000
const redirectStatuses = new Set([301, 302, 303, 305, 307, 308])
const mostRedirects = 30

/** Throws a `ConfigError` when a certificate cannot be read. */
export function createSession({ settings, log, userAgent = 'nova-ts' }: SessionParts): Session {
  const transport = openTransport(settings)
  const timeoutMs = settings.timeout === null ? defaultTimeoutMs : settings.timeout * 1000
  const base: Ask = { timeoutMs }
  return bound(base)

  function bound(fixed: Ask): Session {
    const whole = (ask: Ask): Ask => ({
      ...fixed,
      ...ask,
      ...((fixed.headers || ask.headers) && { headers: { ...fixed.headers, ...ask.headers } }),
    })
    return {
      async request(ask) {
        return answerOf(await send(whole(ask), false))
      },
      async stream(ask) {
        const { url, status, headers, body, stream } = await send(whole(ask), true)
        return { url, status, headers, body: stream ?? Readable.from([body]) }
      },
      endpoint: (ask = {}) => endpointFor(whole(ask)),
      with: (more) => bound(whole(more)),
      close: () => transport.close(),
    }
  }

  async function send(ask: Ask, stream: boolean): Promise<Outcome> {
    const { auth, allow = [] } = ask
    const url = withQuery(ask.url ?? joined(await endpointFor(ask), ask.path ?? ''), ask.query)
    const first = auth ? await auth.headers() : {}
    let outcome = await persevere(attemptOf(ask, url, first, stream), ask)
    if (outcome.status === 401 && auth && repeatable(ask) && auth.refused(first)) {
      outcome = await persevere(attemptOf(ask, url, await auth.headers(), stream), ask)
    }
    if (outcome.status < 400 || allow === 'all' || allow.includes(outcome.status)) return outcome
    throw refusal(ask, outcome)
  }

  function attemptOf(ask: Ask, url: string, auth: Readonly<Record<string, string>>, stream: boolean): Attempt {
    return {
      service: ask.serviceType ?? new URL(url).host,
      method: ask.method ?? 'GET',
      url,
      headers: headersOf(ask, userAgent, auth),
      body: ask.json === undefined ? ask.body : JSON.stringify(ask.json),
      timeoutMs: ask.timeoutMs ?? timeoutMs,
      signal: ask.signal,
      stream,
    }
  }

  // keystoneauth1/session.py _send_request: what could not be sent or was not answered is sent again, whatever the method
  async function persevere(attempt: Attempt, ask: Ask): Promise<Outcome> {
    const connect = delays(ask.connectRetries, ask.connectRetryDelayMs)
    const status = delays(ask.statusRetries, ask.statusRetryDelayMs)
    const retriable = ask.retriableStatuses ?? [503]
    while (true) {
      const outcome = await followed(attempt).catch(asPeerError)
      const failed = outcome instanceof PeerError
      const again = failed ? isPassing(outcome) && connect : retriable.includes(outcome.status) && status
      const delayMs = again && repeatable(ask) ? again.next().value : undefined
      if (delayMs === undefined) {
        if (failed) throw outcome
        return outcome
      }
      const what = failed ? outcome.message : `${attempt.method} ${attempt.url}: the ${attempt.service} service answered ${outcome.status}`
      log.warning(`${what}. Trying again in ${delayMs / 1000} s.`)
      await wait(delayMs, undefined, ask.signal && { signal: ask.signal })
    }
  }

  /** Redirects keep the method, unlike in browsers. */
  async function followed(attempt: Attempt): Promise<Outcome> {
    let next = attempt
    for (let left = mostRedirects; ; left--) {
      const outcome = await transport.attempt(next)
      const location = outcome.headers.location
      if (!redirectStatuses.has(outcome.status) || typeof location !== 'string' || left === 0) return outcome
      next = { ...next, url: new URL(location, next.url).href }
    }
  }
}

function asPeerError(error: unknown): PeerError {
  if (error instanceof PeerError) return error
  throw error
}

const isPassing = ({ kind }: PeerError): boolean => kind === 'unreachable' || kind === 'timeout'

const repeatable = ({ body }: Ask): boolean => body === undefined || typeof body === 'string' || body instanceof Uint8Array

/** As many delays as there are attempts left. keystoneauth1/session.py _Retries */
function* delays(count = 0, fixedMs?: number): Generator<number, undefined> {
  for (let i = 0; i < count; i++) yield fixedMs ?? Math.min(500 * 2 ** i, 60_000)
  return undefined
}

async function endpointFor({ serviceType, serviceName, interfaces, region, endpointOverride, auth }: Ask): Promise<string> {
  if (endpointOverride) return trimmed(await filledIn(endpointOverride, auth))
  const found = serviceType ? await auth?.endpoint({ serviceType, ...(interfaces && { interfaces }), serviceName, region }) : undefined
  if (found) return trimmed(found)
  const where = `${(interfaces ?? ['public']).join(' or ')} endpoint${region ? ` in the region ${region}` : ''}`
  throw new PeerError(`the catalogue has no ${where} for the ${serviceType ?? 'unnamed'} service`, {
    kind: 'endpoint',
    service: serviceType ?? 'unnamed',
  })
}

async function filledIn(template: string, auth: Auth | null | undefined): Promise<string> {
  if (!template.includes('%(')) return template
  const { projectId, userId } = (await auth?.identity()) ?? { projectId: null, userId: null }
  return template.replaceAll('%(project_id)s', projectId ?? '').replaceAll('%(user_id)s', userId ?? '')
}

const trimmed = (url: string): string => url.replace(/\/+$/, '')
const joined = (endpoint: string, path: string): string => (path === '' ? endpoint : `${endpoint}/${path.replace(/^\/+/, '')}`)

function withQuery(url: string, query: Ask['query']): string {
  if (!query) return url
  const pairs = Object.entries(query).flatMap(([key, value]) =>
    value === undefined ? [] : (Array.isArray(value) ? value : [value]).map((one) => [key, String(one)] as [string, string]),
  )
  return pairs.length === 0 ? url : `${url}${url.includes('?') ? '&' : '?'}${new URLSearchParams(pairs)}`
}

function headersOf(ask: Ask, userAgent: string, auth: Readonly<Record<string, string>>): Record<string, string> {
  const out: Record<string, string> = { 'User-Agent': userAgent, Accept: 'application/json' }
  if (ask.json !== undefined) out['Content-Type'] = 'application/json'
  if (ask.microversion) Object.assign(out, microversionHeaders(ask.serviceType ?? '', ask.microversion))
  for (const [name, value] of Object.entries(ask.headers ?? {})) if (value !== undefined) replace(out, name, value)
  if (ask.globalRequestId) out['X-OpenStack-Request-ID'] = ask.globalRequestId
  return Object.assign(out, auth)
}

/** Sets a header whatever the case in which it is already there. */
function replace(headers: Record<string, string>, name: string, value: string): void {
  const same = Object.keys(headers).find((key) => key.toLowerCase() === name.toLowerCase())
  headers[same ?? name] = value
}

// keystoneauth1/session.py _set_microversion_headers
function microversionHeaders(serviceType: string, version: string): Record<string, string> {
  const isVolume = serviceType.startsWith('volume') || serviceType === 'block-storage'
  const type = isVolume ? 'volume' : serviceType.startsWith('share') ? 'shared-file-system' : serviceType
  const older: Record<string, string> = { compute: 'Nova', baremetal: 'Ironic', 'shared-file-system': 'Manila' }
  return { 'OpenStack-API-Version': `${type} ${version}`, ...(older[type] && { [`X-OpenStack-${older[type]}-API-Version`]: version }) }
}

function refusal(ask: Ask, { url, status, headers, body }: Outcome): PeerError {
  const service = ask.serviceType ?? new URL(url).host
  const method = ask.method ?? 'GET'
  return new PeerError(`${method} ${url}: the ${service} service answered ${status}`, {
    kind: 'status',
    service,
    method,
    url,
    status,
    headers,
    body,
    caller: ask.auth?.caller,
  })
}

function answerOf({ url, status, headers, body }: Outcome): Answer {
  const text = () => Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()
  return {
    url,
    status,
    headers,
    body,
    text,
    json<T>() {
      try {
        return JSON.parse(text()) as T
      } catch (cause) {
        throw new PeerError(`${url}: the answer is not JSON`, {
          kind: 'malformed',
          service: new URL(url).host,
          url,
          status,
          body,
          headers,
          cause,
        })
      }
    },
  }
}

/** The parts of a request that the options of a service's group fix. */
export function serviceOf(settings: ServiceSettings): Ask {
  const { serviceType, serviceName, validInterfaces, regionName, endpointOverride } = settings
  const { connectRetries, connectRetryDelay, statusCodeRetries, statusCodeRetryDelay, retriableStatusCodes } = settings
  return {
    serviceType,
    serviceName,
    interfaces: validInterfaces,
    region: regionName,
    endpointOverride,
    ...(connectRetries !== null && { connectRetries }),
    ...(connectRetryDelay !== null && { connectRetryDelayMs: connectRetryDelay * 1000 }),
    ...(statusCodeRetries !== null && { statusRetries: statusCodeRetries }),
    ...(statusCodeRetryDelay !== null && { statusRetryDelayMs: statusCodeRetryDelay * 1000 }),
    ...(retriableStatusCodes.length > 0 && { retriableStatuses: retriableStatusCodes.map(Number) }),
  }
}
