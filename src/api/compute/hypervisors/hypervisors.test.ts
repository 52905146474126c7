import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Person, type TestApi, testApi } from '../../../../tests/support/compute-api.ts'
import { addHost, addServer, cellOf, runComputes, type Sent } from '../../../../tests/support/hosts.ts'
import { RemoteError } from '../../../oslo/messaging/failure.ts'

const now = Date.UTC(2026, 0, 2, 3, 4, 5)
let api: TestApi
let stop: () => Promise<void>
const sent: Sent[] = []
const added: Record<string, Awaited<ReturnType<typeof addHost>>> = {}
let guest: string

beforeAll(async () => {
  api = await testApi({ now: () => now })
  for (const host of ['alpha', 'beta', 'mute']) added[host] = await addHost(api, host)
  added.down = await addHost(api, 'down', { seen: now - 100_000, disabled: true })
  added.told = await addHost(api, 'told', { stats: '{"uptime": "9 days"}' })
  added.left = await addHost(api, 'left')
  const cell = await cellOf(api)
  await cell.services.remove(added.left.serviceId, null)
  guest = await addServer(api, { host: 'beta' })
  const mute = () => {
    throw new RemoteError({ className: 'NotImplementedError', module: 'builtins', message: '' })
  }
  const stops = [
    await runComputes(api, ['alpha', 'beta'], { get_host_uptime: () => 'up 3 days' }, sent),
    await runComputes(api, ['mute'], { get_host_uptime: mute }, sent),
  ]
  stop = async () => void (await Promise.all(stops.map((each) => each())))
})
afterAll(async () => {
  await stop()
  await api.close()
})
afterEach(() => expect(api.errors).toEqual([]))

const names = (body: { hypervisors: { hypervisor_hostname: string }[] }) => body.hypervisors.map((each) => each.hypervisor_hostname)
const alpha = () => added.alpha!
const list = '/os-hypervisors'

type Row = [version: string, route: () => string, status: number, as?: Person]
const rows: Row[] = [
  ['2.1', () => list, 403, 'member'],
  ['2.1', () => `${list}/detail`, 403, 'member'],
  ['2.32', () => `${list}?limit=x`, 200],
  ['2.33', () => `${list}?limit=x`, 400],
  ['2.32', () => `${list}?marker=999`, 200],
  ['2.33', () => `${list}?marker=999`, 400],
  ['2.52', () => `${list}?colour=red`, 200],
  ['2.53', () => `${list}?colour=red`, 400],
  ['2.52', () => `${list}?limit=1&limit=2`, 200],
  ['2.53', () => `${list}?limit=1&limit=2`, 400],
  ['2.53', () => `${list}?with_servers=perhaps`, 400],
  ['2.53', () => `${list}?hypervisor_hostname_pattern=zzz`, 404],
  ['2.53', () => `${list}?hypervisor_hostname_pattern=a&limit=1`, 400],
  ['2.52', () => `${list}/${alpha().nodeId}`, 200],
  ['2.53', () => `${list}/${alpha().nodeId}`, 400],
  ['2.52', () => `${list}/${alpha().nodeUuid}`, 404],
  ['2.53', () => `${list}/${alpha().nodeUuid}`, 200],
  ['2.53', () => `${list}/${alpha().serviceUuid}`, 404],
  ['2.53', () => `${list}/${added.left!.nodeUuid}`, 404],
  ['2.52', () => `${list}/zzz/search`, 404],
  ['2.53', () => `${list}/al/search`, 404],
  ['2.53', () => `${list}/be/servers`, 404],
  ['2.87', () => `${list}/statistics`, 200],
  ['2.88', () => `${list}/statistics`, 404],
  ['2.87', () => `${list}/${alpha().nodeUuid}/uptime`, 200],
  ['2.88', () => `${list}/${alpha().nodeUuid}/uptime`, 404],
  ['2.87', () => `${list}/${added.mute!.nodeUuid}/uptime`, 501],
  ['2.87', () => `${list}/${added.down!.nodeUuid}/uptime`, 400],
]
for (const [version, route, status, as = 'admin'] of rows)
  test(`${version} ${as} ${route.toString().slice(6)} → ${status}`, async () => {
    const answer = await api.call(version, `GET ${route()}`, undefined, { as })
    expect([answer.status, answer.status === status ? '' : answer.body]).toEqual([status, ''])
  })

test('nodes whose compute is gone are left out', async () => {
  expect(names((await api.call('2.1', `GET ${list}`)).body)).toEqual(['alpha', 'beta', 'mute', 'down', 'told'])
})

test('what is shown at the ends of spans', async () => {
  const at = async (version: string) => (await api.call(version, `GET ${list}/detail`)).body.hypervisors
  const [oldest] = await at('2.27')
  expect(oldest).toMatchObject({
    id: alpha().nodeId,
    state: 'up',
    status: 'enabled',
    vcpus: 8,
    service: { id: alpha().serviceId, host: 'alpha' },
  })
  expect(typeof oldest.cpu_info).toBe('string')
  expect((await at('2.28'))[0].cpu_info).toMatchObject({ model: 'Nehalem' })
  expect((await at('2.53'))[0]).toMatchObject({ id: alpha().nodeUuid, service: { id: alpha().serviceUuid } })
  const newest = await at('2.88')
  expect(Object.keys(newest[0]).sort()).toEqual(
    ['host_ip', 'hypervisor_hostname', 'hypervisor_type', 'hypervisor_version', 'id', 'service', 'state', 'status', 'uptime'].sort(),
  )
  expect(newest[3]).toMatchObject({ state: 'down', status: 'disabled' })
})

test('uptime from 2.88 on: computes are asked, unless they are down, cannot tell, or have told', async () => {
  sent.length = 0
  const { hypervisors } = (await api.call('2.88', `GET ${list}/detail`)).body
  expect(hypervisors.map((each: { uptime: string | null }) => each.uptime)).toEqual(['up 3 days', 'up 3 days', null, null, '9 days'])
  expect(sent.map(({ host }) => host).sort()).toEqual(['alpha', 'beta', 'mute'])
})

test('servers where they are asked for; empty lists from 2.75 on', async () => {
  const servers = async (version: string, query: string) =>
    (await api.call(version, `GET ${list}${query}`)).body.hypervisors.map((each: { servers?: object[] }) => each.servers)
  const name = `instance-0000000${(await (await cellOf(api)).servers.find(guest))!.id.toString(16)}`
  const known = [{ uuid: guest, name }]
  expect(await servers('2.52', '?with_servers=true')).toEqual([undefined, undefined, undefined, undefined, undefined])
  expect(await servers('2.53', '?with_servers=true')).toEqual([undefined, known, undefined, undefined, undefined])
  expect(await servers('2.75', '?with_servers=true')).toEqual([[], known, [], [], []])
  expect(await servers('2.75', '?with_servers=false')).toEqual([undefined, undefined, undefined, undefined, undefined])
  expect(await servers('2.52', '/bet/servers')).toEqual([known])
})

test('pages', async () => {
  const first = (await api.call('2.33', `GET ${list}?limit=2`)).body
  expect(names(first)).toEqual(['alpha', 'beta'])
  const href = `http://nova.example:8774/v2.1/os-hypervisors?limit=2&marker=${added.beta!.nodeId}`
  expect(first.hypervisors_links).toEqual([{ rel: 'next', href }])
  expect(names((await api.call('2.33', `GET ${list}?limit=2&marker=${added.beta!.nodeId}`)).body)).toEqual(['mute', 'down'])
  const detail = (await api.call('2.53', `GET ${list}/detail?limit=1`)).body
  expect(detail.hypervisors_links[0].href).toBe(`http://nova.example:8774/v2.1/os-hypervisors/detail?limit=1&marker=${alpha().nodeUuid}`)
  expect(names((await api.call('2.53', `GET ${list}?limit=0`)).body)).toEqual([])
})

test('a pattern finds what holds it, without pages', async () => {
  const found = (await api.call('2.53', `GET ${list}?hypervisor_hostname_pattern=e`)).body
  expect(names(found)).toEqual(['beta', 'mute'])
  expect(found).not.toHaveProperty('hypervisors_links')
  expect(names((await api.call('2.52', `GET ${list}/lph/search`)).body)).toEqual(['alpha'])
})

test('statistics count nodes whose compute is enabled', async () => {
  const { hypervisor_statistics } = (await api.call('2.1', `GET ${list}/statistics`)).body
  expect(hypervisor_statistics).toMatchObject({ count: 4, vcpus: 32, memory_mb: 32_768, disk_available_least: 320 })
})

test('a list costs as many statements however long it is', async () => {
  const cost = async () => {
    const before = await api.statements()
    await api.call('2.87', `GET ${list}/detail?with_servers=true`)
    return (await api.statements()) - before
  }
  const before = await cost()
  for (const host of ['n1', 'n2', 'n3']) await addHost(api, host)
  expect(await cost()).toBe(before)
})

test('before 2.53 a host that no cell has yet cannot be searched for', async () => {
  await addHost(api, 'early')
  await api.backends.stores.api.hostMappings.remove('early')
  for (const what of ['search', 'servers']) {
    const { status, body } = await api.call('2.52', `GET ${list}/earl/${what}`)
    expect([status, body.itemNotFound?.message]).toEqual([404, "Host 'early' is not mapped to any cell"])
  }
  expect(names((await api.call('2.53', `GET ${list}?hypervisor_hostname_pattern=earl`)).body)).toEqual([])
})
