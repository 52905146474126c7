import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readSources } from '../../oslo/config/sources.ts'
import { type TestKeystone, testKeystone, tokenBody } from '../../oslo/keystoneauth/fixture.ts'
import { silent } from '../../oslo/log.ts'
import { testMemcached } from '../../oslo/memcached/fixture.ts'
import type { Application, Request, Response } from '../contract.ts'
import { type Asked, ask } from '../testing.ts'
import { authTokenFilters } from './auth-token.ts'

let keystone: TestKeystone
let directory: string
let now: number
let said: string[]
let inside: Request | undefined
let answer: Response

beforeEach(async () => {
  keystone = await testKeystone()
  keystone.tokens.set('user', tokenBody({ catalog }))
  keystone.tokens.set(
    'service',
    tokenBody({ user: { id: 's1', name: 'cinder' }, roles: [{ name: 'service' }], project: { id: 'sp', name: 'service' } }),
  )
  keystone.tokens.set('other', tokenBody({ user: { id: 'u2', name: 'jill' }, project: undefined, roles: [] }))
  keystone.tokens.set('old', tokenBody({}, -1000))
  directory = mkdtempSync(join(tmpdir(), 'authtoken-'))
  now = Date.now()
  said = []
  inside = undefined
  answer = { status: 200, headers: [], body: null }
})
afterEach(async () => {
  rmSync(directory, { recursive: true })
  await keystone.close()
})

const catalog = [
  { type: 'compute', name: 'nova', endpoints: [{ region: 'R', interface: 'public', url: 'http://nova' }] },
  { type: 'image', name: 'glance', endpoints: [{ region: 'R', interface: 'internal', url: 'http://glance' }] },
]

/** An application behind the filter, with these lines in nova.conf and variables in the paste file. */
async function open(lines: Record<string, string | number> = {}, local: Record<string, string> = {}): Promise<Application> {
  const all = {
    ...{ auth_type: 'password', auth_url: `${keystone.url}/v3`, username: 'nova', password: 'secret', user_domain_name: 'Default' },
    ...{
      project_name: 'service',
      project_domain_name: 'Default',
      www_authenticate_uri: 'http://keystone:5000',
      http_request_max_retries: 0,
    },
    ...lines,
  }
  const file = join(directory, 'nova.conf')
  writeFileSync(file, ['[keystone_authtoken]', ...Object.entries(all).map(([name, value]) => `${name} = ${value}`)].join('\n'))
  const sources = await readSources({ files: [file], prog: 'nova-api', searchIn: [] })
  const say = (level: string) => (text: string) => void said.push(`${level} ${text}`)
  const log = { ...silent, info: say('info'), warning: say('warning'), error: say('error') }
  const { filters } = authTokenFilters({ sources, logger: () => log, clock: { now: () => now } })
  const filter = await filters!['keystonemiddleware.auth_token:filter_factory']!({ here: '/etc/nova' }, local)
  return filter(async (request) => {
    inside = request
    return answer
  })
}

const call = (app: Application, headers: Asked['headers'] = {}, more: Asked = {}) => app(ask('GET /servers', { headers, ...more }))
const asked = () => keystone.seen.filter(({ method }) => method === 'GET')

const unauthorized = {
  status: 401,
  headers: [
    ['Content-Type', 'application/json'],
    ['WWW-Authenticate', 'Keystone uri="http://keystone:5000"'],
  ],
  body: '{"error": {"code": 401, "title": "Unauthorized", "message": "The request you have made requires authentication."}}',
}

describe('a valid token', () => {
  test('is told as data and as headers', async () => {
    expect((await call(await open(), { 'x-auth-token': ' user ' })).status).toBe(200)
    expect(inside!.environ.identity!.user).toMatchObject({ token: 'user', userId: 'u1', projectId: 'p1', roles: ['member', 'reader'] })
    expect(inside!.environ.identity!.service).toBe(null)
    const { host: _, 'x-service-catalog': services, ...headers } = inside!.headers
    expect(headers).toEqual({
      ...{ 'x-auth-token': ' user ', 'x-identity-status': 'Confirmed', 'x-is-admin-project': 'True' },
      ...{ 'x-user-id': 'u1', 'x-user-name': 'joe', 'x-user': 'joe', 'x-user-domain-id': 'default', 'x-user-domain-name': 'Default' },
      ...{ 'x-project-id': 'p1', 'x-project-name': 'demo', 'x-project-domain-id': 'default', 'x-project-domain-name': 'Default' },
      ...{ 'x-tenant-id': 'p1', 'x-tenant-name': 'demo', 'x-tenant': 'demo', 'x-roles': 'member,reader', 'x-role': 'member,reader' },
    })
    expect(JSON.parse(services as string)).toEqual([
      { type: 'compute', name: 'nova', endpoints: [{ region: 'R', publicURL: 'http://nova' }] },
      { type: 'image', name: 'glance', endpoints: [{ region: 'R', internalURL: 'http://glance' }] },
    ])
  })
  test('may come as X-Storage-Token', async () => {
    await call(await open(), { 'x-storage-token': 'user' })
    expect(inside!.environ.identity!.user!.userId).toBe('u1')
  })
  test('of the system, or not of an admin project, says so', async () => {
    keystone.tokens.set('system', tokenBody({ project: undefined, system: { all: true }, is_admin_project: false }))
    await call(await open(), { 'x-auth-token': 'system' })
    expect(inside!.headers).toMatchObject({ 'openstack-system-scope': 'all', 'x-is-admin-project': 'False' })
    expect(inside!.headers['x-project-id']).toBe(undefined)
  })
  test('comes without a catalogue when none is wanted', async () => {
    const app = await open({ include_service_catalog: 'false' })
    keystone.tokens.set('user', tokenBody({ catalog: undefined }))
    await call(app, { 'x-auth-token': 'user' })
    expect(asked()[0]!.path).toBe('/v3/auth/tokens?nocatalog')
    expect(inside!.headers['x-service-catalog']).toBe(undefined)
  })
  test('is asked about with a token of our own, and with support of access rules', async () => {
    await call(await open(), { 'x-auth-token': 'user' })
    expect(asked()[0]!.headers).toMatchObject({
      'x-auth-token': 'ours-1',
      'x-subject-token': 'user',
      'openstack-identity-access-rules': '1',
    })
  })
})

describe('what a client says about itself', () => {
  const names = [
    ...['User', 'Project', 'Service-User', 'Service-Project'].flatMap((who) =>
      ['Id', 'Name', 'Domain-Id', 'Domain-Name'].map((what) => `X-${who}-${what}`),
    ),
    ...['X-Domain-Id', 'X-Domain-Name', 'X-Service-Domain-Id', 'X-Service-Domain-Name', 'X-Roles', 'X-Service-Roles', 'X-Role', 'X-User'],
    ...['X-Tenant', 'X-Tenant-Id', 'X-Tenant-Name', 'X-Is-Admin-Project', 'X-Service-Catalog', 'X-Identity-Status'],
    ...['X-Service-Identity-Status', 'OpenStack-System-Scope'],
  ]
  const forged = (name: string): Asked => ({ headers: { [name.toLowerCase()]: 'forged' }, rawHeaders: [name, 'forged', 'Accept', 'x'] })
  for (const name of names.flatMap((name) => [name, name.replaceAll('-', '_')])) {
    test(`in ${name} is dropped`, async () => {
      const app = await open({ delay_auth_decision: 'true' })
      const tokens: Asked['headers'][] = [{}, { 'x-auth-token': 'user' }, { 'x-auth-token': 'other', 'x-service-token': 'service' }]
      for (const token of tokens) {
        const { headers, ...more } = forged(name)
        await call(app, { ...headers, ...token }, more)
        expect(JSON.stringify([inside!.headers, inside!.rawHeaders])).not.toContain('forged')
        expect(inside!.rawHeaders).toEqual(['Accept', 'x'])
      }
    })
  }
  test('elsewhere is kept', async () => {
    await call(await open(), { 'x-auth-token': 'user', 'x-openstack-nova-api-version': '2.1', 'x-user-agent': 'mine' })
    expect(inside!.headers).toMatchObject({ 'x-openstack-nova-api-version': '2.1', 'x-user-agent': 'mine' })
  })
})

describe('refused', () => {
  const rows: [what: string, headers: Record<string, string>][] = [
    ['no token', {}],
    ['an empty token', { 'x-auth-token': '' }],
    ['an unknown token', { 'x-auth-token': 'unknown' }],
    ['a token that has expired', { 'x-auth-token': 'old' }],
    ['an unknown service token', { 'x-auth-token': 'user', 'x-service-token': 'unknown' }],
    ['a service token without the role', { 'x-auth-token': 'user', 'x-service-token': 'user' }],
    ['only a service token', { 'x-service-token': 'service' }],
    ['an empty token, whatever else', { 'x-auth-token': '', 'x-storage-token': 'user' }],
  ]
  for (const [what, headers] of rows) {
    test(`is ${what}`, async () => {
      expect(await call(await open(), headers)).toEqual(unauthorized)
      expect(inside).toBe(undefined)
    })
    test(`is ${what} by what is behind, when the decision is delayed`, async () => {
      expect((await call(await open({ delay_auth_decision: 'true' }), headers)).status).toBe(200)
      const believed = inside!.headers['x-identity-status'] === 'Confirmed' && inside!.headers['x-service-identity-status'] !== 'Invalid'
      expect(believed).toBe(false)
    })
  }
  test('is whatever Keystone describes in a way that nobody understands', async () => {
    keystone.tokens.set('user', { token: { user: {} } })
    expect((await call(await open(), { 'x-auth-token': 'user' })).status).toBe(401)
  })
  test('by the application, is told where Keystone is', async () => {
    const app = await open()
    answer = { status: 401, headers: [['WWW-Authenticate', 'Basic']], body: 'no' }
    expect((await call(app, { 'x-auth-token': 'user' })).headers).toEqual([
      ['WWW-Authenticate', 'Basic'],
      ['WWW-Authenticate', 'Keystone uri="http://keystone:5000"'],
    ])
  })
  test('by the application in another way, is not', async () => {
    const app = await open()
    answer = { status: 403, headers: [], body: 'no' }
    expect((await call(app, { 'x-auth-token': 'user' })).headers).toEqual([])
  })
})

describe('a service token', () => {
  const both = { 'x-auth-token': 'user', 'x-service-token': 'service' }
  test('is told beside that of the user', async () => {
    await call(await open(), both)
    expect(inside!.environ.identity).toMatchObject({ user: { userId: 'u1' }, service: { userId: 's1', roles: ['service'] } })
    expect(inside!.headers).toMatchObject({
      'x-user-id': 'u1',
      'x-service-identity-status': 'Confirmed',
      'x-service-user-id': 's1',
      'x-service-user-name': 'cinder',
      'x-service-project-id': 'sp',
      'x-service-roles': 'service',
    })
  })
  test('overrules the scope of that of the user, as upstream', async () => {
    keystone.tokens.set('system', tokenBody({ system: { all: true } }))
    keystone.tokens.set('system-service', tokenBody({ system: { all: true }, roles: [{ name: 'service' }] }))
    const app = await open()
    await call(app, { 'x-auth-token': 'system', 'x-service-token': 'service' })
    expect(inside!.headers['openstack-system-scope']).toBe(undefined)
    await call(app, { 'x-auth-token': 'user', 'x-service-token': 'system-service' })
    expect(inside!.headers['openstack-system-scope']).toBe('all')
  })
  test('needs one of the roles that are set', async () => {
    expect((await call(await open({ service_token_roles: 'storage,reader' }), { ...both, 'x-service-token': 'user' })).status).toBe(200)
    expect((await call(await open({ service_token_roles: 'storage' }), both)).status).toBe(401)
  })
  test('needs none when that is set', async () => {
    const app = await open({ service_token_roles_required: 'false' })
    expect((await call(app, { ...both, 'x-service-token': 'other' })).status).toBe(200)
    expect(inside!.environ.identity!.service!.userId).toBe('u2')
    expect((await call(app, { 'x-auth-token': 'old', 'x-service-token': 'other' })).status).toBe(401)
  })
  test('vouches for a token that has expired', async () => {
    expect((await call(await open(), { 'x-auth-token': 'old', 'x-service-token': 'service' })).status).toBe(200)
    expect(asked().map(({ path }) => path)).toEqual(['/v3/auth/tokens', '/v3/auth/tokens?allow_expired=1'])
  })
  test('does so only for this request', async () => {
    const app = await open()
    await call(app, { 'x-auth-token': 'old', 'x-service-token': 'service' })
    expect((await call(app, { 'x-auth-token': 'old' })).status).toBe(401)
  })
})

describe('the cache', () => {
  test('remembers a token for as long as is set', async () => {
    const app = await open({ token_cache_time: 10 })
    const steps = [0, 9_999, 1, 0]
    const counts: number[] = []
    for (const step of steps) {
      now += step
      await call(app, { 'x-auth-token': 'user' })
      counts.push(asked().length)
    }
    expect(counts).toEqual([1, 1, 2, 2])
  })
  test('remembers nothing below 0, and for ever at 0', async () => {
    for (const [seconds, count] of [
      [-1, 2],
      [0, 1],
    ] as const) {
      const app = await open({ token_cache_time: seconds })
      keystone.seen.length = 0
      await call(app, { 'x-auth-token': 'user' })
      now += 1_000_000
      await call(app, { 'x-auth-token': 'user' })
      expect(asked().length).toBe(count)
    }
  })
  test('does not outlive the token', async () => {
    keystone.tokens.set('short', tokenBody({}, 60_000))
    const app = await open()
    expect((await call(app, { 'x-auth-token': 'short' })).status).toBe(200)
    now += 61_000
    expect((await call(app, { 'x-auth-token': 'short' })).status).toBe(401)
    expect(asked().length).toBe(1)
  })
  test('asks once for all who come at the same time', async () => {
    const app = await open()
    const all = await Promise.all(Array.from({ length: 20 }, () => call(app, { 'x-auth-token': 'user' })))
    expect(all.map(({ status }) => status)).toEqual(Array(20).fill(200))
    expect(keystone.seen.map(({ method }) => method)).toEqual(['POST', 'GET'])
  })
  test('does not remember that a token is unknown', async () => {
    const app = await open()
    expect((await call(app, { 'x-auth-token': 'new' })).status).toBe(401)
    keystone.tokens.set('new', tokenBody())
    expect((await call(app, { 'x-auth-token': 'new' })).status).toBe(200)
  })
  test('keeps a catalogue that many tokens have once', async () => {
    keystone.tokens.set('second', tokenBody({ catalog }))
    const app = await open()
    await call(app, { 'x-auth-token': 'user' })
    const first = inside!.environ.identity!.user!
    await call(app, { 'x-auth-token': 'second' })
    expect(inside!.environ.identity!.user).not.toBe(first)
    expect(inside!.environ.identity!.user!.catalog).toBe(first.catalog)
  })
})

describe('Keystone', () => {
  const html =
    '<html>\n <head>\n  <title>503 Service Unavailable</title>\n </head>\n <body>\n  <h1>503 Service Unavailable</h1>\n  The server is currently unavailable. Please try again at a later time.<br /><br />\nThe Keystone service is temporarily unavailable.\n\n\n </body>\n</html>'
  const json =
    '{"message": "The server is currently unavailable. Please try again at a later time.<br /><br />\\nThe Keystone service is temporarily unavailable.\\n\\n", "code": "503 Service Unavailable", "title": "Service Unavailable"}'
  const plain =
    '503 Service Unavailable\n\nThe server is currently unavailable. Please try again at a later time.\n\n The Keystone service is temporarily unavailable.  '
  const forms: [accept: string | undefined, type: string, body: string][] = [
    [undefined, 'text/plain; charset=UTF-8', plain],
    ['application/xml', 'text/plain; charset=UTF-8', plain],
    ['*/*', 'text/html; charset=UTF-8', html],
    ['application/json', 'application/json', json],
    ['application/json;q=0.5,text/html', 'text/html; charset=UTF-8', html],
  ]
  for (const [accept, type, body] of forms) {
    test(`that is gone is told in the form of ${accept}`, async () => {
      const app = await open({ auth_url: 'http://127.0.0.1:1/v3' })
      const response = await call(app, { 'x-auth-token': 'user', ...(accept && { accept }) })
      expect(response).toEqual({ status: 503, headers: [['Content-Type', type]], body })
      expect(said.at(-1)).toMatch(/^error Unable to validate token: POST .*cannot be reached/)
    })
  }
  test('that does not answer costs a bounded time', async () => {
    const app = await open({ http_connect_timeout: 1 })
    keystone.answer = ({ method }) => (method === 'GET' ? { silent: true } : undefined)
    const start = performance.now()
    expect((await call(app, { 'x-auth-token': 'user' })).status).toBe(503)
    expect(performance.now() - start).toBeLessThan(2000)
  })
  test('that is gone while the decision is delayed makes tokens invalid', async () => {
    const app = await open({ auth_url: 'http://127.0.0.1:1/v3', delay_auth_decision: 'true' })
    expect((await call(app, { 'x-auth-token': 'user' })).status).toBe(200)
    expect(inside!.headers['x-identity-status']).toBe('Invalid')
  })
  test('that fails makes us unavailable, and is asked again at the next request', async () => {
    const app = await open()
    keystone.answer = ({ method }) => (method === 'GET' ? { status: 500 } : undefined)
    expect((await call(app, { 'x-auth-token': 'user' })).status).toBe(503)
    keystone.answer = () => undefined
    expect((await call(app, { 'x-auth-token': 'user' })).status).toBe(200)
  })
  test('that refuses our own token is asked with another, once', async () => {
    const app = await open()
    keystone.trusts = (token) => token === 'ours-2'
    expect((await call(app, { 'x-auth-token': 'user' })).status).toBe(200)
    keystone.trusts = () => false
    expect((await call(app, { 'x-auth-token': 'other' })).status).toBe(503)
    expect(keystone.seen.filter(({ method }) => method === 'POST').length).toBe(3)
  })
  test('that refuses our password makes us unavailable', async () => {
    expect((await call(await open({ password: 'wrong-pass' }), { 'x-auth-token': 'user' })).status).toBe(503)
    expect(said.join()).not.toContain('wrong-pass')
  })
  test('that the catalogue does not name is an error of ours, until it does', async () => {
    const app = await open({ region_name: 'Elsewhere' })
    await expect(call(app, { 'x-auth-token': 'user' })).rejects.toMatchObject({ kind: 'endpoint' })
    await expect(call(app, { 'x-auth-token': 'user' })).rejects.toMatchObject({ kind: 'endpoint' })
    expect(keystone.seen.filter(({ method }) => method === 'POST').length).toBeGreaterThan(1)
  })
})

describe('tokens that are bound', () => {
  const kerberos = { bind: { kerberos: 'joe' } }
  const unknown = { bind: { x509: 'joe' } }
  const rows: [mode: string, more: object, status: number][] = [
    ['disabled', kerberos, 200],
    ['permissive', kerberos, 401],
    ['permissive', unknown, 200],
    ['strict', unknown, 401],
    ['strict', {}, 200],
    ['required', {}, 401],
    ['required', unknown, 401],
    ['kerberos', {}, 401],
    ['kerberos', kerberos, 401],
  ]
  for (const [mode, more, status] of rows) {
    test(`${mode} ${JSON.stringify(more)} → ${status}`, async () => {
      keystone.tokens.set('bound', tokenBody({ ...more }))
      expect((await call(await open({ enforce_token_bind: mode }), { 'x-auth-token': 'bound' })).status).toBe(status)
    })
  }
})

test('an application credential is held to its rules', async () => {
  const rules = [{ service: 'compute', method: 'GET', path: '/v2.1/servers' }]
  keystone.tokens.set('limited', tokenBody({ catalog, application_credential: { id: 'a', access_rules: rules } }))
  const app = await open({ service_type: 'compute' })
  const status = async (line: string) => (await app(ask(line, { scriptName: '/v2.1', headers: { 'x-auth-token': 'limited' } }))).status
  expect([await status('GET /servers'), await status('GET /flavors'), await status('POST /servers')]).toEqual([200, 401, 401])
  expect((await call(await open(), { 'x-auth-token': 'limited' }, { scriptName: '/v2.1' })).status).toBe(401)
})

describe('settings', () => {
  test('of the paste file beat those of nova.conf', async () => {
    const app = await open({ delay_auth_decision: 'false' }, { delay_auth_decision: 'true', password: 'secret', unheard_of: '1' })
    expect((await call(app)).status).toBe(200)
    expect(said).toContain('warning The option "unheard_of" is not known to keystonemiddleware')
    expect(said.join()).not.toContain('here')
  })
  test('may be in another section', async () => {
    const app = await open({
      ...{ auth_type: '', auth_section: 'elsewhere', password: 'wrong' },
      '\n[elsewhere]\nauth_type': `password\nauth_url = ${keystone.url}/v3\nusername = nova\npassword = secret\nuser_domain_id = default\nproject_id = p`,
    })
    expect((await call(app, { 'x-auth-token': 'user' })).status).toBe(200)
  })
  test('that lack how to ask Keystone fail when it has to be asked', async () => {
    const app = await open({ auth_type: '' })
    expect((await call(app)).status).toBe(401)
    await expect(call(app, { 'x-auth-token': 'user' })).rejects.toThrow('[keystone_authtoken] auth_type is not set')
  })
  test('that make no sense are refused at once', async () => {
    await expect(open({ auth_type: 'magic' })).rejects.toThrow("[keystone_authtoken] auth_type: 'magic' is not supported")
    await expect(open({ memcached_servers: 'a:b:c' })).rejects.toThrow("[keystone_authtoken] memcached_servers: 'a:b:c' is no address")
    await expect(open({ memcache_security_strategy: 'mac' })).rejects.toThrow('[keystone_authtoken] memcache_secret_key: must be defined')
    await expect(open({}, { token_cache_time: 'soon' })).rejects.toThrow("'soon' is not an integer")
  })
  test('that have no effect, or a bad one, are mentioned', async () => {
    await open({
      memcached_servers: '127.0.0.1:11211',
      memcache_sasl_enabled: 'true',
      service_token_roles_required: 'false',
      www_authenticate_uri: '',
    })
    expect(said.map((line) => line.slice(0, 31))).toEqual([
      'warning Configuring www_authent',
      'warning service_token_roles_req',
      'warning memcache_sasl_enabled i',
    ])
  })
  test('without www_authenticate_uri name the address that we use ourselves', async () => {
    const response = await call(await open({ www_authenticate_uri: '' }))
    expect(response.headers.at(-1)).toEqual(['WWW-Authenticate', `Keystone uri="${keystone.url}/v3"`])
  })
})

describe('a memcached', () => {
  for (const strategy of ['None', 'MAC', 'ENCRYPT'])
    test(`spares other processes the question: ${strategy}`, async () => {
      const server = await testMemcached()
      try {
        const shared = {
          memcached_servers: server.at,
          memcache_security_strategy: strategy,
          memcache_secret_key: 's3cret',
          token_cache_time: 77,
        }
        const [one, other] = [await open(shared), await open(shared)]
        expect((await call(one, { 'x-auth-token': 'user' })).status).toBe(200)
        await expect.poll(() => server.kept.size).toBe(1)
        expect((await call(other, { 'x-auth-token': 'user' })).status).toBe(200)
        expect(inside?.environ.identity).toMatchObject({ user: { token: 'user', userName: 'joe', roles: ['member', 'reader'] } })
        expect(asked().length).toBe(1)
        expect([...server.kept.values()][0]!.seconds).toBe('77')
        // what came from there is looked up there again soon
        now += 11_000
        server.kept.clear()
        expect((await call(other, { 'x-auth-token': 'user' })).status).toBe(200)
        expect(asked().length).toBe(2)
      } finally {
        server.close()
      }
    })

  test('that is away together with Keystone: what is known counts for its time', async () => {
    const server = await testMemcached()
    const shared = { memcached_servers: server.at, token_cache_time: 60 }
    await call(await open(shared), { 'x-auth-token': 'user' })
    await expect.poll(() => server.kept.size).toBe(1)
    const app = await open(shared)
    const status = async () => (await call(app, { 'x-auth-token': 'user' })).status
    expect(await status()).toBe(200)
    server.close()
    await keystone.close()
    now += 59_000
    expect(await status()).toBe(200)
    now += 2_000
    expect(await status()).toBe(503)
  })

  test('that holds something else, or is away, is done without', async () => {
    const server = await testMemcached()
    const app = await open({ memcached_servers: server.at, memcache_pool_socket_timeout: 1 })
    await call(app, { 'x-auth-token': 'user' })
    await expect.poll(() => server.kept.size).toBe(1)
    for (const entry of server.kept.values()) entry.value = '{"token": 7}'
    expect((await call(await open({ memcached_servers: server.at }), { 'x-auth-token': 'user' })).status).toBe(200)
    server.close()
    expect((await call(await open({ memcached_servers: server.at }), { 'x-auth-token': 'user' })).status).toBe(200)
    expect(asked().length).toBe(3)
  })
})
