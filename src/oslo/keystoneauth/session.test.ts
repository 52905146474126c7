import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ConfigError } from '../config/error.ts'
import { userAuth } from './auth.ts'
import { isStatus, PeerError } from './errors.ts'
import { defaultsOf, type Said, type TestKeystone, testKeystone } from './fixture.ts'
import { identityUrl, loadAuth } from './identity.ts'
import { type AuthSettings, authOptions, type SessionSettings, serviceOptions, sessionOptions } from './options.ts'
import { loadServiceUser, serviceUserOptions } from './service-user.ts'
import { type Ask, createSession, type Session, serviceOf } from './session.ts'

const unreachable = 'http://127.0.0.1:1'
const asNova = {
  authType: 'password',
  username: 'nova',
  password: 'secret',
  userDomainName: 'Default',
  projectName: 'service',
  projectDomainName: 'Default',
}

let keystone: TestKeystone
let warnings: string[]
let sessions: Session[]
beforeEach(async () => {
  keystone = await testKeystone()
  warnings = []
  sessions = []
})
afterEach(async () => {
  await Promise.all(sessions.map((session) => session.close()))
  await keystone.close()
})

function open(settings: Partial<SessionSettings> = {}): Session {
  const session = createSession({ settings: defaultsOf(sessionOptions, settings), log: { warning: (text) => void warnings.push(text) } })
  sessions.push(session)
  return session
}
const ours = (session: Session, settings: Partial<AuthSettings> = {}, clock = { now: Date.now }) =>
  loadAuth(defaultsOf(authOptions, { ...asNova, authUrl: `${keystone.url}/v3`, ...settings }), { group: 'neutron', session, clock })

/** A session that asks the network service as nova. */
const network = (more: Ask = {}): Session => {
  const session = open()
  return session.with({ auth: ours(session), ...serviceOf(defaultsOf(serviceOptions('network'))), ...more })
}
const answers = (...said: Said[]) => {
  keystone.answer = ({ path }) => (path.startsWith('/internal') ? (said.length > 1 ? said.shift() : said[0]) : undefined)
}
const failure = (asked: Promise<unknown>): Promise<PeerError> =>
  asked.then(
    () => expect.fail('it was answered'),
    (error) => error,
  )

describe('a request', () => {
  test('goes to the endpoint of the catalogue with a token of ours', async () => {
    answers({ body: { ports: [] } })
    const answer = await network().request({ path: '/v2.0/ports', query: { device_id: 'a b', fields: ['id', 'name'], none: undefined } })
    expect(answer.json()).toEqual({ ports: [] })
    const [seen] = keystone.requests('/internal')
    expect(seen).toMatchObject({ method: 'GET', path: '/internal/v2.0/ports?device_id=a+b&fields=id&fields=name' })
    expect(seen!.headers).toMatchObject({ 'x-auth-token': 'ours-1', accept: 'application/json', 'user-agent': 'nova-ts' })
  })
  test('carries JSON, headers, a microversion and the id of its cause', async () => {
    answers({ status: 201 })
    const more = { headers: { 'X-One': '1', accept: 'text/plain' }, microversion: '1.36', globalRequestId: 'req-1' }
    await network({ headers: { 'X-Zero': '0' } }).request({ method: 'POST', path: 'v2.0/ports', json: { port: {} }, ...more })
    const [seen] = keystone.requests('/internal/v2.0/ports')
    expect(seen).toMatchObject({ method: 'POST', body: '{"port":{}}' })
    expect(seen!.headers).toMatchObject({ 'content-type': 'application/json', 'x-zero': '0', 'x-one': '1', accept: 'text/plain' })
    expect(seen!.headers).toMatchObject({ 'openstack-api-version': 'network 1.36', 'x-openstack-request-id': 'req-1' })
  })
  test('follows redirects with its own method', async () => {
    answers({ status: 302, headers: { location: '/internal/there' } }, { status: 200 })
    expect((await network().request({ method: 'PUT', path: 'here', json: 1 })).url).toBe(`${keystone.url}/internal/there`)
    expect(keystone.requests('/internal').map(({ method, body }) => method + body)).toEqual(['PUT1', 'PUT1'])
  })
  test('hands on a large answer piece by piece', async () => {
    answers({ body: 'x'.repeat(200_000) })
    let size = 0
    for await (const piece of (await network().stream({ path: 'image' })).body) size += piece.length
    expect(size).toBe(200_000)
  })

  const places: [what: string, ask: Ask, path: string][] = [
    ['interfaces in their order', { interfaces: ['admin', 'public', 'internal'] }, '/public/x'],
    ['an address of its own', { endpointOverride: 'HERE/override/' }, '/override/x'],
    ['an address with the project in it', { endpointOverride: 'HERE/v3/%(project_id)s/%(user_id)s' }, '/v3/p1/nova/x'],
    ['a full address', { url: 'HERE/full?a=1', query: { b: 2 } }, '/full?a=1&b=2'],
  ]
  for (const [what, ask, path] of places) {
    test(`goes to ${what}`, async () => {
      keystone.answer = (seen) => (seen.path === path ? { status: 204 } : undefined)
      const here = JSON.parse(JSON.stringify(ask).replace('HERE', keystone.url)) as Ask
      expect((await network().request({ path: '/x', ...here })).status).toBe(204)
    })
  }
  test('fails when the catalogue has no endpoint for it', async () => {
    const error = await failure(network({ region: 'Elsewhere' }).request({ path: '/' }))
    expect(error).toMatchObject({ kind: 'endpoint', service: 'network' })
    expect(error.message).toBe('the catalogue has no internal or public endpoint in the region Elsewhere for the network service')
  })
})

describe('answers', () => {
  test('that mean no are errors, with their body for whoever wants it', async () => {
    answers({ status: 409, body: { NeutronError: { type: 'IpInUse' } } })
    const error = await failure(network().request({ path: '/v2.0/ports', method: 'POST', json: {} }))
    expect(error).toBeInstanceOf(PeerError)
    expect(error).toMatchObject({ kind: 'status', status: 409, service: 'network', text: '{"NeutronError":{"type":"IpInUse"}}' })
    expect(error.message).toBe(`POST ${keystone.url}/internal/v2.0/ports: the network service answered 409`)
    expect([isStatus(error, 404, 409), isStatus(error, 404), isStatus(new Error('x'), 409)]).toEqual([true, false, false])
  })
  test('that are expected are none', async () => {
    answers({ status: 404 })
    expect((await network().request({ path: '/x', allow: [404] })).status).toBe(404)
    expect((await network().request({ path: '/x', allow: 'all' })).status).toBe(404)
    expect((await failure(network().request({ path: '/x', allow: [409] }))).status).toBe(404)
  })
  test('that should be JSON and are not', async () => {
    answers({ body: '<html>' })
    const answer = await network().request({ path: '/x' })
    expect(() => answer.json()).toThrow(expect.objectContaining({ kind: 'malformed' }))
  })
})

describe('attempts', () => {
  const quick = { connectRetryDelayMs: 1, statusRetryDelayMs: 1 }
  test('are repeated after 503 as often as allowed', async () => {
    answers({ status: 503 }, { status: 503 }, { status: 200 })
    expect((await network({ ...quick, statusRetries: 2 }).request({ path: '/x' })).status).toBe(200)
    answers({ status: 503 }, { status: 503 }, { status: 200 })
    expect((await failure(network({ ...quick, statusRetries: 1 }).request({ path: '/x' }))).status).toBe(503)
    expect(keystone.requests('/internal/x').length).toBe(5)
    expect(warnings[0]).toBe(`GET ${keystone.url}/internal/x: the network service answered 503. Trying again in 0.001 s.`)
  })
  test('are repeated after the statuses that are named', async () => {
    answers({ status: 500 }, { status: 200 })
    expect((await network({ ...quick, statusRetries: 1, retriableStatuses: [500] }).request({ path: '/x' })).status).toBe(200)
  })
  test('are repeated when the connection breaks, whatever the method', async () => {
    answers({ broken: true }, { broken: true }, { status: 200 })
    expect((await network({ ...quick, connectRetries: 2 }).request({ method: 'POST', path: '/x', json: {} })).status).toBe(200)
    answers({ broken: true }, { broken: true }, { status: 200 })
    const error = await failure(network({ ...quick, connectRetries: 1 }).request({ method: 'POST', path: '/x', json: {} }))
    expect(error).toMatchObject({ kind: 'unreachable', service: 'network', method: 'POST' })
  })
  test('are not repeated with a stream as body', async () => {
    answers({ status: 503 })
    const body = async function* () {
      yield Buffer.from('piece')
    }
    await failure(network({ ...quick, statusRetries: 3 }).request({ method: 'PUT', path: '/x', body: body() }))
    expect(keystone.requests('/internal/x').map((seen) => seen.body)).toEqual(['piece'])
  })
  test('that only read survive a kept connection that ends', async () => {
    answers({ broken: true }, { status: 200 })
    expect((await network().request({ path: '/x' })).status).toBe(200)
  })
  test('end in time', async () => {
    answers({ silent: true })
    const start = performance.now()
    const error = await failure(network().request({ path: '/x', timeoutMs: 60 }))
    expect(error).toMatchObject({ kind: 'timeout', service: 'network' })
    expect(error.message).toContain('did not answer within 0.06 s')
    expect(performance.now() - start).toBeLessThan(1000)
  })
  test('end when whoever asked is gone', async () => {
    answers({ silent: true })
    const gone = new AbortController()
    const asked = network({ connectRetries: 3 }).request({ path: '/x', signal: gone.signal })
    setTimeout(() => gone.abort(new Error('gone')), 50)
    expect((await failure(asked)).message).toBe('gone')
  })
  test('fail when nobody is there', async () => {
    const error = await failure(open().request({ url: `${unreachable}/x` }))
    expect(error).toMatchObject({ kind: 'unreachable', service: '127.0.0.1:1' })
  })
})

describe('a token of ours', () => {
  test('is kept, and fetched once by all who need it', async () => {
    answers({ status: 200 })
    const session = network()
    await Promise.all([1, 2, 3].map((n) => session.request({ path: `/${n}` })))
    await session.request({ path: '/4' })
    expect(keystone.requests('/v3/auth/tokens').length).toBe(1)
  })
  test('is renewed two minutes before it ends', async () => {
    let now = Date.now()
    const session = open()
    const auth = ours(session, {}, { now: () => now })!
    const tokens = [await auth.headers()]
    now += 3_600_000 - 122_000
    tokens.push(await auth.headers())
    now += 4_000
    tokens.push(await auth.headers())
    expect(tokens.map((headers) => headers['X-Auth-Token'])).toEqual(['ours-1', 'ours-1', 'ours-2'])
  })
  test('that is refused is replaced once', async () => {
    keystone.answer = ({ path, headers }) =>
      path.startsWith('/internal') ? { status: headers['x-auth-token'] === 'ours-1' ? 401 : 200 } : undefined
    const session = network()
    expect(await Promise.all([session.request({ path: '/a' }), session.request({ path: '/b' })])).toMatchObject([
      { status: 200 },
      { status: 200 },
    ])
    expect(keystone.requests('/v3/auth/tokens').length).toBe(2)
    answers({ status: 401 })
    expect((await failure(session.request({ path: '/c' }))).status).toBe(401)
    expect(keystone.requests('/internal/c').length).toBe(2)
  })
  test('is not to be had with a wrong password, and the password is told to nobody', async () => {
    const error = await failure(ours(open(), { password: 'wrong-pass' })!.headers())
    expect(error).toMatchObject({ kind: 'status', status: 401, service: 'identity' })
    expect(`${error.message} ${error.text}`).not.toContain('wrong-pass')
  })
  test('needs an answer that is one', async () => {
    keystone.answer = ({ method }) => (method === 'POST' ? { status: 201, body: { token: {} } } : undefined)
    expect(await failure(ours(open())!.headers())).toMatchObject({ kind: 'malformed', service: 'identity' })
  })

  const proofs: [settings: Partial<AuthSettings>, identity: unknown, scope: unknown][] = [
    [
      {},
      { methods: ['password'], password: { user: { name: 'nova', domain: { name: 'Default' }, password: 'secret' } } },
      { project: { name: 'service', domain: { name: 'Default' } } },
    ],
    [
      { authType: 'v3password', userId: 'u', projectId: 'p' },
      { methods: ['password'], password: { user: { id: 'u', password: 'secret' } } },
      { project: { id: 'p' } },
    ],
    [
      { userDomainName: null, projectDomainName: null, defaultDomainId: 'default' },
      { methods: ['password'], password: { user: { name: 'nova', domain: { id: 'default' }, password: 'secret' } } },
      { project: { name: 'service', domain: { id: 'default' } } },
    ],
    [
      { userDomainId: 'd1', projectName: null, systemScope: 'all' },
      { methods: ['password'], password: { user: { name: 'nova', domain: { id: 'd1' }, password: 'secret' } } },
      { system: { all: true } },
    ],
    [
      { projectName: null, domainName: 'Default' },
      { methods: ['password'], password: { user: { name: 'nova', domain: { name: 'Default' }, password: 'secret' } } },
      { domain: { name: 'Default' } },
    ],
    [
      { authType: 'v3applicationcredential', applicationCredentialId: 'a', applicationCredentialSecret: 'secret', projectName: null },
      { methods: ['application_credential'], application_credential: { id: 'a', secret: 'secret' } },
      undefined,
    ],
    [
      { authType: 'v3applicationcredential', applicationCredentialName: 'n', applicationCredentialSecret: 'secret', projectName: null },
      {
        methods: ['application_credential'],
        application_credential: { name: 'n', secret: 'secret', user: { name: 'nova', domain: { name: 'Default' } } },
      },
      undefined,
    ],
    [
      { authType: 'v3token', token: 'secret' },
      { methods: ['token'], token: { id: 'secret' } },
      { project: { name: 'service', domain: { name: 'Default' } } },
    ],
  ]
  for (const [settings, identity, scope] of proofs) {
    test(`is asked for with ${JSON.stringify(settings)}`, async () => {
      await ours(open(), settings)!.headers()
      expect(JSON.parse(keystone.requests('/v3/auth/tokens')[0]!.body)).toEqual({
        auth: { identity, ...(scope !== undefined && { scope }) },
      })
    })
  }

  const missing: [settings: Partial<AuthSettings>, complaint: string][] = [
    [{ authUrl: null }, '[neutron] auth_url: is needed for auth_type password'],
    [{ password: null }, '[neutron] password: is needed for auth_type password'],
    [{ username: null }, '[neutron] username: or user_id is needed for auth_type password'],
    [{ userDomainName: null }, '[neutron] user_domain_name: or user_domain_id is needed with username'],
    [{ systemScope: 'all' }, '[neutron] system_scope: only one of project, domain and system can be acted on'],
    [{ authType: 'v3token' }, '[neutron] token: is needed for auth_type v3token'],
    [{ authType: 'v2password' }, "[neutron] auth_type: 'v2password' is not supported"],
    [{ authType: 'v3applicationcredential' }, '[neutron] application_credential_secret: is needed'],
  ]
  for (const [settings, complaint] of missing) {
    test(`is not to be had with ${JSON.stringify(settings)}`, () => {
      expect(() => ours(open(), settings)).toThrow(ConfigError)
      expect(() => ours(open(), settings)).toThrow(complaint)
    })
  }
  test('is not needed for auth_type none, or without one', async () => {
    const auth = ours(open(), { authType: 'none', endpoint: `${keystone.url}/internal` })!
    answers({ status: 200 })
    expect((await open().request({ auth, path: '/x', serviceType: 'baremetal' })).url).toBe(`${keystone.url}/internal/x`)
    expect(ours(open(), { authType: null })).toBe(null)
  })
})

describe('the token of a caller', () => {
  const catalog = () => [{ type: 'network', endpoints: [{ region: 'R', publicURL: `${keystone.url}/internal` }] }]
  const caller = () => ({ token: 'theirs', userId: 'u1', projectId: 'p1', catalog: catalog(), isAdmin: false })
  test('goes as it is, to the endpoint of its own catalogue', async () => {
    answers({ status: 200 })
    await open().request({ auth: userAuth(caller()), serviceType: 'network', path: '/x' })
    const { headers } = keystone.requests('/internal/x')[0]!
    expect([headers['x-auth-token'], headers['x-service-token']]).toEqual(['theirs', undefined])
  })
  test('that is refused stays refused', async () => {
    answers({ status: 401 })
    const refused = await failure(open().request({ auth: userAuth(caller()), serviceType: 'network', path: '/x' }))
    expect([refused.status, refused.caller]).toEqual([401, { isAdmin: false }])
    expect(keystone.requests('/internal/x').length).toBe(1)
  })
  test('may go with a token of ours, which is renewed when they are refused', async () => {
    keystone.answer = ({ path, headers }) =>
      path.startsWith('/internal') ? { status: headers['x-service-token'] === 'ours-1' ? 401 : 200 } : undefined
    const session = open()
    await session.request({ auth: userAuth(caller(), { service: ours(session) }), serviceType: 'network', path: '/x' })
    expect(keystone.requests('/internal/x').map(({ headers }) => [headers['x-auth-token'], headers['x-service-token']])).toEqual([
      ['theirs', 'ours-1'],
      ['theirs', 'ours-2'],
    ])
  })
})

describe('the service user', () => {
  const rows: [settings: Partial<AuthSettings> & { sendServiceUserToken: boolean }, sent: boolean, warned: number][] = [
    [{ ...asNova, sendServiceUserToken: true }, true, 0],
    [{ ...asNova, sendServiceUserToken: false }, false, 0],
    [{ sendServiceUserToken: true }, false, 1],
  ]
  for (const [changes, sent, warned] of rows) {
    test(`${changes.username ?? 'nobody'}, ${changes.sendServiceUserToken ? 'wanted' : 'not wanted'}`, () => {
      const settings = defaultsOf(serviceUserOptions.options, { authUrl: keystone.url, ...changes })
      const log = { warning: (text: string) => void warnings.push(text) }
      const service = loadServiceUser(settings, { session: open(), clock: { now: Date.now }, log })
      expect([service !== null, warnings.length]).toEqual([sent, warned])
    })
  }
})

describe('the address of version 3', () => {
  const rows: [url: string, versions: Said | undefined, found: string][] = [
    ['/v3', undefined, '/v3'],
    ['/v3/', undefined, '/v3'],
    ['', undefined, '/v3'],
    ['/identity', { status: 404 }, '/identity/v3'],
    ['/identity', { body: '<html>' }, '/identity/v3'],
    ['/identity', { body: { version: { id: 'v3.8', links: [{ rel: 'self', href: 'http://other/v3/' }] } } }, 'http://other/v3'],
  ]
  for (const [url, versions, found] of rows) {
    test(`of ${url || 'an address without one'} that says ${JSON.stringify(versions)}`, async () => {
      if (versions) keystone.answer = () => versions
      expect(await identityUrl(open(), keystone.url + url)).toBe(found.startsWith('http') ? found : keystone.url + found)
    })
  }
  test('is not guessed when nobody answers', async () =>
    expect(await failure(identityUrl(open(), unreachable))).toMatchObject({ kind: 'unreachable' }))
})

describe('a server with a certificate of its own', () => {
  const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgGUvmgmr9P4cCAf7j
tCvdbgVTKI6ZHakVI03j0o3gzCGhRANCAAS7lWKIK0BKbq1+oVXH+onqk0nPgd+M
P6WDuQB3a7FYWMwI9HUunqOL/BJkCu535EefpgjT0QR33KQGGE9aYAVL
-----END PRIVATE KEY-----`
  const certificate = `-----BEGIN CERTIFICATE-----
MIIBkDCCATagAwIBAgIUBzIp+PEjko4gxw9J8t5+uxUmo20wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjE3MDY0NFoYDzIxMjYxMDI5
MTcwNjQ0WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAS7lWKIK0BKbq1+oVXH+onqk0nPgd+MP6WDuQB3a7FYWMwI9HUunqOL
/BJkCu535EefpgjT0QR33KQGGE9aYAVLo2QwYjAdBgNVHQ4EFgQUqlAgTrLo/Kr7
RhkSypWk5yqkNt0wHwYDVR0jBBgwFoAUqlAgTrLo/Kr7RhkSypWk5yqkNt0wDwYD
VR0TAQH/BAUwAwEB/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0gAMEUC
IB98ce+OqHeQH7chOoF8k4oOGWFFcmF6Gzli5IllHhewAiEArpyvURC72d2F4L2+
hbqUI/LQqs3jRsgQy+Rb0UUr+i4=
-----END CERTIFICATE-----`
  let server: Server
  let url: string
  beforeEach(async () => {
    server = createServer({ key, cert: certificate }, (_request, answer) => answer.end('"safe"'))
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`
  })
  afterEach(() => void server.close().closeAllConnections())

  test('is not trusted', async () => {
    const error = await failure(open().request({ url, connectRetries: 5 }))
    expect(error).toMatchObject({ kind: 'tls' })
    expect(error.message).toMatch(/no safe connection to the 127\.0\.0\.1:\d+ service: self-signed certificate/)
  })
  test('is trusted when its authority is known, or when nobody cares', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'tls-'))
    writeFileSync(join(directory, 'ca.pem'), certificate)
    for (const settings of [{ cafile: join(directory, 'ca.pem') }, { insecure: true }, { insecure: true, tlsMinVersion: '1.3' as const }])
      expect((await open(settings).request({ url })).json()).toBe('safe')
    rmSync(directory, { recursive: true })
  })
})

test('a certificate that cannot be read is refused at once', () =>
  expect(() => open({ cafile: '/nowhere/ca.pem' })).toThrow('cafile: /nowhere/ca.pem cannot be read'))
