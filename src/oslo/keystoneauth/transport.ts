/** One attempt at one HTTP exchange, over connections that are kept: what undici does, with our errors and one deadline for all of it. */
import { readFileSync } from 'node:fs'
import { Agent, type Dispatcher } from 'undici'
import { ConfigError } from '../config/error.ts'
import { PeerError, type PeerFailure } from './errors.ts'
import type { SessionSettings } from './options.ts'

export interface Attempt {
  readonly service: string
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | AsyncIterable<Uint8Array> | undefined
  /** For the whole exchange; with `stream` until the body begins, and then for every piece of it. */
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
  /** Hand on the body as it comes. */
  readonly stream: boolean
}

export interface Outcome {
  readonly url: string
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Uint8Array
  /** Instead of `body`, when it was asked for and the status is below 300. */
  readonly stream: AsyncIterable<Uint8Array> | null
}

export interface Transport {
  /** Rejects with a `PeerError` of the kinds unreachable, timeout and tls, or with the reason of `signal`. */
  attempt(attempt: Attempt): Promise<Outcome>
  close(): Promise<void>
}

const connectTimeoutMs = 10_000
/** To one address; further requests wait for their turn. */
const mostConnections = 64

/** Throws a `ConfigError` for a file that cannot be read. */
export function openTransport(settings: SessionSettings): Transport {
  const { timeout, insecure, tlsCiphers, tlsMinVersion } = settings
  const agent = new Agent({
    connections: mostConnections,
    connect: {
      timeout: Math.min(timeout === null ? connectTimeoutMs : timeout * 1000, connectTimeoutMs),
      rejectUnauthorized: !insecure,
      ...(settings.cafile && { ca: pem('cafile', settings.cafile) }),
      ...(settings.certfile && { cert: pem('certfile', settings.certfile), key: pem('keyfile', settings.keyfile ?? settings.certfile) }),
      ...(tlsCiphers && { ciphers: tlsCiphers }),
      ...(tlsMinVersion && { minVersion: `TLSv${tlsMinVersion}` as const }),
    },
  })
  return {
    attempt: (attempt) =>
      exchange(agent, attempt).catch((error: unknown) => {
        if (isStale(error, attempt)) return exchange(agent, attempt)
        throw error
      }),
    close: () => agent.destroy(),
  }
}

function pem(option: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new ConfigError(`${path} cannot be read: ${(cause as Error).message}`, { option, cause })
  }
}

async function exchange(agent: Agent, attempt: Attempt): Promise<Outcome> {
  attempt.signal?.throwIfAborted()
  try {
    return await (attempt.stream ? begun(agent, attempt) : whole(agent, attempt))
  } catch (error) {
    if (attempt.signal?.aborted) throw attempt.signal.reason
    throw peerError(error, attempt)
  }
}

/** The answer once all of it is there, without the stream, the signal and the promises that undici has for others. */
function whole(agent: Agent, { url, method, headers, body, timeoutMs, signal }: Attempt): Promise<Outcome> {
  const where = target(url)
  return new Promise((resolve, reject) => {
    let exchanging: Dispatcher.DispatchController | undefined
    let broken: Error | undefined
    let status = 0
    let found: Outcome['headers'] = {}
    let chunks: Uint8Array[] = []
    const cut = (reason: Error) => {
      broken = reason
      exchanging?.abort(reason)
      settled()
      reject(reason)
    }
    const late = setTimeout(() => cut(new Late()), timeoutMs)
    const gone = () => cut(signal!.reason)
    const settled = () => {
      clearTimeout(late)
      signal?.removeEventListener('abort', gone)
    }
    signal?.addEventListener('abort', gone, { once: true })
    agent.dispatch(
      { ...where, method: method as Dispatcher.HttpMethod, headers, body: body as Sendable, headersTimeout: 0, bodyTimeout: 0 },
      {
        onRequestStart(controller) {
          exchanging = controller
          chunks = []
          // it had to wait for a connection, for too long
          if (broken) controller.abort(broken)
        },
        onResponseStart(_, code, fields) {
          if (code < 200) return
          status = code
          found = fields
        },
        onResponseData: (_, chunk) => void chunks.push(chunk),
        onResponseEnd() {
          settled()
          resolve({ url, status, headers: found, body: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks), stream: null })
        },
        onResponseError(_, error) {
          settled()
          reject(error)
        },
      },
    )
  })
}

type Sendable = Dispatcher.DispatchOptions['body']

/** The answer as soon as it begins, when it is no error. */
async function begun(agent: Agent, { url, method, headers, body, timeoutMs, signal }: Attempt): Promise<Outcome> {
  const controller = new AbortController()
  const late = setTimeout(() => controller.abort(new Late()), timeoutMs)
  const gone = () => controller.abort(signal!.reason)
  signal?.addEventListener('abort', gone, { once: true })
  try {
    const answer = await agent.request({
      ...target(url),
      method: method as Dispatcher.HttpMethod,
      headers,
      body: body as Sendable,
      signal: controller.signal,
      headersTimeout: 0,
      bodyTimeout: timeoutMs,
    })
    const { statusCode: status } = answer
    if (status < 300) return { url, status, headers: answer.headers, body: new Uint8Array(), stream: answer.body }
    return { url, status, headers: answer.headers, body: await answer.body.bytes(), stream: null }
  } finally {
    clearTimeout(late)
    signal?.removeEventListener('abort', gone)
  }
}

/** A connection that was kept may be closed by the other side in the moment in which it is used. What only reads is sent again at once. */
const isStale = (error: unknown, { method }: Attempt): boolean =>
  (method === 'GET' || method === 'HEAD') && error instanceof PeerError && /^(UND_ERR_SOCKET|ECONNRESET|EPIPE)$/.test(codeOf(error.cause))

class Late extends Error {}

function target(url: string): { origin: string; path: string } {
  const { origin, pathname, search } = new URL(url)
  return { origin, path: pathname + search }
}

function peerError(error: unknown, { service, method, url, timeoutMs }: Attempt): PeerError {
  const kind = failureOf(error)
  const texts: Record<string, string> = {
    timeout: `${method} ${url}: the ${service} service did not answer within ${timeoutMs / 1000} s`,
    tls: `${method} ${url}: no safe connection to the ${service} service: ${reason(error)}`,
  }
  return new PeerError(texts[kind] ?? `${method} ${url}: the ${service} service cannot be reached: ${reason(error)}`, {
    kind,
    service,
    method,
    url,
    cause: error,
  })
}

const codeOf = (error: unknown): string => String((error as { code?: unknown }).code ?? '')
const reason = (error: unknown): string => (error as Error).message || codeOf(error)

function failureOf(error: unknown): PeerFailure {
  const code = codeOf(error)
  if (error instanceof Late || /TIMEOUT|ETIMEDOUT/.test(code)) return 'timeout'
  return /CERT|SIGNATURE|SELF_SIGNED|^ERR_(TLS|SSL)|^EPROTO/.test(code) ? 'tls' : 'unreachable'
}
