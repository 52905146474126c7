/** What a server is shown with beside its row, from rows of all kinds: alone, where it is read as a whole, and in a list. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addHost, stored } from '../../../../tests/support/hosts.ts'
import { type Farm, farm, type NewServer } from '../../../../tests/support/servers.ts'

// Without a fraction, which MariaDB keeps none of
const now = Date.UTC(2026, 0, 5, 1, 2, 3)
let farmed: Farm
beforeAll(async () => {
  farmed = await farm({}, { now: () => now })
})
afterAll(async () => {
  expect(farmed.api.errors).toEqual([])
  await farmed.close()
})

/** The server alone, which has to be what the list tells of it; groups are shown of one alone. */
async function shown(uuid: string) {
  // Unchecked: Nova declares no servers with as little as these
  const call = async (route: string) => JSON.parse(String((await farmed.api.ask('2.100', route, undefined, { as: 'admin' })).body))
  const { server } = await call(`GET /servers/${uuid}`)
  const { servers } = await call(`GET /servers/detail?uuid=${uuid}`)
  // Only lists tell apart that nobody remembers the hints and that there were none
  const list = servers.map((each: { scheduler_hints: object | null }) => ({
    ...each,
    server_groups: server.server_groups,
    scheduler_hints: each.scheduler_hints ?? server.scheduler_hints,
  }))
  expect(list).toEqual([server])
  return server
}

const volume = (n: number, more: object = {}) => ({
  sourceType: 'volume',
  destinationType: 'volume',
  deviceName: `/dev/vd${n}`,
  volumeId: `${n}0000000-0000-4000-8000-000000000000`,
  deleteOnTermination: false,
  ...more,
})

const texts = ['quo"te', "ap'o", 'back\\slash', '\\u0041', '%', '?', 'é', ' ', '\u2028']
test.each<[string, NewServer, object]>([
  ['nothing', {}, { metadata: {}, tags: [], 'os-extended-volumes:volumes_attached': [] }],
  ['tags', { tags: [...texts] }, { tags: expect.toSatisfy((tags: string[]) => tags.toSorted().join() === texts.toSorted().join()) }],
  ['sorted tags', { tags: ['c', 'a', 'b'] }, { tags: ['a', 'b', 'c'] }],
  [
    'metadata',
    { metadata: { constructor: 'c', 'a?b': '', 'k"\\': 'v"\\\n' } },
    { metadata: { constructor: 'c', 'a?b': '', 'k"\\': 'v"\\\n' } },
  ],
  [
    'volumes',
    { devices: [volume(3), volume(1, { deleteOnTermination: true }), volume(2, { volumeId: null })] },
    {
      'os-extended-volumes:volumes_attached': [
        { id: volume(3).volumeId, delete_on_termination: false },
        { id: volume(1).volumeId, delete_on_termination: true },
      ],
    },
  ],
])('%s', async (_, how, expected) => {
  expect(await shown(await farmed.server(how))).toMatchObject(expected)
})

test.each<[string, object, string]>([
  ['reports', { last_seen_up: stored(now - 60_000) }, 'UP'],
  ['late', { last_seen_up: stored(now - 61_000) }, 'UNKNOWN'],
  ['new', { last_seen_up: null, created_at: stored(now) }, 'UP'],
  ['never', { last_seen_up: null, created_at: null }, 'UNKNOWN'],
  ['forced', { forced_down: true, disabled: true }, 'DOWN'],
  ['disabled', { disabled: true }, 'MAINTENANCE'],
  ['gone', { deleted: 1 }, ''],
])('a host that is %s', async (host, changes, status) => {
  await addHost(farmed.api, host)
  await farmed.cell.database.write((tx) => tx.updateTable('services').set(changes).where('host', '=', host).execute())
  expect(await shown(await farmed.server({ host, node: host }))).toMatchObject({ host_status: status })
})

test('the zone of a host in several aggregates, and of one without', async () => {
  const { aggregates, database } = farmed.api.backends.stores.api
  for (const [name, metadata] of [
    ['none', {}],
    ['one', { availability_zone: 'zone "é\\' }],
    ['two', { availability_zone: 'other' }],
  ] as const) {
    const made = await aggregates.create({ uuid: crypto.randomUUID(), name, metadata })
    await database.write((tx) => tx.insertInto('aggregate_hosts').values({ host: 'host2', aggregate_id: made!.id }).execute())
  }
  expect(await shown(await farmed.server({ host: 'host2' }))).toMatchObject({ 'OS-EXT-AZ:availability_zone': 'zone "é\\' })
  expect(await shown(await farmed.server())).toMatchObject({ 'OS-EXT-AZ:availability_zone': 'nova' })
})

test.each<[string, object | null, { zone: string | null; hints: object | null }]>([
  ['no specification', null, { zone: null, hints: {} }],
  ['one without wishes', {}, { zone: null, hints: null }],
  ['nulls', { availability_zone: null, scheduler_hints: null }, { zone: null, hints: null }],
  ['texts', { availability_zone: 'z"é\\', scheduler_hints: { 'a.b': ['"', '\\'] } }, { zone: 'z"é\\', hints: { 'a.b': ['"', '\\'] } }],
  // PostgreSQL refuses to look into such a text, MariaDB finds nothing there
  ['a zero', { availability_zone: 'z', scheduler_hints: { a: ['\0'] } }, { zone: 'z', hints: { a: ['\0'] } }],
  ['half a character', { availability_zone: 'z', scheduler_hints: { a: ['\ud800'] } }, { zone: 'z', hints: { a: ['\ud800'] } }],
])('of what the scheduler was asked: %s', async (_, data, { zone, hints }) => {
  const uuid = await farmed.server()
  const spec = JSON.stringify({ 'nova_object.data': data })
  await farmed.api.backends.stores.api.database.write(async (tx) => {
    await tx.deleteFrom('request_specs').where('instance_uuid', '=', uuid).execute()
    if (data) await tx.insertInto('request_specs').values({ instance_uuid: uuid, spec }).execute()
  })
  const { pinned_availability_zone, scheduler_hints } = await shown(uuid)
  expect([pinned_availability_zone, scheduler_hints]).toEqual([zone, hints])
})
