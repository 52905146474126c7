/** Watches requests and their answers, for the log and for the metrics of a host. */
import { type Filter, type Request, type Response, responseHeader } from '../app/contract.ts'

/** A request that was answered, or could not be. */
export interface Exchange {
  readonly request: Request
  readonly status: number
  readonly headers: Response['headers']
  /** Of the body, as far as it was taken. */
  readonly bytes: number
  /** Until the last of the answer was handed over. */
  readonly ms: number
  /** When it was asked. */
  readonly at: Date
}

export interface Watcher {
  began?(request: Request): void
  /** Also of a request that failed, with status 500. */
  ended(exchange: Exchange): void
}

export interface Times {
  readonly now: () => Date
  /** In milliseconds; never goes back. */
  readonly elapsed: () => number
}

const systemTimes: Times = { now: () => new Date(), elapsed: () => performance.now() }

export function watched(watchers: readonly Watcher[], times: Times = systemTimes): Filter {
  if (watchers.length === 0) return (app) => app
  return (app) =>
    async function watched(request) {
      const at = times.now()
      const start = times.elapsed()
      for (const watcher of watchers) watcher.began?.(request)
      const end = (status: number, headers: Response['headers'], bytes: number) => {
        const exchange: Exchange = { request, status, headers, bytes, ms: times.elapsed() - start, at }
        for (const watcher of watchers) watcher.ended(exchange)
      }
      let response: Response
      try {
        response = await app(request)
      } catch (error) {
        end(500, [], 0)
        throw error
      }
      const { status, headers, body } = response
      if (body !== null && typeof body !== 'string' && !(body instanceof Uint8Array)) {
        if (request.method !== 'HEAD') return { ...response, body: counted(body, (bytes) => end(status, headers, bytes)) }
        end(status, headers, 0)
      } else end(status, headers, sizeOf(request, response))
      return response
    }
}

function sizeOf({ method }: Request, response: Response): number {
  if (method === 'HEAD' || response.body === null) return 0
  const declared = Number(responseHeader(response, 'content-length'))
  return Number.isInteger(declared) ? declared : Buffer.byteLength(response.body as string)
}

/** Tells at the end, whether it came by itself or the client went away. */
async function* counted(body: AsyncIterable<Uint8Array>, tell: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  let bytes = 0
  try {
    for await (const chunk of body) {
      bytes += chunk.length
      yield chunk
    }
  } finally {
    tell(bytes)
  }
}
