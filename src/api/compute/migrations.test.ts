import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Person, projectOf, type TestApi, testApi } from '../../../tests/support/compute-api.ts'
import { addServer, cellOf } from '../../../tests/support/hosts.ts'

let now = Date.UTC(2026, 0, 2, 3, 0, 0)
let api: TestApi
let server: string
const ids: number[] = []
const uuids: string[] = []

beforeAll(async () => {
  api = await testApi({ now: () => now })
  const cell = await cellOf(api)
  server = await addServer(api)
  const other = await addServer(api)
  const owner = { userId: 'u1', projectId: projectOf('member') }
  const way = { sourceCompute: 'a', sourceNode: 'an', destCompute: 'b', destNode: 'bn', destHost: '192.0.2.1' }
  const rows = [
    { ...owner, ...way, instanceUuid: server, status: 'confirmed', migrationType: 'resize', oldInstanceTypeId: 1, newInstanceTypeId: 2 },
    { ...owner, ...way, instanceUuid: server, status: 'running', migrationType: 'live-migration' },
    { ...way, instanceUuid: other, status: 'running', migrationType: 'live-migration', destCompute: 'c', userId: 'u2', projectId: 'p2' },
    { ...owner, instanceUuid: server, status: 'done', oldInstanceTypeId: 1, newInstanceTypeId: 1, sourceCompute: 'c' },
    { ...owner, instanceUuid: server, status: 'done', migrationType: 'migration', hidden: true },
  ] as const
  for (const row of rows) {
    now += 60_000
    const uuid = crypto.randomUUID()
    uuids.push(uuid)
    ids.push(await cell.migrations.create({ ...row, uuid }))
  }
  now += 60_000
  await cell.migrations.update(ids[0]!, { status: 'confirmed' })
})
afterAll(() => api.close())
afterEach(() => expect(api.errors).toEqual([]))

const get = (version: string, query = '', as: Person = 'admin') => api.call(version, `GET /os-migrations${query}`, undefined, { as })
const found = async (version: string, query = '', as: Person = 'admin') =>
  (await get(version, query, as)).body.migrations.map(({ id }: { id: number }) => ids.indexOf(id))

type Row = [version: string, query: string, status: number, as?: Person]
const rows: Row[] = [
  ['2.1', '', 403, 'member'],
  ['2.1', '', 403, 'manager'],
  ['2.80', `?project_id=${projectOf('manager')}`, 200, 'manager'],
  ['2.80', '?project_id=p2', 403, 'manager'],
  ['2.58', '?colour=red', 200],
  ['2.59', '?colour=red', 400],
  ['2.58', '?limit=x', 200],
  ['2.59', '?limit=x', 400],
  ['2.59', '?limit=1&limit=2', 400],
  ['2.59', '?marker=never', 400],
  ['2.59', '?marker=', 200],
  ['2.59', '?marker=never&limit=0', 200],
  ['2.59', '?changes-since=x', 400],
  ['2.65', '?changes-before=2026-01-01', 400],
  ['2.66', '?changes-before=2026-01-01', 200],
  ['2.66', '?changes-since=2026-01-02&changes-before=2026-01-01', 400],
  ['2.79', '?user_id=u1', 400],
  ['2.80', '?user_id=u1', 200],
]
for (const [version, query, status, as = 'admin'] of rows)
  test(`${version} ${as} ${query} → ${status}`, async () => {
    const answer = await get(version, query, as)
    expect([answer.status, answer.status === status ? '' : answer.body]).toEqual([status, ''])
  })

test('in the order in which they were made until 2.58, newest first from 2.59 on; hidden ones never', async () => {
  expect(await found('2.58')).toEqual([0, 1, 2, 3])
  expect(await found('2.59')).toEqual([3, 2, 1, 0])
})

test('filters', async () => {
  const rows: [string, number[]][] = [
    [`?instance_uuid=${server}`, [3, 1, 0]],
    ['?status=running', [2, 1]],
    ['?host=c', [3, 2]],
    ['?host=c&source_compute=a', [3, 2]],
    ['?source_compute=c', [3]],
    ['?migration_type=live-migration', [2, 1]],
    ['?hidden=1', []],
    ['?hidden=0', [3, 2, 1, 0]],
    ['?user_id=u2', [2]],
    [`?project_id=${projectOf('member')}`, [3, 1, 0]],
    ['?changes-since=2026-01-02T03:06:00Z', [0]],
    ['?changes-since=2026-01-02T03:06:01Z', []],
    ['?changes-before=2026-01-02T03:06:00Z', [0]],
    ['?changes-before=2026-01-02T04:06:00%2B01:00', [0]],
  ]
  for (const [query, expected] of rows) expect([query, await found('2.80', query)]).toEqual([query, expected])
})

test('what is shown at the ends of spans', async () => {
  const at = async (version: string, i: number) => (await get(version)).body.migrations.find(({ id }: { id: number }) => id === ids[i])
  const oldest = await at('2.22', 0)
  expect(oldest).toEqual({
    id: ids[0],
    source_compute: 'a',
    dest_compute: 'b',
    source_node: 'an',
    dest_node: 'bn',
    dest_host: '192.0.2.1',
    old_instance_type_id: 1,
    new_instance_type_id: 2,
    instance_uuid: server,
    status: 'confirmed',
    created_at: '2026-01-02T03:01:00.000000',
    updated_at: '2026-01-02T03:06:00.000000',
  })
  expect(await at('2.23', 0)).toEqual({ ...oldest, migration_type: 'resize' })
  expect(await at('2.59', 0)).toEqual({ ...oldest, migration_type: 'resize', uuid: uuids[0] })
  expect(await at('2.80', 0)).toMatchObject({ user_id: 'u1', project_id: projectOf('member') })
  expect((await at('2.23', 1)).links.map(({ href }: { href: string }) => href)).toEqual([
    `http://nova.example:8774/v2.1/servers/${server}/migrations/${ids[1]}`,
    `http://nova.example:8774/servers/${server}/migrations/${ids[1]}`,
  ])
  // One of an old release, which did not note what kind it was
  expect((await at('2.23', 3)).migration_type).toBe('migration')
})

test('hosts are for those who may see them', async () => {
  const { migrations } = (await get('2.80', `?project_id=${projectOf('manager')}`, 'manager')).body
  expect(migrations[0]).toMatchObject({ source_compute: null, dest_compute: null, dest_host: null, source_node: null, dest_node: null })
})

test('pages', async () => {
  const first = (await get('2.59', '?limit=2')).body
  expect(first.migrations.map(({ id }: { id: number }) => ids.indexOf(id))).toEqual([3])
  const second = (await get('2.59', `?limit=2&marker=${uuids[3]}`)).body
  expect(second.migrations_links).toEqual([{ rel: 'next', href: `http://nova.example:8774/v2.1/os-migrations?limit=2&marker=${uuids[1]}` }])
  expect(await found('2.59', `?limit=2&marker=${uuids[1]}`)).toEqual([0])
})
