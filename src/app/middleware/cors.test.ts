import { describe, expect, test } from 'vitest'
import { type Application, text } from '../contract.ts'
import { ask } from '../testing.ts'
import { cors } from './cors.ts'

const app: Application = async ({ path }) => {
  if (path === '/404') return text(404, 'none')
  const vary = { '/vary': ['A'], '/vary2': ['A', 'B'] }[path] ?? []
  const own: [string, string][] = path === '/own' ? [['Access-Control-Allow-Origin', 'zz']] : []
  return text(200, 'ok', [['Content-Type', 'text/plain'], ...vary.map((name): [string, string] => ['Vary', name]), ...own])
}
const some = cors({
  allowedOrigins: ['http://a', 'http://b'],
  allowHeaders: ['X-A'],
  exposeHeaders: ['X-E', 'X-F'],
  allowMethods: ['GET', 'PUT'],
})(app)
const any = cors({ allowedOrigins: ['*'], allowCredentials: false, maxAge: 0, allowMethods: ['PUT'] })(app)
const none = cors()(app)
const filters = { some, any, none }

const type = 'Content-Type: text/plain'
const allowed = ['Vary: Origin', 'Access-Control-Allow-Origin: http://a', 'Access-Control-Allow-Credentials: true']
const origin = { origin: 'http://a' }
const asks = (method: string, headers?: string) => ({
  ...origin,
  'access-control-request-method': method,
  ...(headers && { 'access-control-request-headers': headers }),
})

// The answers are those of oslo.middleware 8.2 to the same requests.
const rows: [keyof typeof filters, string, Record<string, string>, number, string[]][] = [
  ['some', 'GET /', {}, 200, [type]],
  ['some', 'GET /', origin, 200, [type, ...allowed, 'Access-Control-Expose-Headers: X-E,X-F']],
  ['some', 'GET /404', origin, 404, ['Content-Type: text/plain; charset=UTF-8', ...allowed, 'Access-Control-Expose-Headers: X-E,X-F']],
  ['some', 'GET /vary2', origin, 200, [type, 'Vary: B,Origin', ...allowed.slice(1), 'Access-Control-Expose-Headers: X-E,X-F']],
  ['some', 'GET /own', origin, 200, [type, 'Access-Control-Allow-Origin: zz']],
  ['some', 'GET /', { origin: 'http://z' }, 200, [type]],
  ['some', 'OPTIONS /404', {}, 200, []],
  ['some', 'OPTIONS /', {}, 200, [type]],
  ['some', 'OPTIONS /404', origin, 200, []],
  ['some', 'OPTIONS /404', asks('PUT'), 200, [...allowed, 'Access-Control-Max-Age: 3600', 'Access-Control-Allow-Methods: PUT']],
  ['some', 'OPTIONS /vary', asks('GET'), 200, [type, ...allowed, 'Access-Control-Max-Age: 3600', 'Access-Control-Allow-Methods: GET']],
  ['some', 'OPTIONS /404', asks('POST'), 200, []],
  [
    'some',
    'OPTIONS /404',
    asks('PUT', 'x-a, accept,'),
    200,
    [...allowed, 'Access-Control-Max-Age: 3600', 'Access-Control-Allow-Methods: PUT', 'Access-Control-Allow-Headers: x-a,accept'],
  ],
  ['some', 'OPTIONS /404', asks('PUT', 'x-a, X-Zed'), 200, []],
  ['some', 'OPTIONS /404', { ...asks('PUT'), origin: 'http://z' }, 200, []],
  ['any', 'GET /', origin, 200, [type, 'Vary: Origin', 'Access-Control-Allow-Origin: *']],
  ['any', 'OPTIONS /404', asks('PUT'), 200, ['Vary: Origin', 'Access-Control-Allow-Origin: *', 'Access-Control-Allow-Methods: PUT']],
  ['none', 'GET /vary2', origin, 200, [type, 'Vary: A', 'Vary: B']],
  ['none', 'OPTIONS /404', asks('GET'), 200, []],
]

describe('cors', () => {
  for (const [filter, line, headers, status, expected] of rows)
    test(`${filter}: ${line} ${Object.values(headers).join(' ')}`, async () => {
      const answer = await filters[filter](ask(line, { headers }))
      expect([answer.status, ...answer.headers.map(([name, value]) => `${name}: ${value}`)]).toEqual([status, ...expected])
      if (line === 'OPTIONS /404') expect(answer.body).toBe('')
    })
})
