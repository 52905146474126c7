import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Person, projectOf, type TestApi, testApi } from '../../../../tests/support/compute-api.ts'

let api: TestApi
beforeAll(async () => {
  api = await testApi({ peers: { keystone: { project: async (_, id) => (id.startsWith('gone') ? 'absent' : 'present') } } })
  const flavor = { ram: 512, vcpus: 2, disk: 10 }
  await api.call('2.1', 'POST /flavors', { flavor: { ...flavor, name: 'one', id: '1' } })
  await api.call('2.1', 'POST /flavors', {
    flavor: { ...flavor, name: 'two', id: '2', ram: 1024, swap: 64, 'os-flavor-access:is_public': false },
  })
})
afterAll(() => api.close())

type Row = [version: string, route: string, body: unknown, status: number, as?: Person]
const rows: Row[] = [
  ['2.1', 'POST /flavors', { flavor: { name: 'one', ram: 1, vcpus: 1, disk: 0 } }, 409],
  ['2.1', 'POST /flavors', { flavor: { name: 'x', id: '1', ram: 1, vcpus: 1, disk: 0 } }, 409],
  ['2.1', 'POST /flavors', { flavor: { name: 'x', ram: 0, vcpus: 1, disk: 0 } }, 400],
  ['2.1', 'POST /flavors', { flavor: { name: 'x', ram: 1, vcpus: 1 } }, 400],
  ['2.1', 'POST /flavors', { flavor: { name: 'x', ram: 1, vcpus: 1, disk: 0 } }, 403, 'member'],
  ['2.54', 'POST /flavors', { flavor: { name: 'd', ram: 1, vcpus: 1, disk: 0, description: 'x' } }, 400],
  ['2.55', 'POST /flavors', { flavor: { name: 'd', ram: 1, vcpus: 1, disk: 0, description: 'x' } }, 200],
  ['2.101', 'POST /flavors', { flavor: { name: 'r', ram: 1, vcpus: 1, disk: 0, rxtx_factor: 2 } }, 200],
  ['2.102', 'POST /flavors', { flavor: { name: 'r2', ram: 1, vcpus: 1, disk: 0, rxtx_factor: 2 } }, 400],
  ['2.54', 'PUT /flavors/1', { flavor: { description: 'x' } }, 404],
  ['2.55', 'PUT /flavors/1', { flavor: { description: 'x' } }, 200],
  ['2.55', 'PUT /flavors/1', { flavor: {} }, 400],
  ['2.55', 'PUT /flavors/9', { flavor: { description: 'x' } }, 404],
  ['2.1', 'GET /flavors/1', undefined, 200, 'member'],
  ['2.1', 'GET /flavors/2', undefined, 404, 'member'],
  ['2.74', 'GET /flavors?colour=red', undefined, 200],
  ['2.75', 'GET /flavors?colour=red', undefined, 400],
  ['2.101', 'GET /flavors?name=o', undefined, 400],
  ['2.102', 'GET /flavors?name=o', undefined, 200],
  ['2.1', 'GET /flavors?marker=9', undefined, 400],
  ['2.1', 'GET /flavors?minRam=x', undefined, 400],
  ['2.1', 'GET /flavors?is_public=perhaps', undefined, 400],
  ['2.85', 'POST /flavors/1/os-extra_specs', { extra_specs: { 'hw:cpu_policy': 'none' } }, 200],
  ['2.86', 'POST /flavors/1/os-extra_specs', { extra_specs: { 'hw:cpu_policy': 'none' } }, 400],
  ['2.86', 'POST /flavors/1/os-extra_specs', { extra_specs: { 'hw:nothing': 'none' } }, 400],
  ['2.86', 'POST /flavors/1/os-extra_specs', { extra_specs: { 'mine:nothing': 'none' } }, 200],
  ['2.1', 'PUT /flavors/1/os-extra_specs/a', { b: '1' }, 400],
  ['2.1', 'PUT /flavors/1/os-extra_specs/a', { a: '1' }, 200],
  ['2.1', 'GET /flavors/1/os-extra_specs/a', undefined, 200],
  ['2.1', 'DELETE /flavors/1/os-extra_specs/b', undefined, 404],
  ['2.1', 'DELETE /flavors/1/os-extra_specs/a', undefined, 200],
  ['2.1', 'POST /flavors/1/os-extra_specs', JSON.parse('{"extra_specs":{"__proto__":"v"}}'), 200],
  ['2.1', 'GET /flavors/1/os-extra_specs/__proto__', undefined, 200],
  ['2.1', 'DELETE /flavors/1/os-extra_specs/__proto__', undefined, 200],
  ['2.1', 'GET /flavors/1/os-extra_specs/__proto__', undefined, 404],
  ['2.1', 'GET /flavors/1/os-flavor-access', undefined, 404],
  ['2.6', 'POST /flavors/1/action', { addTenantAccess: { tenant: 'p' } }, 200],
  ['2.7', 'POST /flavors/1/action', { addTenantAccess: { tenant: 'q' } }, 409],
  ['2.7', 'POST /flavors/2/action', { addTenantAccess: { tenant: 'gone' } }, 400],
  ['2.7', 'POST /flavors/2/action', { removeTenantAccess: { tenant: 'gone' } }, 404],
  ['2.1', 'POST /flavors/1/action', { fly: null }, 400],
  ['2.1', 'DELETE /flavors/9', undefined, 404],
]
for (const [version, route, body, status, as = 'admin'] of rows)
  test(`${version} ${as} ${route} ${JSON.stringify(body) ?? ''} → ${status}`, async () => {
    const answer = await api.call(version, route, body, { as })
    expect([answer.status, answer.status === status ? '' : answer.body]).toEqual([status, ''])
    expect(api.errors).toEqual([])
  })

test('a flavor at the ends of its spans', async () => {
  const at = async (version: string) => (await api.call(version, 'GET /flavors/2')).body.flavor
  expect(await at('2.1')).toEqual({
    id: '2',
    name: 'two',
    ram: 1024,
    disk: 10,
    swap: 64,
    'OS-FLV-EXT-DATA:ephemeral': 0,
    'OS-FLV-DISABLED:disabled': false,
    vcpus: 2,
    'os-flavor-access:is_public': false,
    rxtx_factor: 1,
    links: [
      { rel: 'self', href: 'http://nova.example:8774/v2.1/flavors/2' },
      { rel: 'bookmark', href: 'http://nova.example:8774/flavors/2' },
    ],
  })
  const keys = async (version: string) => Object.keys(await at(version)).sort()
  const oldest = await keys('2.1')
  expect(await keys('2.54')).toEqual(oldest)
  expect(await keys('2.55')).toEqual([...oldest, 'description'].sort())
  expect(await keys('2.61')).toEqual([...oldest, 'description', 'extra_specs'].sort())
  expect(await keys('2.102')).toEqual([...oldest, 'description', 'extra_specs'].filter((key) => !/disabled|rxtx/.test(key)).sort())
})

test('swap of nothing is an empty text until 2.74 and 0 from 2.75', async () => {
  expect((await api.call('2.74', 'GET /flavors/1')).body.flavor.swap).toBe('')
  expect((await api.call('2.75', 'GET /flavors/1')).body.flavor.swap).toBe(0)
})

test('the project is in links when it stands in the path, not in a parameter that nobody knows', async () => {
  const self = async (path: string) => (await api.call('2.1', `GET ${path}`)).body.flavor.links[0].href
  const project = projectOf('admin')
  expect(await self(`/flavors/1?colour=${project}`)).toBe('http://nova.example:8774/v2.1/flavors/1')
  expect(await self(`/${project}/flavors/1`)).toBe(`http://nova.example:8774/v2.1/${project}/flavors/1`)
})

test('pages', async () => {
  // flavors that others made have ids by chance
  const all: { id: string }[] = (await api.call('2.1', 'GET /flavors?is_public=none&sort_key=flavorid')).body.flavors
  expect(all.length).toBeGreaterThan(1)
  const first = (await api.call('2.1', 'GET /flavors?is_public=none&limit=1&sort_key=flavorid')).body
  expect(first.flavors).toEqual([all[0]])
  expect(first.flavors_links).toEqual([
    { rel: 'next', href: `http://nova.example:8774/v2.1/flavors?is_public=none&limit=1&sort_key=flavorid&marker=${all[0]!.id}` },
  ])
  const second = (await api.call('2.1', `GET /flavors?is_public=none&limit=1&sort_key=flavorid&marker=${all[0]!.id}`)).body
  expect(second.flavors).toEqual([all[1]])
  // The last one given counts, and of those the link keeps the one that sorts last
  const twice = (await api.call('2.1', 'GET /flavors?limit=2&limit=1&sort_key=flavorid&is_public=none')).body
  expect([twice.flavors, twice.flavors_links[0].href]).toEqual([[all[0]], expect.stringContaining('limit=2&')])
})

test('access to a private flavor', async () => {
  const project = 'b'.repeat(32)
  expect((await api.call('2.1', 'GET /flavors/2', undefined, { as: 'other' })).status).toBe(404)
  const access = await api.call('2.7', 'POST /flavors/2/action', { addTenantAccess: { tenant: project } })
  expect(access.body).toEqual({ flavor_access: [{ flavor_id: '2', tenant_id: project }] })
  expect((await api.call('2.1', 'GET /flavors/2', undefined, { as: 'other' })).status).toBe(200)
  expect((await api.call('2.7', 'POST /flavors/2/action', { addTenantAccess: { tenant: project } })).status).toBe(409)
  await api.call('2.7', 'POST /flavors/2/action', { removeTenantAccess: { tenant: project } })
  expect((await api.call('2.1', 'GET /flavors/2', undefined, { as: 'other' })).status).toBe(404)
})

test('where both its id and its name are taken, the id is told', async () => {
  const { body } = await api.call('2.1', 'POST /flavors', { flavor: { name: 'one', id: '1', ram: 1, vcpus: 1, disk: 0 } })
  expect(body.conflictingRequest.message).toBe('Flavor with ID 1 already exists.')
})
