import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { openShelf } from '../shelf.ts'
import { inDefault, onProject, startIdentity, withPassword } from './fixture.ts'

type Cloud = Awaited<ReturnType<typeof startIdentity>>
let cloud: Cloud
beforeAll(async () => {
  cloud = await startIdentity()
})

const byName = (name: string) => ({ name, domain: inDefault })
const badRequest = (attribute: string, target: string) => `Expecting to find ${attribute} in ${target}.`

describe('who may log in', () => {
  const rows: [what: string, body: unknown, status: number, message?: string][] = [
    ['by name', withPassword(byName('demo'), onProject('demo')), 201],
    ['by name, domain by name', withPassword({ name: 'demo', domain: { name: 'Default' } }), 201],
    ['unscoped on purpose', withPassword(byName('demo'), { unscoped: {} }), 201],
    ['unscoped in one word', withPassword(byName('demo'), 'unscoped'), 201],
    ['with a wrong password', withPassword(byName('demo'), undefined, 'other'), 401],
    ['nobody', withPassword(byName('nobody')), 401],
    ['in no domain', withPassword({ name: 'demo', domain: { id: 'none' } }), 401],
    ['on no project', withPassword(byName('demo'), onProject('none')), 401],
    ['on a project without a role', withPassword(byName('demo'), onProject('admin')), 401],
    ['on the system without a role', withPassword(byName('demo'), { system: { all: true } }), 401],
    ['on the system', withPassword(byName('admin'), { system: { all: true } }), 201],
    ['without a domain', withPassword({ name: 'demo' }), 400, badRequest('domain', 'user')],
    ['on a project without a domain', withPassword(byName('demo'), { project: { name: 'demo' } }), 400, badRequest('domain', 'project')],
    ['without a method', { auth: { identity: { methods: [] } } }, 401],
    [
      'with another method',
      { auth: { identity: { methods: ['x'], x: {} } } },
      401,
      'Attempted to authenticate with an unsupported method.',
    ],
    ['with a method but no data', { auth: { identity: { methods: ['password'] } } }, 400, badRequest('password', 'identity')],
    ['with two scopes', withPassword(byName('demo'), { ...onProject('demo'), system: {} }), 400, badRequest('system, project', '')],
    ['without auth', {}, 400, badRequest('auth', 'request body')],
    ['with something else as auth', { auth: 'x' }, 400, "'x' is not of type 'object'"],
    ['without identity', { auth: {} }, 400, "'identity' is a required property"],
    ['with a list', [], 400, badRequest('valid JSON', 'request body')],
    ['with no JSON', '{', 400, badRequest('valid JSON', 'request body')],
  ]
  for (const [what, body, status, message] of rows)
    test(`${what} → ${status}`, async () => {
      const answer = await cloud.send('POST /v3/auth/tokens', { body })
      expect(answer.status).toBe(status)
      if (message) expect(answer.body.error.message).toContain(message.split(',')[0])
      if (status === 401) expect(answer.header('www-authenticate')).toBe('Keystone uri="http://cloud:5000/v3"')
    })
})

test('a token of a project tells who, where, as what, and the catalogue as this client reaches it', async () => {
  const answer = await cloud.send('POST /v3/auth/tokens', { body: withPassword(byName('demo')), host: 'lab.example:5000' })
  const { token } = answer.body
  expect(answer.header('x-subject-token')).toMatch(/^gAAAA[\w-]{150,250}$/)
  expect(token).toMatchObject({
    methods: ['password'],
    user: { name: 'demo', domain: { id: 'default', name: 'Default' }, password_expires_at: null },
    project: { name: 'demo', domain: { id: 'default', name: 'Default' } },
    is_domain: false,
    issued_at: '2026-01-01T00:00:00.000000Z',
    expires_at: '2026-01-01T01:00:00.000000Z',
  })
  expect(token.roles.map((role: { name: string }) => role.name)).toEqual(['reader', 'member'])
  expect(token).not.toHaveProperty('is_admin_project')
  const urls = Object.fromEntries(token.catalog.map((s: { type: string; endpoints: { url: string }[] }) => [s.type, s.endpoints[0]?.url]))
  expect(urls).toEqual({
    identity: 'http://lab.example:5000/v3',
    compute: 'http://lab.example:8774/v2.1',
    volumev3: `http://lab.example:8776/v3/${token.project.id}`,
  })
})

test('links and catalogue follow a proxy', async () => {
  const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'cloud.example.com', 'x-forwarded-prefix': '/identity/' }
  const { body } = await cloud.send('GET /', { headers })
  expect(body.versions.values[0].links).toEqual([{ rel: 'self', href: 'https://cloud.example.com/identity/v3/' }])
  const login = await cloud.send('POST /v3/auth/tokens', { body: withPassword(byName('demo')), headers })
  const [first, second] = login.body.token.catalog
  expect(first.endpoints[0].url).toBe('https://cloud.example.com/identity/v3')
  expect(second.endpoints[0].url).toBe('https://cloud.example.com:8774/v2.1')
})

test('a catalogue without a project leaves out what needs one; nocatalog leaves out all of it', async () => {
  const system = await cloud.send('POST /v3/auth/tokens', { body: withPassword(byName('admin'), { system: { all: true } }) })
  const volumes = system.body.token.catalog.find((service: { type: string }) => service.type === 'volumev3')
  expect(volumes.endpoints).toEqual([])
  expect(system.body.token.system).toEqual({ all: true })
  const bare = await cloud.send('POST /v3/auth/tokens?nocatalog', { body: withPassword(byName('demo')) })
  expect(bare.body.token).not.toHaveProperty('catalog')
  const unscoped = await cloud.send('POST /v3/auth/tokens', { body: withPassword(byName('alice')) })
  expect(unscoped.body.token).not.toHaveProperty('catalog')
  expect(unscoped.body.token).not.toHaveProperty('roles')
})

describe('looking at a token', () => {
  const rows: [who: string, route: string, subject: string | undefined, status: number][] = [
    ['demo', 'GET /v3/auth/tokens', 'demo', 200],
    ['demo', 'HEAD /v3/auth/tokens', 'demo', 200],
    ['demo', 'GET /v3/auth/tokens', 'admin', 403],
    ['admin', 'GET /v3/auth/tokens', 'demo', 200],
    ['nova', 'GET /v3/auth/tokens', 'demo', 200],
    ['nova', 'HEAD /v3/auth/tokens', 'demo', 403],
    ['admin', 'GET /v3/auth/tokens', undefined, 404],
  ]
  for (const [who, route, subject, status] of rows)
    test(`${who} ${route} of ${subject} → ${status}`, async () => {
      const token = who === 'admin' ? cloud.admin : await cloud.logIn(who)
      const shown = subject === undefined ? undefined : subject === 'admin' ? cloud.admin : await cloud.logIn(subject)
      const answer = await cloud.send(route, { token, headers: shown === undefined ? {} : { 'x-subject-token': shown } })
      expect(answer.status).toBe(status)
      if (status === 200) expect(answer.header('x-subject-token')).toBe(shown)
    })

  test('a token that was tampered with is none', async () => {
    const token = await cloud.logIn('demo')
    const last = token.at(-10) === 'A' ? 'B' : 'A'
    const forged = `${token.slice(0, -10)}${last}${token.slice(-9)}`
    expect(cloud.authenticate(token)).toMatchObject({ userName: 'demo', projectName: 'demo', roles: ['reader', 'member'], isAdmin: false })
    expect(cloud.authenticate(forged)).toBeNull()
    expect((await cloud.send('GET /v3/auth/projects', { token: forged })).status).toBe(401)
  })
})

describe('the end of a token', () => {
  test('it expires, and is then shown only to who asks for expired ones, for two days', async () => {
    const mine = await startIdentity()
    const token = await mine.logIn('demo')
    const look = (query = '') => mine.send(`GET /v3/auth/tokens${query}`, { token: mine.admin, headers: { 'x-subject-token': token } })
    mine.clock.time += 3_599_000
    expect(mine.authenticate(token)).not.toBeNull()
    mine.clock.time += 1000
    expect(mine.authenticate(token)).toBeNull()
    mine.clock.time += 172_799_000
    const late = await mine.logIn('admin', onProject('admin'))
    const expired = (query: string) => mine.send(`GET /v3/auth/tokens${query}`, { token: late, headers: { 'x-subject-token': token } })
    expect((await expired('')).status).toBe(404)
    expect((await expired('?allow_expired=1')).status).toBe(200)
    mine.clock.time += 1000
    expect((await expired('?allow_expired=1')).status).toBe(404)
    expect((await look()).status).toBe(401)
  })

  test('revoking the first of a chain ends what was made from it, not the other way round', async () => {
    const first = await cloud.logIn('demo', { unscoped: {} })
    const rescope = async () => {
      const body = { auth: { identity: { methods: ['token'], token: { id: first } }, scope: onProject('demo') } }
      const answer = await cloud.send('POST /v3/auth/tokens', { body })
      expect(answer.body.token.methods).toEqual(['token', 'password'])
      expect(answer.body.token.audit_ids).toHaveLength(2)
      return answer.header('x-subject-token')!
    }
    const revoke = (token: string) => cloud.send('DELETE /v3/auth/tokens', { token: cloud.admin, headers: { 'x-subject-token': token } })
    const [one, other] = [await rescope(), await rescope()]
    expect((await revoke(one)).status).toBe(204)
    expect([one, other, first].map((token) => cloud.authenticate(token) !== null)).toEqual([false, true, true])
    expect((await revoke(first)).status).toBe(204)
    expect([other, first].map((token) => cloud.authenticate(token))).toEqual([null, null])
  })

  test('a new password ends all tokens of its owner, and no others', async () => {
    const mine = await startIdentity()
    const [demo, alice] = [await mine.logIn('demo'), await mine.logIn('alice')]
    const { userId } = mine.authenticate(demo) as { userId: string }
    const change = (body: unknown) => mine.send(`POST /v3/users/${userId}/password`, { body })
    expect((await change({ user: { original_password: 'wrong', password: 'new' } })).status).toBe(401)
    expect((await change({ user: { original_password: 'secret' } })).status).toBe(400)
    expect((await change({ user: { original_password: 'secret', password: 'new' } })).status).toBe(204)
    expect(mine.authenticate(demo)).toBeNull()
    expect(mine.authenticate(alice)).not.toBeNull()
    expect(mine.authenticate(await mine.logIn('demo', undefined, 'new'))).toMatchObject({ projectName: 'demo' })
  })

  test('a token of the system makes none of a project', async () => {
    const system = await cloud.logIn('admin', { system: { all: true } })
    const body = { auth: { identity: { methods: ['token'], token: { id: system } }, scope: onProject('admin') } }
    expect((await cloud.send('POST /v3/auth/tokens', { body })).status).toBe(403)
  })
})

test('tokens, passwords and what was changed since the seed outlive the process', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'identity-')), 'state.sqlite')
  const first = await startIdentity(openShelf(file))
  const demo = await first.logIn('demo')
  const { userId } = first.authenticate(demo) as { userId: string }
  await first.as(first.admin)(`PATCH /v3/users/${userId}`, { user: { email: 'kept' } })
  const service = (await first.as(first.admin)('GET /v3/projects?name=service')).body.projects[0]
  await first.as(first.admin)(`DELETE /v3/projects/${service.id}`)
  const revoked = await first.logIn('alice')
  await first.send('DELETE /v3/auth/tokens', { token: revoked, headers: { 'x-subject-token': revoked } })

  const second = await startIdentity(openShelf(file))
  expect(second.authenticate(demo)).toMatchObject({ userName: 'demo' })
  expect(second.authenticate(revoked)).toBeNull()
  expect((await second.as(second.admin)(`GET /v3/users/${userId}`)).body.user.email).toBe('kept')
  const projects = await second.as(second.admin)('GET /v3/projects')
  expect(projects.body.projects.map((project: { name: string }) => project.name)).toEqual(['admin', 'demo'])
})

test('what is known but not built says so; what Keystone does not know is no page', async () => {
  const rows: [route: string, status: number][] = [
    ['GET /v3/OS-TRUST/trusts', 501],
    ['GET /v3/credentials', 501],
    ['GET /v3/OS-FEDERATION/identity_providers', 501],
    ['PUT /v3/OS-INHERIT/projects/a/users/b/roles/c/inherited_to_projects', 501],
    ['GET /v2.0', 404],
    ['GET /v3/nothing', 404],
    ['PUT /v3/users', 405],
    ['GET /v3/users', 401],
    ['GET /', 300],
    ['GET /v3', 200],
    ['GET /v3/', 200],
  ]
  for (const [route, status] of rows) expect([route, (await cloud.send(route)).status]).toEqual([route, status])
  expect(cloud.unforeseen).toEqual([])
})
