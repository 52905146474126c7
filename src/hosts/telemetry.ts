/**
 * OpenTelemetry, when the process has it: a span for each request, below the one that the caller names. Who runs a host with an SDK
 * (`NODE_OPTIONS=--import …`) registers it with the API's global; without one there is nothing to do and nothing is done.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Filter, Request } from '../app/contract.ts'

/** What is used of `@opentelemetry/api`. */
interface Span {
  setAttribute(name: string, value: string | number): unknown
  setStatus(status: { code: number }): unknown
  recordException(error: Error): void
  end(): void
}
type Context = object
interface Api {
  readonly trace: {
    getTracer(name: string): { startSpan(name: string, options: object, context: Context): Span }
    setSpan(context: Context, span: Span): Context
  }
  readonly context: { active(): Context; with<T>(context: Context, act: () => T): T }
  readonly propagation: { extract(context: Context, carrier: unknown, getter?: object): Context }
  readonly SpanKind: { readonly SERVER: number }
  readonly SpanStatusCode: { readonly ERROR: number }
}

/** Where every copy of the API of major version 1 keeps what was registered. */
const registered = Symbol.for('opentelemetry.js.api.1')

/** The API, when a provider of traces was registered with it; found from where the application is started, else beside this package. */
export async function telemetryApi(from = process.cwd()): Promise<Api | undefined> {
  if (!(globalThis as { [registered]?: { trace?: unknown } })[registered]?.trace) return undefined
  for (const place of [join(from, 'package.json'), import.meta.url])
    try {
      return (await import(pathToFileURL(createRequire(place).resolve('@opentelemetry/api')).href)) as Api
    } catch {
      // not there
    }
  return undefined
}

export function telemetry(api: Api | undefined): Filter {
  if (!api) return (app) => app
  const { trace, context, propagation, SpanKind, SpanStatusCode } = api
  const tracer = trace.getTracer('nova-ts')
  return (app) =>
    async function telemetry(request) {
      const parent = propagation.extract(context.active(), request.headers)
      const span = tracer.startSpan(request.method, { kind: SpanKind.SERVER, attributes: attributesOf(request) }, parent)
      try {
        const response = await context.with(trace.setSpan(parent, span), () => app(request))
        span.setAttribute('http.response.status_code', response.status)
        const { requestId } = request.environ
        if (requestId !== undefined) span.setAttribute('openstack.request_id', requestId)
        if (response.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
        return response
      } catch (error) {
        span.recordException(error as Error)
        span.setStatus({ code: SpanStatusCode.ERROR })
        throw error
      } finally {
        span.end()
      }
    }
}

/** The names of OpenTelemetry's conventions for HTTP. */
const attributesOf = (request: Request): Record<string, string> => ({
  'http.request.method': request.method,
  'url.scheme': request.scheme,
  'url.path': request.scriptName + request.path,
  'client.address': request.remoteAddress,
  'network.protocol.version': request.protocol.replace('HTTP/', ''),
})
