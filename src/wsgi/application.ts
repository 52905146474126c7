/**
 * The `application` of a service in every form that hosts take, made at import. A database that is not there yet is tried again at the next
 * request; any other failure stays and is told on every request (nova/utils.py latch_error_on_raise).
 */
import { type Application, type Filter, text } from '../app/contract.ts'
import { lastResort } from '../app/last-resort.ts'
import { logContext } from '../app/middleware/log-context.ts'
import { type FetchHandler, toFetch } from '../hosts/fetch.ts'
import { type NodeListener, toNodeListener } from '../hosts/node.ts'
import { DatabaseUnavailable } from '../oslo/database/errors.ts'
import type { Log } from '../oslo/log.ts'

/** A Node listener that any `http.createServer` or framework mount takes, with the contract and the web standard beside it. */
export interface ServedApplication extends NodeListener {
  /** The contract of `app/contract.ts`. */
  readonly handle: Application
  /** The web standard's form. */
  readonly fetch: FetchHandler
  /** Resolves when it is ready to serve; rejects with what keeps it from starting. */
  readonly ready: () => Promise<void>
}

export interface StartParts {
  readonly name: string
  /** Reads the configuration and composes everything. */
  readonly start: () => Promise<Application>
  /** Told of every failure to start, unless somebody waits for `ready`. */
  readonly report: (error: unknown) => void
}

/** Around everything that the paste file names: a filter outside of faultwrap may fail too, and not every host has a log. */
export const failuresTold = (log: Pick<Log, 'error'>): Filter =>
  lastResort((error, request) => {
    log.error(`${request.method} ${request.path} failed outside of faultwrap`, { context: logContext(request), error })
  })

const serviceInProcess = Symbol.for('nova-ts.service')

/** Throws when this process serves the other service already: the two never share one. */
export function serveApplication({ name, start, report }: StartParts): ServedApplication {
  const shared = globalThis as { [serviceInProcess]?: string }
  if (shared[serviceInProcess] !== undefined && shared[serviceInProcess] !== name)
    throw new Error(`${name} cannot be loaded: this process serves ${shared[serviceInProcess]} already, and the two never share a process`)
  shared[serviceInProcess] = name

  let app: Application | undefined
  let starting: Promise<Application> | undefined
  let awaited = false

  function begin(): Promise<Application> {
    starting ??= start().then(
      (made) => (app = made),
      (error: unknown) => {
        // a host that waits for it tells its own people; not before it had the time to begin with that
        setImmediate(() => awaited || report(error))
        if (error instanceof DatabaseUnavailable) starting = undefined
        throw error
      },
    )
    return starting
  }
  begin().catch(() => undefined)

  const handle: Application = async (request) => {
    if (app) return app(request)
    try {
      return (await begin())(request)
    } catch (error) {
      if (error instanceof DatabaseUnavailable)
        return text(503, `The ${name} service is waiting for its database.\n`, [
          ['Content-Type', 'text/plain; charset=UTF-8'],
          ['Retry-After', '1'],
        ])
      return text(500, `The ${name} service could not start: ${error instanceof Error ? error.message : String(error)}\n`)
    }
  }
  const listener = toNodeListener(handle) as NodeListener & { -readonly [K in keyof ServedApplication]: ServedApplication[K] }
  listener.handle = handle
  listener.fetch = toFetch(handle)
  listener.ready = async () => {
    awaited = true
    await begin()
  }
  return listener
}
