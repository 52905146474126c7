import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Called, projectOf, type TestApi } from '../../tests/support/compute-api.ts'
import { fakePeers, image } from '../../tests/support/fake-peers.ts'
import { type Farm, farm, imageId } from '../../tests/support/servers.ts'
import { defaultsOf } from '../oslo/keystoneauth/fixture.ts'
import { flavorResources } from './flavor-resources.ts'
import { quotaOptions } from './settings.ts'

const mine = projectOf('member')
const registered = new Map<string, number>()
const ofMine = new Map<string, number>()
const all = {
  servers: 10,
  'class:VCPU': 20,
  'class:MEMORY_MB': 51_200,
  'class:DISK_GB': -1,
  server_metadata_items: 128,
  server_injected_files: 5,
  server_injected_file_content_bytes: 10_240,
  server_injected_file_path_bytes: 255,
  server_key_pairs: 100,
  server_groups: 10,
  server_group_members: 10,
}
const limits = {
  registered: async () => new Map(registered),
  ofProject: async (project: string) => new Map(project === mine ? ofMine : []),
}

let farmed: Farm
let api: TestApi
beforeAll(async () => {
  const quota = {
    ...defaultsOf(quotaOptions.options),
    driver: 'nova.quota.UnifiedLimitsDriver' as const,
    unifiedLimitsResourceList: ['servers', 'server_groups'],
  }
  const fakes = fakePeers({ images: new Map([image(imageId)]) })
  farmed = await farm({}, { peers: { ...fakes.peers, limits }, settings: { quota } })
  farmed = { ...farmed, fakes }
  api = farmed.api
  await api.call('2.1', 'POST /flavors', { flavor: { name: 'f', id: 'f', ram: 256, vcpus: 2, disk: 1 } })
  await api.call('2.1', 'POST /flavors', { flavor: { name: 'large', id: 'large', ram: 1024, vcpus: 8, disk: 1 } })
})
afterEach(async () => {
  registered.clear()
  ofMine.clear()
  farmed.fakes.usages.clear()
  const requests = await api.backends.stores.api.requests.list(null)
  if (requests.length > 0) await api.backends.stores.api.requests.discard(requests.map(({ instanceUuid }) => instanceUuid!))
  expect(api.errors).toEqual([])
})
afterAll(() => farmed.close())

const given = (changes: Readonly<Record<string, number | undefined>> = {}) => {
  for (const [name, limit] of Object.entries({ ...all, ...changes })) if (limit !== undefined) registered.set(name, limit)
}
const call = (route: string, body?: unknown, version = '2.56') => api.call(version, route, body, { as: 'member' })
const message = ({ body }: Called): string => (Object.values(body)[0] as { message: string }).message
const server = (more: object = {}) => ({ server: { name: 's', flavorRef: 'f', imageRef: imageId, networks: 'none', ...more } })
const over = (project: string, ...each: [name: string, limit: number, has: number, wanted: number][]) =>
  `Project ${project} is over a limit for [${each
    .map(([name, limit, has, wanted]) => `Resource ${name} is over limit of ${limit} due to current usage ${has} and delta ${wanted}`)
    .join(', ')}]`

describe('new servers', () => {
  test('as many as fit, and not one more', async () => {
    given({ 'class:VCPU': 6 })
    farmed.fakes.usages.set(mine, { VCPU: 2 })
    expect((await call('POST /servers', server({ min_count: 1, max_count: 5 }))).status).toBe(202)
    expect(await api.backends.stores.api.requests.list(null)).toHaveLength(2)
    const refused = await call('POST /servers', server({ min_count: 3, max_count: 5 }))
    expect([refused.status, message(refused)]).toEqual([403, over(mine, ['class:VCPU', 6, 2, 6])])
  })

  test('the limits of the project come before those that are registered', async () => {
    given({ servers: 0 })
    expect((await call('POST /servers', server())).status).toBe(403)
    ofMine.set('servers', 1)
    expect((await call('POST /servers', server())).status).toBe(202)
    const second = await call('POST /servers', server())
    expect([second.status, message(second)]).toEqual([403, over(mine, ['servers', 1, 1, 1])])
  })

  const unregistered: [name: string, status: number][] = [
    ['servers', 403],
    ['class:VCPU', 202],
    ['class:DISK_GB', 202],
  ]
  for (const [name, status] of unregistered)
    test(`without a limit for ${name}: ${status}, since only those in the list are required`, async () => {
      given({ [name]: undefined })
      expect((await call('POST /servers', server())).status).toBe(status)
    })

  test('metadata, files and members of groups', async () => {
    given({ server_metadata_items: 1, server_injected_files: 1, server_injected_file_path_bytes: 4, server_group_members: 1 })
    const two = await call('POST /servers', server({ metadata: { a: '1', b: '2' } }))
    expect([two.status, message(two)]).toEqual([403, over('None', ['server_metadata_items', 1, 0, 2])])
    const file = (path: string) => ({ path, contents: 'YQ==' })
    const files = await call('POST /servers', server({ personality: [file('a'), file('b')] }))
    expect([files.status, message(files)]).toEqual([403, over('None', ['server_injected_files', 1, 0, 2])])
    const long = await call('POST /servers', server({ personality: [file('/long')] }))
    expect([long.status, message(long)]).toEqual([403, over('None', ['server_injected_file_path_bytes', 4, 0, 5])])
    const made = await call('POST /os-server-groups', { server_group: { name: 'g', policies: ['affinity'] } })
    const inGroup = { ...server({ min_count: 2, max_count: 2 }), 'os:scheduler_hints': { group: made.body.server_group.id } }
    const crowded = await call('POST /servers', inGroup)
    expect([crowded.status, message(crowded)]).toEqual([403, over('None', ['server_group_members', 1, 1, 1])])
  })
})

test('key pairs and server groups', async () => {
  given({ server_key_pairs: 0, server_groups: undefined })
  const key = await call('POST /os-keypairs', { keypair: { name: 'k' } })
  expect([key.status, message(key)]).toEqual([403, over('None', ['server_key_pairs', 0, 0, 1])])
  const groups = (await call('GET /os-server-groups')).body.server_groups.length
  const group = await call('POST /os-server-groups', { server_group: { name: 'g', policies: ['affinity'] } })
  expect([group.status, message(group)]).toEqual([403, over('None', ['server_groups', 0, groups, 1])])
})

test('servers that grow', async () => {
  given({ 'class:VCPU': 8 })
  const uuid = await farmed.server()
  expect((await call(`POST /servers/${uuid}/action`, { resize: { flavorRef: 'large' } })).status).not.toBe(403)
  farmed.fakes.usages.set(mine, { VCPU: 1 })
  const other = await farmed.server()
  const refused = await call(`POST /servers/${other}/action`, { resize: { flavorRef: 'large' } })
  expect([refused.status, message(refused)]).toEqual([403, over(mine, ['class:VCPU', 8, 1, 8])])
})

test('are told under their old names, with what is in use', async () => {
  given({ server_groups: undefined })
  ofMine.set('class:MEMORY_MB', 7)
  farmed.fakes.usages.set(mine, { VCPU: 3, MEMORY_MB: 5 })
  const { quota_set } = (await api.call('2.1', `GET /os-quota-sets/${mine}/detail`)).body
  expect(quota_set.ram).toEqual({ limit: 7, in_use: 5, reserved: 0 })
  expect(quota_set.cores).toEqual({ limit: 20, in_use: 3, reserved: 0 })
  expect(quota_set.server_groups.limit).toBe(0)
  expect(quota_set.security_groups).toEqual({ limit: -1, in_use: 0, reserved: 0 })
  expect((await api.call('2.1', `GET /os-quota-sets/${mine}/defaults`)).body.quota_set).toMatchObject({ ram: 51_200, key_pairs: 100 })
  expect((await call('GET /limits')).body.limits.absolute).toMatchObject({ maxTotalRAMSize: 7, totalRAMUsed: 5, maxTotalKeypairs: 100 })
})

test('are not set here', async () => {
  given()
  const set = await api.call('2.1', `PUT /os-quota-sets/${mine}`, { quota_set: { cores: 1 } })
  expect([set.status, set.body.quota_set.cores]).toEqual([200, 20])
  const ofClass = await api.call('2.1', 'PUT /os-quota-class-sets/default', { quota_class_set: { cores: 1 } })
  expect([ofClass.status, ofClass.body.quota_class_set.cores]).toEqual([200, 20])
  expect((await api.call('2.1', `DELETE /os-quota-sets/${mine}`)).status).toBe(202)
})

const flavor = { name: 'f', vcpus: 4, memoryMb: 512, rootGb: 2, ephemeralGb: 1, swap: 1025, extraSpecs: {} }
const flavors: [specs: Record<string, string>, onVolume: boolean, taken: object][] = [
  [{}, false, { VCPU: 4, MEMORY_MB: 512, DISK_GB: 5 }],
  [{}, true, { VCPU: 4, MEMORY_MB: 512, DISK_GB: 3 }],
  [{ 'resources:VCPU': '0' }, false, { MEMORY_MB: 512, DISK_GB: 5 }],
  [
    { 'resources:CUSTOM_GOLD': '1', 'resources1:VGPU': '1', resources2: 'x', 'resources2:VGPU': '2' },
    true,
    { CUSTOM_GOLD: 1, VGPU: 3, VCPU: 4, MEMORY_MB: 512, DISK_GB: 3 },
  ],
  [{ 'hw:cpu_policy': 'dedicated', 'hw:emulator_threads_policy': 'isolate' }, true, { PCPU: 5, MEMORY_MB: 512, DISK_GB: 3 }],
  [{ 'hw:cpu_policy': 'mixed', 'hw:cpu_dedicated_mask': '0-2' }, true, { VCPU: 1, PCPU: 3, MEMORY_MB: 512, DISK_GB: 3 }],
  [
    { 'hw:mem_encryption': 'true', 'hw:pmem': '4GB,4GB' },
    true,
    { VCPU: 4, MEMORY_MB: 512, DISK_GB: 3, MEM_ENCRYPTION_CONTEXT: 1, CUSTOM_PMEM_NAMESPACE_4GB: 2 },
  ],
]
for (const [extraSpecs, onVolume, taken] of flavors)
  test(`a flavor with ${JSON.stringify(extraSpecs)}${onVolume ? ' on a volume' : ''}`, () => {
    expect(flavorResources({ ...flavor, extraSpecs }, { onVolume })).toEqual(taken)
  })
