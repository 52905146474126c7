import { expect, test } from 'vitest'
import { BodyTooLarge } from '../app/contract.ts'
import { ask } from './ask.ts'
import { addressFor, type Caller, reply, ServiceError, type ServiceSpec, service } from './service.ts'

const someone = { userId: 'u', roles: ['member'], isAdmin: false } as unknown as Caller

function start(more: Partial<ServiceSpec> = {}) {
  const unforeseen: unknown[] = []
  const closed: string[] = []
  async function* endless() {
    try {
      for (;;) yield Buffer.from('x')
    } finally {
      closed.push('stream')
    }
  }
  const application = service({
    open: { 'GET /': (call) => reply(300, { self: call.baseUrl }) },
    routes: {
      'GET /things': () => ['a', 'b'],
      'POST /things': (call) => reply(201, call.body),
      'DELETE /things/:id': () => undefined,
      'GET /stream': () => reply(200, endless(), [['Content-Length', '99']]),
      'GET /broken': () => {
        throw new Error('secret detail')
      },
      'GET /large': () => {
        throw new BodyTooLarge('much')
      },
      'GET /refused': () => {
        throw new ServiceError(409, 'taken', 'Taken', [['X-Why', 'because']])
      },
    },
    authenticate: (token) => (token === 'good' ? someone : null),
    fault: (error) => ({ status: error.status, type: error.type, message: error.message }),
    report: (error) => unforeseen.push(error),
    headers: () => [['X-Extra', 'always']],
    ...more,
  })
  return { application, unforeseen, closed }
}

test('each way to an answer', async () => {
  const { application, unforeseen } = start()
  const rows: [route: string, token: string | undefined, status: number, holds?: unknown][] = [
    ['GET /', undefined, 300, { self: 'http://cloud:5000' }],
    ['HEAD /', undefined, 300, ''],
    ['GET /things', 'good', 200, ['a', 'b']],
    ['HEAD /things', 'good', 200, ''],
    ['GET /things', 'bad', 401],
    ['GET /things', undefined, 401],
    ['DELETE /things/a%20b', 'good', 204, ''],
    ['PUT /things', undefined, 405],
    ['GET /nothing', undefined, 404],
    ['GET /refused', 'good', 409, { status: 409, type: 'Taken', message: 'taken' }],
    ['GET /large', 'good', 413],
    ['GET /broken', 'good', 500, { status: 500, type: '', message: 'The server hit an error it did not expect.' }],
  ]
  for (const [route, token, status, holds] of rows) {
    const answer = await ask(application, route, { token })
    expect([route, answer.status, answer.header('x-extra')]).toEqual([route, status, 'always'])
    if (holds !== undefined) expect(answer.body).toEqual(holds)
  }
  expect(unforeseen).toHaveLength(1)
})

test('HEAD tells the length of what it leaves out; 405 tells what is allowed; an error brings its headers', async () => {
  const { application } = start()
  expect((await ask(application, 'HEAD /things', { token: 'good' })).header('content-length')).toBe('9')
  const stream = await ask(application, 'HEAD /stream', { token: 'good' })
  expect([stream.header('content-length'), stream.bytes.length]).toEqual(['99', 0])
  expect((await ask(application, 'PUT /things')).header('allow')).toBe('GET, POST')
  expect((await ask(application, 'GET /refused', { token: 'good' })).header('x-why')).toBe('because')
})

test('a body is JSON, or nothing', async () => {
  const { application } = start()
  const post = (body: unknown, type: string) =>
    ask(application, 'POST /things', { token: 'good', body, headers: { 'content-type': type } }).then(({ status, body }) => [status, body])
  expect(await post('{"a":1}', 'application/json; charset=utf-8')).toEqual([201, { a: 1 }])
  expect(await post('[]', 'application/openstack-images-v2.1-json-patch')).toEqual([201, []])
  expect(await post('{"a":1}', 'text/plain')).toEqual([201, ''])
  expect((await post('{', 'application/json'))[0]).toBe(400)
})

test('otherwise is asked with a token, or without one where it is open', async () => {
  const otherwise = () => {
    throw new ServiceError(501, 'not built')
  }
  const guarded = start({ otherwise }).application
  expect((await ask(guarded, 'GET /x')).status).toBe(401)
  expect((await ask(guarded, 'GET /x', { token: 'good' })).status).toBe(501)
  expect((await ask(start({ otherwise, openOtherwise: true }).application, 'GET /x')).status).toBe(501)
})

test('links follow the client, through proxies too', async () => {
  const rows: [host: string, headers: Record<string, string>, url: string][] = [
    ['a:80', {}, 'http://a'],
    ['a:8080', {}, 'http://a:8080'],
    ['[::1]:5000', {}, 'http://[::1]:5000'],
    ['a', { 'x-forwarded-proto': 'https' }, 'https://a'],
    ['a:443', { 'x-forwarded-proto': 'https' }, 'https://a'],
    ['a', { 'x-forwarded-host': 'b, c', 'x-forwarded-port': '8443', 'x-forwarded-proto': 'https' }, 'https://b:8443'],
    ['a', { 'x-forwarded-prefix': '/identity/' }, 'http://a/identity'],
  ]
  for (const [host, headers, url] of rows)
    expect([host, (await ask(start().application, 'GET /', { host, headers })).body.self]).toEqual([host, url])
})

test('addresses of other services follow the client as well', () => {
  const rows: [template: string, base: string, address: string][] = [
    ['{base}/v3', 'http://a:5000', 'http://a:5000/v3'],
    ['{scheme}://{hostname}:8774/v2.1', 'https://a:5000/identity', 'https://a:8774/v2.1'],
    ['{scheme}://{host}/compute', 'http://[::1]:5000', 'http://[::1]:5000/compute'],
    ['{scheme}://{hostname}:1', 'http://[::1]:5000', 'http://[::1]:1'],
    ['http://fixed/{project}', 'http://a', 'http://fixed/{project}'],
  ]
  for (const [template, base, address] of rows) expect(addressFor(template, base)).toBe(address)
})
