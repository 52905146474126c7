import { afterEach, describe, expect, test } from 'vitest'
import { type Application, text } from '../app/contract.ts'
import { ask } from '../app/testing.ts'
import { telemetry, telemetryApi } from './telemetry.ts'

const registered = Symbol.for('opentelemetry.js.api.1')
const global = globalThis as { [registered]?: unknown }
afterEach(() => {
  delete global[registered]
})

/** A tracer that remembers, registered as an SDK registers its own. */
async function traced(app: Application, headers: Record<string, string> = {}) {
  const spans: Record<string, unknown>[] = []
  const tracer = {
    startSpan(name: string, { kind, attributes }: { kind: number; attributes: object }, parent: { from?: string }) {
      const span: Record<string, unknown> = { name, kind, ...attributes, parent: parent.from, ended: false }
      spans.push(span)
      return {
        setAttribute: (key: string, value: unknown) => void (span[key] = value),
        setStatus: ({ code }: { code: number }) => void (span.status = code),
        recordException: (error: Error) => void (span.error = error.message),
        end: () => void (span.ended = true),
      }
    },
  }
  const api = {
    trace: { getTracer: () => tracer, setSpan: (context: object) => context },
    context: { active: () => ({}), with: <T>(_: object, act: () => T) => act() },
    propagation: { extract: (_: object, carrier: Record<string, string>) => ({ from: carrier.traceparent }) },
    SpanKind: { SERVER: 1 },
    SpanStatusCode: { ERROR: 2 },
  }
  const answer = await telemetry(api as never)(app)(ask('GET /v2.1/servers', { headers, protocol: 'HTTP/1.1' })).catch(
    (error: Error) => error,
  )
  return { answer, span: spans[0]! }
}

describe('a span', () => {
  test('for each request, below the caller’s', async () => {
    const app: Application = async ({ environ }) => {
      environ.requestId = 'req-1'
      return text(200, '')
    }
    const { span } = await traced(app, { traceparent: '00-a-b-01' })
    expect(span).toMatchObject({
      ...{ name: 'GET', kind: 1, parent: '00-a-b-01', ended: true, 'http.request.method': 'GET' },
      ...{ 'url.path': '/v2.1/servers', 'http.response.status_code': 200, 'openstack.request_id': 'req-1' },
    })
    expect(span.status).toBe(undefined)
  })

  test('is an error with status 500 and when the application fails', async () => {
    expect((await traced(async () => text(503, ''))).span).toMatchObject({ status: 2, ended: true })
    const { answer, span } = await traced(() => Promise.reject(new Error('x')))
    expect([(answer as Error).message, span.status, span.error, span.ended]).toEqual(['x', 2, 'x', true])
  })
})

describe('the API', () => {
  test('is used when a provider of traces was registered with it', async () => {
    expect(await telemetryApi()).toBe(undefined)
    global[registered] = { version: '1.9.0', trace: {} }
    expect(await telemetryApi()).toHaveProperty('propagation')
  })

  test('is not needed: nothing is put around the application', () => {
    const app: Application = async () => text(200, '')
    expect(telemetry(undefined)(app)).toBe(app)
  })
})
