import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Person, type TestApi, testApi } from '../../../../tests/support/compute-api.ts'
import { addHost, addServer, cellOf, runComputes, type Sent, stored } from '../../../../tests/support/hosts.ts'

let api: TestApi
let stop: () => Promise<void>
const sent: Sent[] = []
const removed: string[] = []
let one: Awaited<ReturnType<typeof addHost>>
let busy: Awaited<ReturnType<typeof addHost>>
const placement = {
  providerNamed: async () => undefined,
  tree: async (uuid: string) => [uuid, `${uuid}-child`],
  releaseFrom: async () => undefined,
  removeProvider: async (uuid: string) => void removed.push(uuid),
}
const now = Date.UTC(2026, 0, 2, 3, 4, 5)
const conductor = '99999999-0000-4000-8000-000000000000'

beforeAll(async () => {
  api = await testApi({ peers: { placement } as never, now: () => now })
  one = await addHost(api, 'one')
  busy = await addHost(api, 'busy')
  await addHost(api, 'late', { seen: now - 61_000 })
  await addServer(api, { host: 'busy' })
  const cell = await cellOf(api)
  await cell.services.create({ host: 'ctl', binary: 'nova-conductor', topic: 'conductor', uuid: conductor, lastSeenUp: stored(now) })
  await cell.services.create({ host: 'ctl', binary: 'nova-osapi_compute', topic: null, uuid: crypto.randomUUID() })
  stop = await runComputes(api, ['one'], { set_host_enabled: ({ enabled }) => (enabled ? 'enabled' : 'disabled') }, sent)
})
afterAll(async () => {
  await stop()
  await api.close()
})
afterEach(() => {
  sent.length = 0
  expect(api.errors).toEqual([])
})

const compute = { host: 'one', binary: 'nova-compute' }
const put = (id: string) => `PUT /os-services/${id}`

type Row = [version: string, route: () => string, body: unknown, status: number, as?: Person]
const rows: Row[] = [
  ['2.1', () => 'GET /os-services', undefined, 403, 'member'],
  ['2.74', () => 'GET /os-services?colour=red', undefined, 200],
  ['2.75', () => 'GET /os-services?colour=red', undefined, 400],
  ['2.1', () => put('disable'), compute, 200],
  ['2.1', () => put('enable'), compute, 200],
  ['2.1', () => put('disable-log-reason'), compute, 400],
  ['2.1', () => put('disable-log-reason'), { ...compute, disabled_reason: 'r' }, 200],
  ['2.1', () => put('paint'), compute, 404],
  ['2.1', () => put('enable'), { ...compute, host: 'never' }, 404],
  ['2.1', () => put('enable'), { host: 'ctl', binary: 'nova-conductor' }, 400],
  ['2.10', () => put('force-down'), compute, 404],
  ['2.10', () => put('enable'), { ...compute, forced_down: true }, 400],
  ['2.11', () => put('force-down'), compute, 400],
  ['2.11', () => put('force-down'), { ...compute, forced_down: true }, 200],
  ['2.11', () => put('force-down'), { ...compute, forced_down: false }, 200],
  ['2.52', () => put('enable'), compute, 200],
  ['2.53', () => put('enable'), compute, 400],
  ['2.53', () => put('enable'), { status: 'enabled' }, 400],
  ['2.53', () => put(one.serviceUuid), { status: 'enabled' }, 200],
  ['2.53', () => put(one.serviceUuid), { status: 'enabled', disabled_reason: 'r' }, 400],
  ['2.53', () => put(one.serviceUuid), {}, 400],
  ['2.53', () => put(one.nodeUuid), { status: 'enabled' }, 404],
  ['2.53', () => put(conductor), { status: 'enabled' }, 400],
  ['2.53', () => put(one.serviceUuid), { status: 'enabled' }, 403, 'member'],
  ['2.52', () => 'DELETE /os-services/x', undefined, 400],
  ['2.52', () => 'DELETE /os-services/999', undefined, 404],
  ['2.53', () => 'DELETE /os-services/1', undefined, 400],
  ['2.53', () => `DELETE /os-services/${one.nodeUuid}`, undefined, 404],
  ['2.53', () => `DELETE /os-services/${busy.serviceUuid}`, undefined, 409],
]
for (const [version, route, body, status, as = 'admin'] of rows)
  test(`${version} ${as} ${route.toString().slice(6)} ${JSON.stringify(body) ?? ''} → ${status}`, async () => {
    const answer = await api.call(version, route(), body, { as })
    expect([answer.status, answer.status === status ? '' : answer.body]).toEqual([status, ''])
  })

test('the list: who is up, in which zone, without the API services', async () => {
  const { services } = (await api.call('2.1', 'GET /os-services')).body
  const brief = services.map((service: Record<string, unknown>) => [service.host, service.binary, service.state, service.zone])
  expect(brief).toEqual([
    ['one', 'nova-compute', 'up', 'nova'],
    ['busy', 'nova-compute', 'up', 'nova'],
    ['late', 'nova-compute', 'down', 'nova'],
    ['ctl', 'nova-conductor', 'up', 'internal'],
  ])
  const only = async (query: string) => (await api.call('2.1', `GET /os-services?${query}`)).body.services.length
  expect([await only('host=ctl'), await only('binary=nova-compute'), await only('host=')]).toEqual([1, 3, 4])
})

test('what is shown of one: forced_down from 2.11, the UUID from 2.53', async () => {
  const at = async (version: string) => (await api.call(version, 'GET /os-services?host=busy')).body.services[0]
  const service = await at('2.1')
  expect(Object.keys(service).sort()).toEqual(['binary', 'disabled_reason', 'host', 'id', 'state', 'status', 'updated_at', 'zone'])
  expect(service.id).toBe(busy.serviceId)
  expect(await at('2.11')).toEqual({ ...service, forced_down: false })
  expect(await at('2.53')).toEqual({ ...service, forced_down: false, id: busy.serviceUuid })
})

test('a compute is told when it is disabled, and nobody when it is down', async () => {
  const answer = await api.call('2.53', put(one.serviceUuid), { status: 'disabled', disabled_reason: 'repair' })
  expect(answer.body.service).toMatchObject({ status: 'disabled', disabled_reason: 'repair', state: 'up', zone: 'nova' })
  expect(sent).toEqual([{ method: 'set_host_enabled', args: { enabled: false }, host: 'one' }])
  await api.call('2.53', put(one.serviceUuid), { forced_down: true })
  await api.call('2.53', put(one.serviceUuid), { status: 'enabled' })
  expect(sent).toHaveLength(1)
  const back = (await api.call('2.53', put(one.serviceUuid), { forced_down: false })).body.service
  expect(back).toMatchObject({ status: 'enabled', disabled_reason: null, forced_down: false, state: 'up' })
})

test('a compute that fails is no reason to fail', async () => {
  const fail = () => {
    throw new Error('no')
  }
  const stop = await runComputes(api, ['busy'], { set_host_enabled: fail }, sent)
  expect((await api.call('2.53', put(busy.serviceUuid), { status: 'disabled' })).body.service.status).toBe('disabled')
  expect((await api.call('2.53', put(busy.serviceUuid), { status: 'enabled' })).body.service.status).toBe('enabled')
  expect(sent).toHaveLength(2)
  await stop()
})

test('a host from which servers were evacuated is not forced up until its compute has seen to them', async () => {
  const cell = await cellOf(api)
  const instanceUuid = await addServer(api)
  const move = { instanceUuid, uuid: crypto.randomUUID(), sourceCompute: 'busy', migrationType: 'evacuation' as const }
  const id = await cell.migrations.create({ ...move, status: 'done' })
  const refused = await api.call('2.53', put(busy.serviceUuid), { forced_down: false })
  expect(refused.body.badRequest.message).toMatch(/^Unable to force up host busy as `done` evacuation/)
  const older = async () => (await api.call('2.52', put('force-down'), { ...compute, host: 'busy', forced_down: 'no' })).status
  expect(await older()).toBe(400)
  // with cell0's database in [database] connection
  const { main } = api.backends
  const cell0 = (await api.backends.stores.cells.all()).find(({ transportUrl }) => transportUrl === null)!
  Object.assign(api.backends, { main: async () => cell0 })
  expect(await older()).toBe(200)
  Object.assign(api.backends, { main })
  await cell.migrations.update(id, { status: 'completed' })
  expect((await api.call('2.53', put(busy.serviceUuid), { forced_down: false })).status).toBe(200)
})

test('a service goes with its nodes, its mapping, its aggregates and its providers; not while something moves', async () => {
  const old = await addHost(api, 'old')
  const cell = await cellOf(api)
  const { id } = (await api.call('2.1', 'POST /os-aggregates', { aggregate: { name: 'olds' } })).body.aggregate
  await api.call('2.1', `POST /os-aggregates/${id}/action`, { add_host: { host: 'old' } })
  const instanceUuid = await addServer(api)
  const move = await cell.migrations.create({
    instanceUuid,
    uuid: crypto.randomUUID(),
    sourceCompute: 'old',
    sourceNode: 'old',
    status: 'finished',
    migrationType: 'resize',
  })
  const remove = () => api.call('2.53', `DELETE /os-services/${old.serviceUuid}`)
  expect((await remove()).body.conflictingRequest.message).toMatch(/in-progress migrations/)
  await cell.migrations.update(move, { status: 'confirmed' })
  expect((await remove()).status).toBe(204)
  expect(await cell.services.find('old', 'nova-compute')).toBeUndefined()
  expect(await cell.computeNodes.ofHost('old')).toEqual([])
  expect(await api.backends.stores.api.hostMappings.find('old')).toBeUndefined()
  expect((await api.call('2.1', `GET /os-aggregates/${id}`)).body.aggregate.hosts).toEqual([])
  expect(removed).toEqual([`${old.nodeUuid}-child`, old.nodeUuid])
})

test('by the id that it had until 2.52', async () => {
  const gone = await addHost(api, 'gone')
  expect((await api.call('2.52', `DELETE /os-services/${gone.serviceId}`)).status).toBe(204)
})
