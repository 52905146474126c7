import { afterAll, beforeAll, expect, test } from 'vitest'
import { group } from '../oslo/config/options.ts'
import { fixedAuth } from '../oslo/keystoneauth/auth.ts'
import { defaultsOf, type Said, type TestKeystone, testKeystone } from '../oslo/keystoneauth/fixture.ts'
import { sessionOptions } from '../oslo/keystoneauth/options.ts'
import { silent } from '../oslo/log.ts'
import { vendordataServices } from './vendordata.ts'

const options = group('vendordata_dynamic_auth', sessionOptions)
let server: TestKeystone
let said: Said = {}
beforeAll(async () => {
  server = await testKeystone()
  server.answer = () => said
})
afterAll(() => server.close())

const services = (token: string | null, seconds = 3) =>
  vendordataServices(defaultsOf(options.options), {
    auth: token === null ? null : fixedAuth(null, token),
    connectSeconds: seconds,
    readSeconds: 0,
    cafile: '',
    log: silent,
  })

const answers: [name: string, said: Said, expected: unknown][] = [
  ['an object', { body: { a: 1 } }, { a: 1 }],
  ['any JSON', { body: '[1]' }, [1]],
  ['nothing', {}, {}],
]
for (const [name, what, expected] of answers)
  test(`${name} is what it says`, async () => {
    said = what
    const asked = services(null)
    expect(await asked.ask(`${server.url}/x?y`, { 'instance-id': 'i' })).toEqual(expected)
    await asked.close()
    expect(server.seen.at(-1)).toMatchObject({
      method: 'POST',
      path: '/x?y',
      body: '{"instance-id":"i"}',
      headers: { 'user-agent': 'openstack-nova-vendordata', accept: 'application/json', 'content-type': 'application/json' },
    })
    expect(server.seen.at(-1)!.headers).not.toHaveProperty('x-auth-token')
  })

const failures: [name: string, said: Said, error: object][] = [
  ['a refusal', { status: 403 }, { kind: 'status', status: 403 }],
  ['text', { body: 'hello' }, { kind: 'malformed' }],
  ['a connection that ends', { broken: true }, { kind: 'unreachable' }],
  ['silence', { silent: true }, { kind: 'timeout' }],
]
for (const [name, what, error] of failures)
  test(`${name} is an error`, async () => {
    said = what
    const asked = services(null, 0.2)
    await expect(asked.ask(`${server.url}/`, {})).rejects.toMatchObject(error)
    await asked.close()
  })

test('our token goes along when there is one', async () => {
  said = {}
  const asked = services('token-of-ours')
  await asked.ask(`${server.url}/`, {})
  await asked.close()
  expect(server.seen.at(-1)!.headers).toMatchObject({ 'x-auth-token': 'token-of-ours' })
})

test('an address that is none is an error at once', async () => {
  await expect(services(null).ask('nonsense', {})).rejects.toThrow(TypeError)
})
