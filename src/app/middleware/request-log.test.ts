import { describe, expect, test } from 'vitest'
import type { RequestContext } from '../../oslo/context.ts'
import { type Application, type Response, text } from '../contract.ts'
import { type Asked, ask } from '../testing.ts'
import { httpProxyToWsgi } from './http-proxy-to-wsgi.ts'
import { requestLog } from './request-log.ts'

async function logged(app: Application, line = 'GET /servers', asked: Asked = { scriptName: '/v2.1' }) {
  const lines: [string, unknown][] = []
  const times = [1000, 1012.3456]
  const filter = requestLog({
    log: { info: (message, details) => void lines.push([message, details?.context]) },
    now: () => times.shift()!,
  })
  await filter(app)(ask(line, asked)).catch(() => undefined)
  expect(lines.length).toBe(1)
  return lines[0]!
}
const answers =
  (response: Partial<Response>): Application =>
  async () => ({ status: 200, headers: [], body: null, ...response })

describe('the request log', () => {
  const rows: [string, Application, string, Asked | undefined, string][] = [
    [
      'a body',
      answers({ body: 'née' }),
      'GET /servers',
      undefined,
      '127.0.0.1 "GET /v2.1/servers" status: 200 len: 4 microversion: - time: 0.012346',
    ],
    [
      'a query',
      answers({}),
      'GET /servers?a=%20b',
      undefined,
      '127.0.0.1 "GET /v2.1/servers?a=%20b" status: 200 len: 0 microversion: - time: 0.012346',
    ],
    [
      'no content',
      answers({ status: 204 }),
      'DELETE /x',
      undefined,
      '127.0.0.1 "DELETE /v2.1/x" status: 204 len: None microversion: - time: 0.012346',
    ],
    [
      'a declared length',
      answers({ headers: [['Content-Length', '7']], body: null }),
      'HEAD /x',
      undefined,
      '127.0.0.1 "HEAD /v2.1/x" status: 200 len: 7 microversion: - time: 0.012346',
    ],
    [
      'a stream',
      answers({ body: (async function* () {})() }),
      'GET /x',
      undefined,
      '127.0.0.1 "GET /v2.1/x" status: 200 len: None microversion: - time: 0.012346',
    ],
    [
      'an escaped path',
      answers({}),
      'GET /a%20b%0Ac%C3%A9',
      {},
      '127.0.0.1 "GET /a b%0Acé" status: 200 len: 0 microversion: - time: 0.012346',
    ],
    [
      'an error that passes by',
      () => Promise.reject(new Error('x')),
      'GET /x',
      {},
      '127.0.0.1 "GET /x" status: 500 len: 0 microversion: - time: 0.012346',
    ],
    ['nobody', answers({}), 'GET /x', { remoteAddress: '' }, '- "GET /x" status: 200 len: 0 microversion: - time: 0.012346'],
  ]
  for (const [name, app, line, asked, expected] of rows) test(name, async () => expect((await logged(app, line, asked))[0]).toBe(expected))

  test('the microversion and the context that were found further in', async () => {
    const context = { requestId: 'req-1', userId: 'u' } as RequestContext
    const app: Application = async ({ environ }) => {
      Object.assign(environ, { microversion: '2.103', context })
      return text(200, '')
    }
    expect(await logged(app)).toEqual(['127.0.0.1 "GET /v2.1/servers" status: 200 len: 0 microversion: 2.103 time: 0.012346', context])
  })

  test('without a context, the ids of the request', async () => {
    const app: Application = async ({ environ }) => {
      environ.requestId = 'req-1'
      return text(401, '')
    }
    expect((await logged(app))[1]).toEqual({ requestId: 'req-1', globalRequestId: null })
  })

  test('who asks is whom a proxy filter further in names', async () => {
    const headers = { 'x-forwarded-for': '10.0.0.1', 'x-forwarded-prefix': '/compute' }
    const [line] = await logged(httpProxyToWsgi({ enabled: true })(answers({})), 'GET /', { headers })
    expect(line).toMatch(/^10.0.0.1 "GET \/compute\/" status: 200/)
  })
})
