import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Person, projectOf, type TestApi, testApi } from '../../../tests/support/compute-api.ts'
import { addHost, addServer, cellOf } from '../../../tests/support/hosts.ts'

const hour = 3_600_000
const now = Date.UTC(2026, 0, 2, 12, 0, 0)
const mine = projectOf('member')
let api: TestApi
let [short, long, foreign] = ['', '', '']

beforeAll(async () => {
  api = await testApi({ now: () => now })
  long = await addServer(api, { name: 'long', created: now - 100 * hour, vcpus: 2, memoryMb: 1024, rootGb: 5 })
  short = await addServer(api, { name: 'short', created: now - 5 * hour, deleted: now - 3 * hour })
  foreign = await addServer(api, { projectId: projectOf('other'), created: now - 2 * hour })
})
afterAll(() => api.close())
afterEach(() => expect(api.errors).toEqual([]))

const own = `/os-simple-tenant-usage/${mine}`
const get = (version: string, path: string, as: Person = 'admin') => api.call(version, `GET ${path}`, undefined, { as })
const at = (hours: number) => new Date(now + hours * hour).toISOString().slice(0, 19)

type Row = [version: string, path: string, status: number, as?: Person]
const rows: Row[] = [
  ['2.1', own, 200, 'reader'],
  ['2.1', own, 403, 'other'],
  ['2.1', '/os-simple-tenant-usage', 403, 'member'],
  ['2.1', `${own}?start=x`, 400],
  ['2.1', `${own}?end=2026-01-01`, 400],
  ['2.1', `${own}?start=2026-01-01T00:00:00`, 200],
  ['2.1', `${own}?start=2026-01-01T00:00:00Z`, 400],
  ['2.1', `${own}?start=2026-01-01T00:00:00.5`, 200],
  ['2.1', `${own}?start=2026-01-01%2000:00:00.5`, 200],
  ['2.1', `${own}?start=2026-01-01%2000:00:00`, 400],
  ['2.1', `${own}?start=2026-02-30T00:00:00`, 400],
  ['2.1', `${own}?start=2026-01-03T00:00:00`, 400],
  ['2.1', `${own}?end=2026-01-01T00:00:00`, 400],
  ['2.1', `${own}?start=2026-01-01T00:00:00&end=2026-01-01T00:00:00`, 400],
  ['2.39', `${own}?limit=x`, 200],
  ['2.40', `${own}?limit=x`, 400],
  ['2.39', `${own}?marker=never`, 200],
  ['2.40', `${own}?marker=never`, 400],
  ['2.74', `${own}?colour=red`, 200],
  ['2.75', `${own}?colour=red`, 400],
]
for (const [version, path, status, as = 'admin'] of rows)
  test(`${version} ${as} ${path} → ${status}`, async () => {
    const answer = await get(version, path, as)
    expect([answer.status, answer.status === status ? '' : answer.body]).toEqual([status, ''])
  })

test('hours within the span, weighed by the sizes of servers', async () => {
  const { tenant_usage } = (await get('2.1', `${own}?start=${at(-10)}&end=${at(10)}`)).body
  const sizes = { flavor: 'small', tenant_id: mine }
  const servers = [
    {
      ...sizes,
      instance_id: long,
      name: 'long',
      hours: 10,
      vcpus: 2,
      memory_mb: 1024,
      local_gb: 5,
      state: 'active',
      started_at: '2025-12-29T08:00:00.000000',
      ended_at: null,
      uptime: 360_000,
    },
    {
      ...sizes,
      instance_id: short,
      name: 'short',
      hours: 2,
      vcpus: 1,
      memory_mb: 512,
      local_gb: 1,
      state: 'terminated',
      started_at: '2026-01-02T07:00:00.000000',
      ended_at: '2026-01-02T09:00:00.000000',
      uptime: 7200,
    },
  ].sort((a, b) => (a.instance_id < b.instance_id ? -1 : 1))
  expect(tenant_usage).toEqual({
    tenant_id: mine,
    start: '2026-01-02T02:00:00.000000',
    stop: '2026-01-02T12:00:00.000000',
    total_hours: 12,
    total_vcpus_usage: 22,
    total_memory_mb_usage: 10 * 1024 + 2 * 512,
    total_local_gb_usage: 52,
    server_usages: servers,
  })
})

test('the span is told to the microsecond', async () => {
  for (const [start, told] of [
    [`${at(-10)}.199921`, '2026-01-02T02:00:00.199921'],
    [`${at(-10)}.999999`, '2026-01-02T02:00:00.999999'],
    [`${at(-10)}.5`, '2026-01-02T02:00:00.500000'],
    [at(-10), '2026-01-02T02:00:00.000000'],
  ])
    expect((await get('2.1', `${own}?start=${start}`)).body.tenant_usage.start).toBe(told)
  const [earlier, later] = [`${at(-10)}.199921`, `${at(-10)}.199922`]
  expect((await get('2.1', `${own}?start=${earlier}&end=${later}`)).status).toBe(200)
  expect((await get('2.1', `${own}?start=${earlier}&end=${earlier}`)).status).toBe(400)
})

test('a span that ends before a server does, and one in which nothing ran', async () => {
  const { tenant_usage } = (await get('2.1', `${own}?start=${at(-20)}&end=${at(-15)}`)).body
  expect([tenant_usage.total_hours, tenant_usage.server_usages.length]).toEqual([5, 1])
  expect((await get('2.1', `${own}?start=2001-01-01T00:00:00&end=2001-01-02T00:00:00`)).body).toEqual({ tenant_usage: {} })
})

test('all projects, in detail when asked', async () => {
  const list = async (query: string) => (await get('2.1', `/os-simple-tenant-usage?start=${at(-10)}${query}`)).body.tenant_usages
  const brief = await list('')
  expect(brief.map((usage: { tenant_id: string; total_hours: number }) => [usage.tenant_id, usage.total_hours])).toEqual([
    [mine, 12],
    [projectOf('other'), 2],
  ])
  expect(brief[0]).not.toHaveProperty('server_usages')
  expect((await list('&detailed=1'))[1].server_usages.map((use: { instance_id: string }) => use.instance_id)).toEqual([foreign])
  expect((await list('&detailed=2'))[0]).not.toHaveProperty('server_usages')
})

test('pages of servers from 2.40 on', async () => {
  const page = async (version: string, query: string) =>
    (await get(version, `/os-simple-tenant-usage?detailed=1&start=${at(-10)}${query}`)).body
  const [first] = [short, long].sort()
  const one = await page('2.40', '&limit=1')
  expect(one.tenant_usages).toMatchObject([{ tenant_id: mine, server_usages: [{ instance_id: first }] }])
  const query = `detailed=1&limit=1&start=${encodeURIComponent(at(-10))}&marker=${first}`
  expect(one.tenant_usages_links).toEqual([{ rel: 'next', href: `http://nova.example:8774/v2.1/os-simple-tenant-usage?${query}` }])
  const rest = await page('2.40', `&marker=${first}`)
  expect(rest.tenant_usages.map((usage: { server_usages: object[] }) => usage.server_usages.length)).toEqual([1, 1])
  expect(rest).not.toHaveProperty('tenant_usages_links')
  expect((await page('2.39', '&limit=1')).tenant_usages).toHaveLength(2)
})

test('a list costs as many statements however many servers there are', async () => {
  const cost = async () => {
    const before = await api.statements()
    await get('2.40', `/os-simple-tenant-usage?detailed=1&start=${at(-10)}`)
    return (await api.statements()) - before
  }
  const before = await cost()
  for (let i = 0; i < 5; i++) await addServer(api, { projectId: `p${i}` })
  expect(await cost()).toBe(before)
})

// Nova declares that hosts which have not begun are UUIDs
const [first, second, third] = ['1', '2', '3'].map((digit) => `${digit.repeat(8)}-0000-4000-8000-000000000000`) as [string, string, string]

test('the audit log of a period: who is done, who runs, who has not begun', async () => {
  const cell = await cellOf(api)
  // of hosts that other databases know it does not tell
  const cell0 = (await api.backends.stores.cells.all()).find(({ transportUrl }) => transportUrl === null)!
  await cell0.services.create({ host: 'other', binary: 'nova-compute', topic: 'compute', uuid: first, reportCount: 0, version: 72 })
  for (const host of [first, second, third]) await addHost(api, host)
  const row = {
    task_name: 'instance_usage_audit',
    period_beginning: '2025-12-01 00:00:00.000000',
    period_ending: '2026-01-01 00:00:00.000000',
  }
  await cell.database.write(async (tx) => {
    const add = (values: { host: string; state: string; task_items: number; errors: number; message: string }) =>
      tx
        .insertInto('task_log')
        .values({ ...row, deleted: 0, ...values })
        .execute()
    await add({ host: first, state: 'DONE', task_items: 3, errors: 1, message: 'done' })
    await add({ host: second, state: 'RUNNING', task_items: 2, errors: 0, message: 'running' })
  })
  const expected = {
    period_beginning: '2025-12-01 00:00:00',
    period_ending: '2026-01-01 00:00:00',
    num_hosts: 3,
    num_hosts_done: 1,
    num_hosts_running: 1,
    num_hosts_not_run: 1,
    hosts_not_run: [third],
    total_instances: 5,
    total_errors: 1,
    overall_status: '1 of 3 hosts done. 1 errors.',
    log: {
      [first]: { state: 'DONE', instances: 3, errors: 1, message: 'done' },
      [second]: { state: 'RUNNING', instances: 2, errors: 0, message: 'running' },
    },
  }
  expect((await get('2.1', '/os-instance_usage_audit_log')).body.instance_usage_audit_logs).toEqual(expected)
  const earlier = (await get('2.1', '/os-instance_usage_audit_log/2025-06-15%2010:00:00')).body.instance_usage_audit_log
  expect(earlier).toMatchObject({ period_beginning: '2025-05-01 00:00:00', num_hosts_not_run: 3, log: {} })
  expect((await get('2.1', '/os-instance_usage_audit_log/2025-06-15')).status).toBe(400)
  expect((await get('2.1', '/os-instance_usage_audit_log', 'member')).status).toBe(403)
  expect((await get('2.102', '/os-instance_usage_audit_log?colour=red')).status).toBe(400)
})
