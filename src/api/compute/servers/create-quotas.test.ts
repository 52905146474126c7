import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { cellId, projectOf, type TestApi, testApi } from '../../../../tests/support/compute-api.ts'
import { type FakePeers, fakePeers, image } from '../../../../tests/support/fake-peers.ts'
import { quotaOptions } from '../../../compute/settings.ts'
import { defaultsOf } from '../../../oslo/keystoneauth/fixture.ts'

const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const mine = projectOf('member')
const me = 'member'.padEnd(32, '0')

let api: TestApi
let fakes: FakePeers

async function open(settings = {}): Promise<TestApi> {
  fakes = fakePeers({ images: new Map([image(uuid(1))]) })
  const opened = await testApi({ peers: fakes.peers, settings: { quota: { ...defaultsOf(quotaOptions.options), ...settings } } })
  await opened.call('2.1', 'POST /flavors', { flavor: { name: 'f', id: 'f', ram: 256, vcpus: 2, disk: 1 } })
  return opened
}

beforeAll(async () => {
  api = await open()
})
afterAll(() => api.close())
afterEach(async () => {
  await forget(api)
  const { database } = api.backends.stores.api
  await database.write(async (tx) => {
    for (const table of ['quotas', 'project_user_quotas', 'quota_classes'] as const) await tx.deleteFrom(table).execute()
  })
  const cell = (await api.backends.stores.cells.byId(cellId))!
  await cell.database.write(async (tx) => void (await tx.deleteFrom('instances').execute()))
  expect(api.errors).toEqual([])
})

async function forget(opened: TestApi): Promise<void> {
  const requests = await opened.backends.stores.api.requests.list(null)
  if (requests.length > 0) await opened.backends.stores.api.requests.discard(requests.map(({ instanceUuid }) => instanceUuid!))
}

const limit = (resource: string, hard_limit: number) =>
  api.backends.stores.api.database.write((tx) => tx.insertInto('quotas').values({ project_id: mine, resource, hard_limit }).execute())
const userLimit = (resource: string, hard_limit: number) =>
  api.backends.stores.api.database.write((tx) =>
    tx.insertInto('project_user_quotas').values({ project_id: mine, user_id: me, resource, hard_limit }).execute(),
  )
const classLimit = (resource: string, hard_limit: number) =>
  api.backends.stores.api.database.write((tx) =>
    tx.insertInto('quota_classes').values({ class_name: 'default', resource, hard_limit }).execute(),
  )

/** A server that a cell has. */
async function running(values: Readonly<Record<string, unknown>> = {}): Promise<void> {
  const cell = (await api.backends.stores.cells.byId(cellId))!
  await cell.servers.create({
    uuid: crypto.randomUUID(),
    projectId: mine,
    userId: me,
    vcpus: 2,
    memoryMb: 256,
    vmState: 'active',
    ...values,
  })
}

type Server = Readonly<Record<string, unknown>>
const ask = (server: Server = {}, hints?: object) =>
  api.call(
    '2.56',
    'POST /servers',
    {
      server: { name: 'q', imageRef: uuid(1), flavorRef: 'f', networks: 'none', ...server },
      ...(hints && { 'os:scheduler_hints': hints }),
    },
    { as: 'member' },
  )
const made = async () => (await api.backends.stores.api.requests.list(mine)).length
async function refusal(server: Server = {}, hints?: object): Promise<string> {
  const answer = await ask(server, hints)
  expect([answer.status, await made()]).toEqual([403, 0])
  return answer.body.forbidden.message
}

test('within the limits', async () => {
  await running()
  expect((await ask({ max_count: 9 })).status).toBe(202)
  expect(await made()).toBe(9)
})

test('servers, processors and memory at once', async () => {
  for (const [resource, value] of [
    ['instances', 2],
    ['cores', 4],
    ['ram', 600],
  ] as const)
    await limit(resource, value)
  await running()
  expect(await refusal({ min_count: 3, max_count: 3 })).toBe(
    'Quota exceeded for cores, instances, ram: Requested 6, 3, 768, but already used 2, 1, 256 of 4, 2, 600 cores, instances, ram',
  )
  expect(await refusal({ min_count: 2, max_count: 3 })).toContain('Requested 6, 2-3, 768')
  expect((await ask()).status).toBe(202)
})

test('many are cut down to what fits', async () => {
  await limit('cores', 8)
  await running()
  expect((await ask({ min_count: 1, max_count: 5 })).status).toBe(202)
  expect(await made()).toBe(3)
})

test('without a limit on servers many are refused instead, as in Nova', async () => {
  await limit('instances', -1)
  await limit('cores', 4)
  expect(await refusal({ min_count: 1, max_count: 3 })).toBe('Quota exceeded for cores: Requested 6, but already used 0 of 4 cores')
})

test('what does not count: other projects, deleted and hidden servers', async () => {
  await limit('instances', 2)
  await running()
  for (const values of [{ projectId: projectOf('other') }, { deleted: 7 }, { vmState: 'soft-delete' }, { hidden: true }])
    await running(values)
  expect((await ask()).status).toBe(202)
  await running()
  await forget(api)
  expect(await refusal()).toBe('Quota exceeded for instances: Requested 1, but already used 2 of 2 instances')
})

test("a user's own limit counts the user's servers, and is told of when it is exceeded", async () => {
  await userLimit('instances', 1)
  await running({ userId: 'somebody' })
  expect((await ask()).status).toBe(202)
  await forget(api)
  await running()
  expect(await refusal()).toBe('Quota exceeded for instances: Requested 1, but already used 1 of 1 instances')
})

test('the default class goes before the configuration', async () => {
  await classLimit('ram', 200)
  expect(await refusal()).toBe('Quota exceeded for ram: Requested 256, but already used 0 of 200 ram')
})

test('metadata and files', async () => {
  await limit('metadata_items', 1)
  expect((await ask({ metadata: { a: '1' } })).status).toBe(202)
  await forget(api)
  expect(await refusal({ metadata: { a: '1', b: '2' } })).toBe('Maximum number of metadata items exceeds 1')
  const file = { path: '/a', contents: 'YQ==' }
  expect((await ask({ personality: Array(5).fill(file) })).status).toBe(202)
  await forget(api)
  expect(await refusal({ personality: Array(6).fill(file) })).toBe('Personality file limit exceeded')
  expect(await refusal({ personality: [{ ...file, path: 'p'.repeat(256) }] })).toBe('Personality file path exceeds maximum 255')
  expect(await refusal({ personality: [{ ...file, contents: 'A'.repeat(10_244) }] })).toBe('Personality file content exceeds maximum 10240')
})

test('members of a group: all of them or none', async () => {
  await limit('server_group_members', 2)
  const { database } = api.backends.stores.api
  await database.write((tx) =>
    tx
      .insertInto('instance_groups')
      .values({ uuid: uuid(41), project_id: mine, user_id: me, name: 'g' })
      .execute(),
  )
  const members = async () => (await api.backends.stores.api.serverGroups.whole(uuid(41)))!.members.length
  expect(await refusal({ max_count: 3, min_count: 3 }, { group: uuid(41) })).toBe('Quota exceeded, too many servers in group')
  expect(await members()).toBe(0)
  expect((await ask({ max_count: 2 }, { group: uuid(41) })).status).toBe(202)
  expect(await members()).toBe(2)
  const answer = await ask({}, { group: uuid(41) })
  expect([answer.status, await members(), await made()]).toEqual([403, 2, 2])
})

test('no limits at all, and usage that Placement knows', async () => {
  const free = await open({ driver: 'nova.quota.NoopQuotaDriver', instances: 0 })
  const body = { server: { name: 'q', imageRef: uuid(1), flavorRef: 'f', networks: 'none', max_count: 3 } }
  expect((await free.call('2.56', 'POST /servers', body, { as: 'member' })).status).toBe(202)
  await free.close()
  const placed = await open({ countUsageFromPlacement: true })
  fakes.usages.set(mine, { VCPU: 10, PCPU: 9, MEMORY_MB: 100 })
  const refused = await placed.call('2.56', 'POST /servers', body, { as: 'member' })
  expect(refused.body.forbidden.message).toBe('Quota exceeded for cores: Requested 6, but already used 19 of 20 cores')
  await placed.close()
})

test('a broker that takes nothing: a clear answer, and nothing is left', async () => {
  const cut = await open()
  await cut.driver.close()
  const started = Date.now()
  const answer = await cut.call('2.56', 'POST /servers', {
    server: { name: 'q', imageRef: uuid(1), flavorRef: 'f', networks: 'none', max_count: 2 },
  })
  expect([answer.status, answer.body.serviceUnavailable.message]).toEqual([
    503,
    'The servers could not be handed to the conductor: refused: the driver is closed. None was made.',
  ])
  expect(Date.now() - started).toBeLessThan(5000)
  const { requests, requestSpecs, database } = cut.backends.stores.api
  expect(await requests.list(null)).toEqual([])
  for (const table of ['request_specs', 'instance_mappings', 'instance_group_member'] as const)
    expect(await database.read((tx) => tx.selectFrom(table).selectAll().execute())).toEqual([])
  expect(requestSpecs).toBeDefined()
  await cut.close()
})
