import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Person, projectOf, type TestApi, testApi } from '../../../../tests/support/compute-api.ts'
import { addServer } from '../../../../tests/support/hosts.ts'

let api: TestApi
const mine = projectOf('member')
const user = 'member'.padEnd(32, '0')
beforeAll(async () => {
  api = await testApi({ peers: { keystone: { project: async (_, id) => (id.startsWith('gone') ? 'absent' : 'present') } } })
  await addServer(api, { vcpus: 2, memoryMb: 1024 })
  await addServer(api, { userId: 'reader'.padEnd(32, '0') })
})
afterAll(() => api.close())
afterEach(() => expect(api.errors).toEqual([]))

const put = (project: string) => `PUT /os-quota-sets/${project}`
type Row = [version: string, route: string, body: unknown, status: number, as?: Person]
const rows: Row[] = [
  ['2.1', `GET /os-quota-sets/${mine}`, undefined, 200, 'member'],
  ['2.1', `GET /os-quota-sets/${mine}`, undefined, 403, 'other'],
  ['2.1', 'GET /os-quota-sets/gone', undefined, 400],
  ['2.1', 'GET /os-quota-sets/gone/defaults', undefined, 400],
  ['2.1', `GET /os-quota-sets/${mine}/detail`, undefined, 403, 'other'],
  ['2.74', `GET /os-quota-sets/${mine}?colour=red`, undefined, 200],
  ['2.75', `GET /os-quota-sets/${mine}?colour=red`, undefined, 400],
  ['2.103', `GET /os-quota-sets/${mine}/defaults?colour=red`, undefined, 200],
  ['2.1', put(mine), { quota_set: { cores: 30 } }, 403, 'manager'],
  ['2.1', put('p'), { quota_set: { cores: '30', ram: -1 } }, 200],
  ['2.1', put('p'), { quota_set: { cores: -2 } }, 400],
  ['2.1', put('p'), { quota_set: { wings: 2 } }, 400],
  ['2.1', put('gone'), { quota_set: { cores: 30 } }, 400],
  ['2.35', put('p'), { quota_set: { floating_ips: 1 } }, 200],
  ['2.36', put('p'), { quota_set: { floating_ips: 1 } }, 400],
  ['2.56', put('p'), { quota_set: { injected_files: 1 } }, 200],
  ['2.57', put('p'), { quota_set: { injected_files: 1 } }, 400],
  ['2.1', put(mine), { quota_set: { cores: 2 } }, 400],
  ['2.1', put(mine), { quota_set: { cores: 3 } }, 200],
  ['2.1', put(mine), { quota_set: { cores: 0, force: 'true' } }, 200],
  ['2.1', 'DELETE /os-quota-sets/gone', undefined, 202],
  ['2.1', 'DELETE /os-quota-sets/p', undefined, 403, 'member'],
  ['2.49', 'PUT /os-quota-class-sets/x', { quota_class_set: { floating_ips: 1 } }, 200],
  ['2.50', 'PUT /os-quota-class-sets/x', { quota_class_set: { floating_ips: 1 } }, 400],
  ['2.1', `PUT /os-quota-class-sets/${'x'.repeat(255)}`, { quota_class_set: {} }, 200],
  ['2.1', `PUT /os-quota-class-sets/${'x'.repeat(256)}`, { quota_class_set: {} }, 400],
  ['2.1', 'GET /os-quota-class-sets/x', undefined, 403, 'member'],
  ['2.101', 'GET /os-quota-class-sets/x?colour=red', undefined, 200],
  ['2.102', 'GET /os-quota-class-sets/x?colour=red', undefined, 400],
  ['2.1', `GET /limits?tenant_id=${mine}`, undefined, 403, 'member'],
  ['2.1', `GET /limits?tenant_id=${mine}`, undefined, 200],
]
for (const [version, route, body, status, as = 'admin'] of rows)
  test(`${version} ${as} ${route} ${JSON.stringify(body) ?? ''} → ${status}`, async () => {
    const answer = await api.call(version, route, body, { as })
    expect([answer.status, answer.status === status ? '' : answer.body]).toEqual([status, ''])
  })

const all = {
  instances: 10,
  cores: 20,
  ram: 51_200,
  metadata_items: 128,
  key_pairs: 100,
  server_groups: 10,
  server_group_members: 10,
  injected_files: 5,
  injected_file_content_bytes: 10_240,
  injected_file_path_bytes: 255,
  fixed_ips: -1,
  floating_ips: -1,
  security_groups: -1,
  security_group_rules: -1,
}
const files = ['injected_files', 'injected_file_content_bytes', 'injected_file_path_bytes']
const networks = ['fixed_ips', 'floating_ips', 'security_groups', 'security_group_rules']
const without = (...names: string[]) => Object.fromEntries(Object.entries(all).filter(([name]) => !names.includes(name)))

test('resources that no longer exist are hidden: networks from 2.36 on, files from 2.57 on', async () => {
  const at = async (version: string) => (await api.call(version, 'GET /os-quota-sets/q/defaults')).body.quota_set
  expect(await at('2.35')).toEqual({ id: 'q', ...all })
  expect(await at('2.36')).toEqual({ id: 'q', ...without(...networks) })
  expect(await at('2.57')).toEqual({ id: 'q', ...without(...networks, ...files) })
})

test('classes hide groups until 2.49 and networks from 2.50 on', async () => {
  const at = async (version: string) => (await api.call(version, 'GET /os-quota-class-sets/new')).body.quota_class_set
  expect(await at('2.49')).toEqual({ id: 'new', ...without('server_groups', 'server_group_members') })
  expect(await at('2.50')).toEqual({ id: 'new', ...without(...networks) })
  expect(await at('2.57')).toEqual({ id: 'new', ...without(...networks, ...files) })
})

test('a limit is that of the user, the project, the default class or the configuration', async () => {
  const cores = async (query = '') => (await api.call('2.60', `GET /os-quota-sets/l${query}`)).body.quota_set.cores
  expect(await cores()).toBe(20)
  await api.call('2.60', 'PUT /os-quota-class-sets/default', { quota_class_set: { cores: 21 } })
  expect(await cores()).toBe(21)
  await api.call('2.60', put('l'), { quota_set: { cores: 22 } })
  expect([await cores(), await cores('?user_id=u')]).toEqual([22, 22])
  const answer = await api.call('2.60', `${put('l')}?user_id=u`, { quota_set: { cores: 5 } })
  expect(answer.body.quota_set).toEqual({ ...without(...networks, ...files), cores: 5 })
  expect([await cores(), await cores('?user_id=u'), await cores('?user_id=v')]).toEqual([22, 5, 22])
  await api.call('2.60', 'DELETE /os-quota-sets/l?user_id=u')
  expect([await cores(), await cores('?user_id=u')]).toEqual([22, 22])
  await api.call('2.60', 'DELETE /os-quota-sets/l')
  expect(await cores()).toBe(21)
  await api.call('2.60', 'PUT /os-quota-class-sets/default', { quota_class_set: { cores: 20 } })
})

test('a project covers its users, and a user gets what is left', async () => {
  const set = async (quota_set: object, user?: string) =>
    (await api.call('2.60', `${put('s')}${user ? `?user_id=${user}` : ''}`, { quota_set })).body.badRequest?.message
  expect(await set({ instances: 8 })).toBeUndefined()
  expect(await set({ instances: 5 }, 'u')).toBeUndefined()
  expect(await set({ instances: 4 }, 'v')).toBe('Quota limit 4 for instances must be less than or equal to 3.')
  expect(await set({ instances: 3 }, 'v')).toBeUndefined()
  expect(await set({ instances: 5 }, 'u')).toBeUndefined()
  expect(await set({ instances: 6 }, 'u')).toBe('Quota limit 6 for instances must be less than or equal to 5.')
  expect(await set({ instances: 7 })).toBe('Quota limit 7 for instances must be greater than or equal to already used and reserved 8.')
  expect(await set({ instances: -1 })).toBeUndefined()
})

test('what is in use: of the project, and of a user in it', async () => {
  const detail = async (query = '') => (await api.call('2.60', `GET /os-quota-sets/${mine}/detail${query}`)).body.quota_set
  await api.call('2.60', `DELETE /os-quota-sets/${mine}`)
  expect(await detail()).toMatchObject({
    id: mine,
    instances: { limit: 10, in_use: 2, reserved: 0 },
    cores: { in_use: 3 },
    ram: { in_use: 1536 },
    key_pairs: { limit: 100, in_use: 0 },
  })
  expect(await detail(`?user_id=${user}`)).toMatchObject({ instances: { in_use: 1 }, cores: { in_use: 2 }, ram: { in_use: 1024 } })
})

test('limits of the own project, and which are shown', async () => {
  const at = async (version: string) => (await api.call(version, 'GET /limits', undefined, { as: 'member' })).body.limits
  const oldest = await at('2.1')
  expect(oldest).toMatchObject({ rate: [], absolute: { maxTotalCores: 20, totalCoresUsed: 3, totalInstancesUsed: 2, maxImageMeta: 128 } })
  const gone = async (before: string, after: string) => {
    const [one, other] = [await at(before), await at(after)]
    return Object.keys(one.absolute)
      .filter((key) => !(key in other.absolute))
      .sort()
  }
  expect(await gone('2.35', '2.36')).toEqual(
    ['maxSecurityGroupRules', 'maxSecurityGroups', 'maxTotalFloatingIps', 'totalFloatingIpsUsed', 'totalSecurityGroupsUsed'].sort(),
  )
  expect(await gone('2.38', '2.39')).toEqual(['maxImageMeta'])
  expect(await gone('2.56', '2.57')).toEqual(['maxPersonality', 'maxPersonalitySize'])
})

test('key pairs: the limit of the caller, counted for whom they are', async () => {
  const public_key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILwBxSCFgXfyVTqFXljn03HRf3sOVICQb+0LrrVKAEFP'
  await api.call('2.60', put(mine), { quota_set: { key_pairs: 1 } })
  const add = async (name: string, as: Person, body = {}) =>
    (await api.call('2.10', 'POST /os-keypairs', { keypair: { name, public_key, ...body } }, { as })).status
  expect(await add('a', 'member')).toBe(201)
  expect(await add('b', 'member')).toBe(403)
  expect(await add('a', 'reader')).toBe(201)
  expect(await add('b', 'other', {})).toBe(201)
  expect(await add('b', 'admin', { user_id: user })).toBe(403)
})

test('without a quota driver there are no limits, and nothing is known to be in use', async () => {
  const free = await testApi({
    peers: { keystone: { project: async () => 'present' } },
    settings: { quota: { ...api.backends.settings.quota, driver: 'nova.quota.NoopQuotaDriver' } },
  })
  const { quota_set } = (await free.call('2.60', 'GET /os-quota-sets/p/detail')).body
  expect(quota_set.cores).toEqual({ limit: -1, in_use: -1, reserved: -1 })
  expect((await free.call('2.60', put('p'), { quota_set: { cores: 1 } })).body.quota_set.cores).toBe(-1)
  await free.close()
})
