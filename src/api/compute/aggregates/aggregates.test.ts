import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { type Person, type TestApi, testApi } from '../../../../tests/support/compute-api.ts'
import { addHost, addServer, listen, type Sent } from '../../../../tests/support/hosts.ts'
import { PeerError } from '../../../oslo/keystoneauth/errors.ts'

let api: TestApi
const sent: Sent[] = []
/** Providers by name, with the aggregates that Placement knows. */
const providers = new Map<string, { generation: number; aggregates: string[] }>()
let conflicts = 0
let broken = false
const image = '11111111-2222-3333-4444-555555555555'

const placement = {
  providerNamed: async (name: string) => {
    if (broken) throw new PeerError('no connection', { kind: 'unreachable', service: 'placement' })
    return providers.has(name) ? { uuid: name, name, generation: 1 } : undefined
  },
  aggregatesOf: async (name: string) => providers.get(name),
  setAggregates: async (name: string, wanted: { generation: number; aggregates: string[] }) => {
    const known = providers.get(name)!
    if (conflicts > 0 || known.generation !== wanted.generation) {
      conflicts--
      return false
    }
    providers.set(name, { generation: known.generation + 1, aggregates: wanted.aggregates })
    return true
  },
}
const glance = { as: () => ({ show: async (id: string) => (id === image ? { id } : undefined) }) }

beforeAll(async () => {
  api = await testApi({ peers: { placement, glance } as never })
  for (const host of ['one', 'two', 'busy']) {
    await addHost(api, host)
    providers.set(host, { generation: 0, aggregates: [] })
  }
  await addServer(api, { host: 'busy' })
  await listen(api, 'fanout', 'scheduler', sent)
  await listen(api, 'topic', 'conductor', sent)
})
afterAll(() => api.close())
beforeEach(() => void (sent.length = 0))
afterEach(() => {
  expect(api.errors).toEqual([])
})

const make = async (name: string, zone?: string): Promise<number> =>
  (await api.call('2.1', 'POST /os-aggregates', { aggregate: { name, ...(zone && { availability_zone: zone }) } })).body.aggregate.id
const act = (id: number, action: object, version = '2.41') => api.call(version, `POST /os-aggregates/${id}/action`, action)

type Row = [version: string, route: string, body: unknown, status: number, as?: Person]
const rows: Row[] = [
  ['2.1', 'POST /os-aggregates', { aggregate: { name: 'a' } }, 200],
  ['2.1', 'POST /os-aggregates', { aggregate: { name: 'a' } }, 409],
  ['2.1', 'POST /os-aggregates', { aggregate: { name: '' } }, 400],
  ['2.1', 'POST /os-aggregates', { aggregate: { name: 'b', availability_zone: 'x:y' } }, 400],
  ['2.1', 'POST /os-aggregates', { aggregate: { name: 'b', availability_zone: null } }, 200],
  ['2.1', 'POST /os-aggregates', { aggregate: { name: 'c' } }, 403, 'member'],
  ['2.1', 'GET /os-aggregates/1', undefined, 200],
  ['2.1', 'GET /os-aggregates/99', undefined, 404],
  ['2.1', 'GET /os-aggregates/x', undefined, 400],
  ['2.101', 'GET /os-aggregates?colour=red', undefined, 200],
  ['2.102', 'GET /os-aggregates?colour=red', undefined, 400],
  ['2.1', 'PUT /os-aggregates/1', { aggregate: {} }, 400],
  ['2.1', 'PUT /os-aggregates/1', { aggregate: { name: 'b' } }, 409],
  ['2.1', 'PUT /os-aggregates/1', { aggregate: { availability_zone: null } }, 400],
  ['2.1', 'POST /os-aggregates/1/action', { add_host: { host: 'never' } }, 404],
  ['2.1', 'POST /os-aggregates/99/action', { add_host: { host: 'one' } }, 404],
  ['2.1', 'POST /os-aggregates/1/action', { remove_host: { host: 'one' } }, 404],
  ['2.1', 'POST /os-aggregates/1/action', { set_metadata: { metadata: { a: 1 } } }, 400],
  ['2.80', `POST /os-aggregates/1/images`, { cache: [{ id: image }] }, 404],
  ['2.81', `POST /os-aggregates/1/images`, { cache: [{ id: image }] }, 202],
  ['2.81', `POST /os-aggregates/1/images`, { cache: [{ id: image }, { id: image }] }, 400],
  ['2.81', `POST /os-aggregates/1/images`, { cache: [{ id: image.replace('1', '9') }] }, 400],
  ['2.1', 'DELETE /os-aggregates/99', undefined, 404],
  ['2.1', 'DELETE /os-aggregates/x', undefined, 400],
]
for (const [version, route, body, status, as = 'admin'] of rows)
  test(`${version} ${as} ${route} ${JSON.stringify(body) ?? ''} → ${status}`, async () => {
    const answer = await api.call(version, route, body, { as })
    expect([answer.status, answer.status === status ? '' : answer.body]).toEqual([status, ''])
  })

test('what is shown: the UUID from 2.41 on, neither hosts nor metadata of a new one', async () => {
  const made = (await api.call('2.40', 'POST /os-aggregates', { aggregate: { name: 'shown', availability_zone: 'z' } })).body.aggregate
  expect(made).toEqual({
    id: made.id,
    name: 'shown',
    availability_zone: 'z',
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/),
    updated_at: null,
    deleted_at: null,
    deleted: false,
  })
  const shown = (await api.call('2.41', `GET /os-aggregates/${made.id}`)).body.aggregate
  // some databases keep whole seconds
  const created = expect.stringContaining(made.created_at.slice(0, 19))
  expect(shown).toEqual({ ...made, created_at: created, uuid: expect.any(String), hosts: [], metadata: { availability_zone: 'z' } })
  await api.call('2.1', `DELETE /os-aggregates/${made.id}`)
})

test('a host comes and goes: in the database, at the schedulers, in Placement', async () => {
  const id = await make('hosts')
  const { uuid } = (await api.call('2.41', `GET /os-aggregates/${id}`)).body.aggregate
  expect((await act(id, { add_host: { host: 'one' } })).body.aggregate.hosts).toEqual(['one'])
  expect(providers.get('one')!.aggregates).toEqual([uuid])
  expect((await act(id, { add_host: { host: 'one' } })).status).toBe(409)
  expect((await api.call('2.1', `DELETE /os-aggregates/${id}`)).body.badRequest.message).toBe(
    `Cannot remove host from aggregate ${id}. Reason: Host aggregate is not empty.`,
  )
  expect((await act(id, { remove_host: { host: 'one' } })).body.aggregate.hosts).toEqual([])
  expect(providers.get('one')!.aggregates).toEqual([])
  expect((await api.call('2.1', `DELETE /os-aggregates/${id}`)).status).toBe(200)
  await vi.waitFor(() =>
    expect(sent.filter(({ args }) => wireOf(args)?.name === 'hosts').map(({ method, args }) => [method, wireOf(args).hosts])).toEqual([
      ['update_aggregates', []],
      ['update_aggregates', ['one']],
      ['update_aggregates', []],
      ['delete_aggregate', []],
    ]),
  )
})

// biome-ignore lint/suspicious/noExplicitAny: a message in its wire form
const wireOf = (args: any) => (args.aggregates?.[0] ?? args.aggregate)['nova_object.data']

test('Placement that is in the way: no matter when a host comes, refused before anything is changed when it goes', async () => {
  const id = await make('placement')
  broken = true
  expect((await act(id, { add_host: { host: 'two' } })).status).toBe(200)
  expect((await act(id, { remove_host: { host: 'two' } })).status).toBe(500)
  expect(api.errors.splice(0)).toHaveLength(1)
  broken = false
  expect((await api.call('2.1', `GET /os-aggregates/${id}`)).body.aggregate.hosts).toEqual(['two'])
  providers.get('two')!.aggregates = [(await api.call('2.41', `GET /os-aggregates/${id}`)).body.aggregate.uuid]
  conflicts = 3
  expect((await act(id, { remove_host: { host: 'two' } })).status).toBe(200)
  conflicts = 0
  await api.call('2.1', `DELETE /os-aggregates/${id}`)
})

test('a host is in one zone at most', async () => {
  const [east, west] = [await make('east', 'east'), await make('west', 'west')]
  await act(east, { add_host: { host: 'one' } })
  expect((await act(west, { add_host: { host: 'one' } })).body.conflictingRequest.message).toBe(
    `Cannot add host to aggregate ${west}. Reason: One or more hosts already in availability zone(s) ['east'].`,
  )
  const plain = await make('plain')
  await act(plain, { add_host: { host: 'one' } })
  const refused = await act(plain, { set_metadata: { metadata: { availability_zone: 'west' } } })
  expect(refused.body.badRequest.message).toMatch(/^Cannot update metadata of aggregate \d+\. Reason: One or more hosts already in/)
  const renamed = await api.call('2.1', `PUT /os-aggregates/${plain}`, { aggregate: { name: 'kept', availability_zone: 'west' } })
  expect(renamed.body.badRequest.message).toMatch(/^Cannot update aggregate \d+\. Reason/)
  // Nova keeps the name that came with a zone that it refuses
  expect((await api.call('2.1', `GET /os-aggregates/${plain}`)).body.aggregate.name).toBe('kept')
})

test('servers keep the zone that they are in', async () => {
  const zone = await make('moved', 'moved')
  const refused = await act(zone, { add_host: { host: 'busy' } })
  expect([refused.status, refused.body.conflictingRequest.message]).toEqual([
    409,
    expect.stringMatching(/would change from 'None' to 'moved' but the host already has 1 instance\(s\)/),
  ])
  const plain = await make('calm')
  await act(plain, { add_host: { host: 'busy' } })
  const named = await act(plain, { set_metadata: { metadata: { availability_zone: 'moved' } } })
  expect(named.body.badRequest.message).toMatch(/One or more hosts contain instances in this zone/)
  expect((await act(plain, { remove_host: { host: 'busy' } })).status).toBe(200)
})

test('metadata: set, kept, taken away', async () => {
  const id = await make('meta')
  const set = async (metadata: object) => (await act(id, { set_metadata: { metadata } })).body.aggregate.metadata
  expect(await set({ a: '1', b: '2' })).toEqual({ a: '1', b: '2' })
  expect(await set({ a: null, c: '3' })).toEqual({ b: '2', c: '3' })
  expect(await set({ b: '4' })).toEqual({ b: '4', c: '3' })
  expect((await api.call('2.1', `GET /os-aggregates/${id}`)).body.aggregate.metadata).toEqual({ b: '4', c: '3' })
})

test('images are fetched by the conductor', async () => {
  const id = await make('images')
  await api.call('2.81', `POST /os-aggregates/${id}/images`, { cache: [{ id: image }] })
  await vi.waitFor(() => expect(sent).toContainEqual({ method: 'cache_images', args: expect.objectContaining({ image_ids: [image] }) }))
})

test('a list costs as many statements however many there are', async () => {
  const cost = async () => {
    const before = await api.statements()
    await api.call('2.1', 'GET /os-aggregates')
    return (await api.statements()) - before
  }
  const before = await cost()
  for (const name of ['n1', 'n2', 'n3']) await make(name, name)
  expect(await cost()).toBe(before)
})
