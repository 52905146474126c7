/** Lists of servers that no cell holds yet: which of them, and in which order. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Person } from '../../../../tests/support/compute-api.ts'
import { type Farm, farm, imageId } from '../../../../tests/support/servers.ts'

let f: Farm
const endless = `${'a'.repeat(60)}!`

beforeAll(async () => {
  const now = Date.UTC(2026, 0, 2, 3, 4, 5)
  f = await farm({}, { now: () => now })
  await f.api.call('2.1', 'POST /flavors', { flavor: { name: 'small', id: 'small', ram: 512, vcpus: 1, disk: 1 } })
  const make = async (name: string, more: object = {}) => {
    const server = { name, flavorRef: 'small', imageRef: imageId, networks: 'none', ...more }
    expect((await f.api.call('2.37', 'POST /servers', { server }, { as: 'member' })).status).toBe(202)
  }
  await make('many', { min_count: 3 })
  await make(endless, { 'OS-DCF:diskConfig': 'AUTO', metadata: { colour: 'red' } })
})
afterAll(() => f.close())

const ask = (query: string, as: Person = 'admin', version = '2.73') => f.api.call(version, `GET /servers?${query}`, undefined, { as })
const all = [endless, 'many-3', 'many-2', 'many-1']

test.each<[query: string, expected: string[], as?: Person, version?: string]>([
  // made within the same moment: the last one first
  ['', all],
  ['sort_key=vm_state&sort_dir=asc', all.toReversed()],
  ['sort_key=uuid&sort_key=vm_state', all.toSorted()],
  ['sort_key=display_name&sort_dir=asc', all.toSorted()],
  ['sort_key=launch_index&sort_key=display_name&sort_dir=desc&limit=2', ['many-3', 'many-2']],
  // what is false is not compared
  ['locked=true', all],
  ['locked=false', all],
  ['auto_disk_config=True', all, 'admin', '2.1'],
  ['auto_disk_config=False', ['many-3', 'many-2', 'many-1'], 'admin', '2.1'],
  ['name=y-[12]$', ['many-2', 'many-1']],
  ['name=-1|-3', ['many-3', 'many-1']],
  ['name=Many', []],
  ['name=(%3Fi)MANY-[12]\\Z', ['many-2', 'many-1']],
])('%s', async (query, expected, as, version) => {
  const { status, body } = await ask(query, as, version)
  expect(status).toBe(200)
  const names = body.servers.map(({ name }: { name: string }) => name)
  // where their ids decide, only that all of them are there
  expect(query.includes('uuid') ? names.toSorted() : names).toEqual(expected)
})

test.each([
  ['GET /servers/ID', undefined, 403],
  ['GET /servers/ID/metadata', undefined, 403],
  ['PUT /servers/ID', { server: { name: 'mine' } }, 403],
  ['POST /servers/ID/action', { lock: null }, 403],
  ['DELETE /servers/ID', undefined, 403],
  // these look into a cell
  ['POST /servers/ID/action', { 'os-start': null }, 404],
])('another project: %s %j', async (route, body, status) => {
  const { id } = (await ask('name=many-1')).body.servers[0]
  expect((await f.api.call('2.1', route.replace('ID', id), body, { as: 'other' })).status).toBe(status)
  expect((await ask('')).body.servers).toHaveLength(4)
})

test.each<[route: string, as: Person, status: number, body: object]>([
  // what a cell would know
  ['metadata', 'member', 200, { metadata: {} }],
  ['metadata/colour', 'member', 404, { itemNotFound: { code: 404, message: 'Metadata item was not found' } }],
  ['migrations', 'admin', 200, { migrations: [] }],
  ['shares', 'member', 200, { shares: [] }],
  ['os-instance-actions', 'other', 403, { forbidden: { code: 403, message: expect.stringContaining('os-instance-actions:list') } }],
])('GET /servers/:id/%s as %s', async (route, as, status, body) => {
  const { id, metadata } = (await f.api.call('2.1', 'GET /servers/detail?name=^a', undefined, { as: 'admin' })).body.servers[0]
  expect(metadata).toEqual({ colour: 'red' })
  const answer = await f.api.call('2.97', `GET /servers/${id}/${route}`, undefined, { as })
  expect([answer.status, answer.body]).toEqual([status, body])
})

test('a pattern that would take for ever is given up', async () => {
  expect((await ask('name=(a%2B)%2B$')).status).toBe(500)
  expect(f.api.errors.splice(0).map(String)).toEqual([
    expect.stringContaining('it takes too long to look for the regular expression (a+)+$'),
  ])
})

test.each<[query: string, as: Person, version: string, status: number, message: string | RegExp]>([
  ['all_tenants=1&locked=perhaps', 'member', '2.73', 400, /^Unrecognized value 'perhaps'/],
  ['all_tenants=1&locked=yes', 'member', '2.73', 403, /get_all_tenants/],
  ['sort_key=vcpus&sort_dir=asc&sort_dir=desc', 'member', '2.1', 400, 'Invalid input received: Sort direction size exceeds sort key size'],
])('%s', async (query, as, version, status, message) => {
  const answer = await ask(query, as, version)
  expect(answer.status).toBe(status)
  expect((Object.values(answer.body)[0] as { message: string }).message).toMatch(message)
})
