import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Person, type TestApi, testApi } from '../../../tests/support/compute-api.ts'
import { addHost, addServer, cellOf, runComputes, type Sent } from '../../../tests/support/hosts.ts'
import { RemoteError } from '../../oslo/messaging/failure.ts'

let api: TestApi
let stop: () => Promise<void>
const sent: Sent[] = []
beforeAll(async () => {
  api = await testApi()
  await addHost(api, 'one')
  await addHost(api, 'off', { disabled: true })
  await api.backends.stores.api.hostMappings.create('empty', 2)
  const cell = await cellOf(api)
  await cell.services.create({ host: 'ctl', binary: 'nova-scheduler', topic: 'scheduler' })
  await addServer(api, { host: 'one', vcpus: 2, memoryMb: 1024, rootGb: 3 })
  await addServer(api, { host: 'one', vcpus: 1, memoryMb: 512, rootGb: 1, projectId: 'b'.repeat(32) })
  await addServer(api, { host: 'one', vcpus: 1, memoryMb: 512, rootGb: 1 })
  const answers = {
    set_host_enabled: ({ enabled }: Record<string, unknown>) => (enabled ? 'enabled' : 'half'),
    host_maintenance_mode: ({ mode }: Record<string, unknown>) => (mode ? 'on_maintenance' : 'off_maintenance'),
    host_power_action: ({ action }: Record<string, unknown>) => {
      if (action === 'startup') throw new RemoteError({ className: 'NotImplementedError', module: 'builtins', message: '' })
      return action
    },
  }
  stop = await runComputes(api, ['one'], answers, sent)
})
afterAll(async () => {
  await stop()
  await api.close()
})
afterEach(() => expect(api.errors).toEqual([]))

type Row = [version: string, route: string, body: unknown, status: number, as?: Person]
const rows: Row[] = [
  ['2.42', 'GET /os-hosts', undefined, 200],
  ['2.43', 'GET /os-hosts', undefined, 404],
  ['2.1', 'GET /os-hosts', undefined, 403, 'member'],
  ['2.1', 'GET /os-hosts/never', undefined, 404],
  ['2.1', 'GET /os-hosts/empty', undefined, 404],
  ['2.1', 'GET /os-hosts/one/reboot', undefined, 200],
  ['2.1', 'GET /os-hosts/one/startup', undefined, 501],
  ['2.1', 'GET /os-hosts/never/shutdown', undefined, 404],
  ['2.1', 'GET /os-hosts/empty/shutdown', undefined, 404],
  ['2.43', 'GET /os-hosts/one/shutdown', undefined, 404],
  ['2.1', 'PUT /os-hosts/one', { status: 'ENABLE' }, 200],
  ['2.1', 'PUT /os-hosts/one', { status: 'disable' }, 400],
  ['2.1', 'PUT /os-hosts/one', { status: 'perhaps' }, 400],
  ['2.1', 'PUT /os-hosts/one', {}, 400],
  ['2.1', 'PUT /os-hosts/never', { status: 'enable' }, 404],
]
for (const [version, route, body, status, as = 'admin'] of rows)
  test(`${version} ${as} ${route} ${JSON.stringify(body) ?? ''} → ${status}`, async () => {
    const answer = await api.call(version, route, body, { as })
    expect([answer.status, answer.status === status ? '' : answer.body]).toEqual([status, ''])
  })

test('enabled hosts with what runs on them, of one zone or of all', async () => {
  const list = async (query = '') => (await api.call('2.1', `GET /os-hosts${query}`)).body.hosts
  const one = { host_name: 'one', service: 'compute', zone: 'nova' }
  expect(await list()).toEqual([one, { host_name: 'ctl', service: 'scheduler', zone: 'internal' }])
  expect(await list('?zone=nova')).toEqual([one])
})

test('what a host has, what is used, and by whom', async () => {
  const { host } = (await api.call('2.1', 'GET /os-hosts/one')).body
  expect(host.map(({ resource }: { resource: Record<string, unknown> }) => Object.values(resource))).toEqual([
    ['one', '(total)', 8, 8192, 100],
    ['one', '(used_now)', 1, 512, 10],
    ['one', '(used_max)', 4, 2048, 5],
    ['one', 'a'.repeat(32), 3, 1536, 4],
    ['one', 'b'.repeat(32), 1, 512, 1],
  ])
})

test('both switches at once', async () => {
  sent.length = 0
  const answer = await api.call('2.1', 'PUT /os-hosts/one', { status: 'Enable', maintenance_mode: 'Disable' })
  expect(answer.body).toEqual({ host: 'one', status: 'enabled', maintenance_mode: 'off_maintenance' })
  expect(sent).toEqual([
    { method: 'set_host_enabled', args: { enabled: true }, host: 'one' },
    { method: 'host_maintenance_mode', args: { host: 'one', mode: false }, host: 'one' },
  ])
})
