import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { projectOf } from '../../../tests/support/compute-api.ts'
import { type Farm, farm, imageId } from '../../../tests/support/servers.ts'
import { silent } from '../../oslo/log.ts'
import type { NotificationMessage } from '../../oslo/messaging/notifier.ts'
import { openNotifications, silentNotifications } from './notifications.ts'

const told: NotificationMessage[] = []
const notifications = openNotifications({
  settings: {
    ...silentNotifications.settings,
    notificationFormat: 'both',
    notifyOnStateChange: 'vm_and_task_state',
    bdmsInNotifications: true,
    includeShareMapping: true,
  },
  notifier: { driver: ['test'], topics: ['notifications'], retry: 0 },
  host: 'api1',
  broker: () => {
    throw new Error('no broker in this test')
  },
  log: () => silent,
  clock: { now: () => Date.parse('2026-03-04T05:06:07.089Z') },
  ids: { uuid: () => crypto.randomUUID() },
  kept: (message) => void told.push(message),
})

let farmed: Farm
beforeAll(async () => {
  farmed = await farm({}, { notifications, now: () => Date.parse('2026-03-04T05:06:07.089Z') })
})
afterEach(() => void told.splice(0))
afterAll(() => farmed.close())

const call = async (version: string, route: string, body?: unknown) => {
  const answer = await farmed.api.call(version, route, body)
  await new Promise((resolve) => setImmediate(resolve))
  return answer
}
const events = () => told.map(({ event_type, publisher_id }) => `${event_type} ${publisher_id}`)
// biome-ignore lint/suspicious/noExplicitAny: payloads of all kinds
const payloadOf = (event: string, nth = 0): any => told.filter(({ event_type }) => event_type === event)[nth]!.payload
const data = (event: string, nth = 0) => payloadOf(event, nth)['nova_object.data']

test('key pairs', async () => {
  await call('2.10', 'POST /os-keypairs', { keypair: { name: 'k' } })
  expect(events()).toEqual([
    'keypair.create.start api.api1',
    'keypair.create.start nova-api:api1',
    'keypair.create.end nova-api:api1',
    'keypair.create.end api.api1',
  ])
  expect(told[0]).toMatchObject({
    priority: 'INFO',
    timestamp: '2026-03-04 05:06:07.089000',
    payload: { tenant_id: projectOf('admin'), user_id: 'admin'.padEnd(32, '0'), key_name: 'k' },
  })
  expect(payloadOf('keypair.create.end')).toMatchObject({
    'nova_object.name': 'KeypairPayload',
    'nova_object.namespace': 'nova',
    'nova_object.version': '1.0',
    'nova_object.data': { name: 'k', type: 'ssh', fingerprint: expect.stringContaining(':') },
  })
  told.splice(0)
  await call('2.10', 'DELETE /os-keypairs/k')
  expect(events().map((event) => event.split(' ')[0])).toEqual([
    'keypair.delete.start',
    'keypair.delete.start',
    'keypair.delete.end',
    'keypair.delete.end',
  ])
  told.splice(0)
  const { public_key } = (await call('2.10', 'POST /os-keypairs', { keypair: { name: 'k2' } })).body.keypair
  told.splice(0)
  await call('2.10', 'POST /os-keypairs', { keypair: { name: 'k3', public_key } })
  expect(events().map((event) => event.split(' ')[0])).toEqual([
    'keypair.import.start',
    'keypair.import.start',
    'keypair.import.end',
    'keypair.import.end',
  ])
})

test('aggregates', async () => {
  const { id } = (await call('2.41', 'POST /os-aggregates', { aggregate: { name: 'a', availability_zone: 'z' } })).body.aggregate
  expect(events()).toEqual([
    'aggregate.create.start aggregate.a',
    'aggregate.create.start nova-api:api1',
    `aggregate.create.end aggregate.${id}`,
    'aggregate.create.end nova-api:api1',
  ])
  expect(payloadOf('aggregate.create.end')).toEqual({ name: 'a', meta_data: { availability_zone: 'z' }, aggregate_id: id })
  expect(data('aggregate.create.end', 1)).toMatchObject({ id, name: 'a', hosts: [], metadata: { availability_zone: 'z' } })
  const steps: [route: string, body: object | undefined, older: string, newer: string, facts: object][] = [
    ['PUT /os-aggregates/ID', { aggregate: { name: 'b' } }, 'updateprop', 'update_prop', { aggregate_id: id }],
    ['POST /os-aggregates/ID/action', { add_host: { host: 'host1' } }, 'addhost', 'add_host', { aggregate_id: id, host_name: 'host1' }],
    [
      'POST /os-aggregates/ID/action',
      { remove_host: { host: 'host1' } },
      'removehost',
      'remove_host',
      { aggregate_id: id, host_name: 'host1' },
    ],
    [
      'POST /os-aggregates/ID/action',
      { set_metadata: { metadata: { a: 'b' } } },
      'updatemetadata',
      'update_metadata',
      { meta_data: { a: 'b' } },
    ],
    ['DELETE /os-aggregates/ID', undefined, 'delete', 'delete', { aggregate_id: id }],
  ]
  for (const [route, body, older, newer, facts] of steps) {
    told.splice(0)
    expect((await call('2.41', route.replace('ID', String(id)), body)).status).toBe(200)
    expect(events()).toEqual([
      `aggregate.${older}.start aggregate.${id}`,
      `aggregate.${newer}.start nova-api:api1`,
      `aggregate.${older}.end aggregate.${id}`,
      `aggregate.${newer}.end nova-api:api1`,
    ])
    expect(told[0]!.payload).toMatchObject(facts)
  }
})

test('flavors, in the newer form alone', async () => {
  await call('2.55', 'POST /flavors', { flavor: { name: 'f', id: 'f9', ram: 64, vcpus: 1, disk: 1, 'os-flavor-access:is_public': false } })
  await call('2.55', 'PUT /flavors/f9', { flavor: { description: 'd' } })
  await call('2.55', 'POST /flavors/f9/os-extra_specs', { extra_specs: { 'hw:cpu_policy': 'shared' } })
  await call('2.55', 'DELETE /flavors/f9/os-extra_specs/hw:cpu_policy')
  await call('2.55', 'DELETE /flavors/f9')
  expect(events()).toEqual(['create', 'update', 'update', 'update', 'delete'].map((action) => `flavor.${action} nova-api:api1`))
  expect(
    told.map(
      ({ payload }) => (payload as Record<string, { description: unknown; extra_specs: unknown; projects: unknown }>)['nova_object.data']!,
    ),
  ).toMatchObject([
    { flavorid: 'f9', description: null, projects: [] },
    { description: 'd' },
    { extra_specs: { 'hw:cpu_policy': 'shared' } },
    { extra_specs: {} },
    { projects: null },
  ])
})

test('server groups', async () => {
  const made = await call('2.64', 'POST /os-server-groups', {
    server_group: { name: 'g', policy: 'anti-affinity', rules: { max_server_per_host: 2 } },
  })
  const { id } = made.body.server_group
  await call('2.64', `DELETE /os-server-groups/${id}`)
  expect(events()).toEqual([
    'servergroup.create servergroup.api1',
    'server_group.create nova-api:api1',
    'servergroup.delete servergroup.api1',
    'server_group.delete nova-api:api1',
  ])
  expect(data('server_group.create')).toMatchObject({
    uuid: id,
    policy: 'anti-affinity',
    policies: ['anti-affinity'],
    rules: { max_server_per_host: '2' },
  })
  expect(payloadOf('servergroup.delete')).toEqual({ server_group_id: id })
})

test('services', async () => {
  const { services } = (await call('2.53', 'GET /os-services?host=host2')).body
  await call('2.53', `PUT /os-services/${services[0].id}`, { status: 'disabled', disabled_reason: 'broken' })
  expect(events()).toEqual(['service.update nova-compute:host2'])
  expect(data('service.update')).toMatchObject({
    host: 'host2',
    binary: 'nova-compute',
    disabled: true,
    disabled_reason: 'broken',
    forced_down: false,
  })
  await call('2.53', `PUT /os-services/${services[0].id}`, { status: 'enabled' })
})

test('what fails', async () => {
  await call('2.1', 'DELETE /os-aggregates/99')
  await call('2.10', 'DELETE /os-keypairs/absent')
  const exceptions = told.filter(({ priority }) => priority === 'ERROR')
  expect(exceptions.map(({ event_type, publisher_id }) => `${event_type} ${publisher_id}`)).toEqual([
    'delete_aggregate compute.api1',
    'compute.exception nova-api:api1',
    'delete_key_pair api.api1',
    'compute.exception nova-api:api1',
  ])
  expect(payloadOf('delete_aggregate')).toEqual({
    exception: "{'kwargs': {'aggregate_id': 99, 'code': 404}, 'message': 'Aggregate 99 could not be found.', 'class': 'AggregateNotFound'}",
    args: { aggregate_id: 99 },
  })
  expect(payloadOf('delete_key_pair')).toMatchObject({ args: { user_id: 'admin'.padEnd(32, '0'), key_name: 'absent' } })
  expect(payloadOf('compute.exception')).toMatchObject({ 'nova_object.name': 'ExceptionPayload', 'nova_object.version': '1.1' })
  expect(data('compute.exception')).toEqual({
    module_name: 'nova.compute.api',
    function_name: 'delete_aggregate',
    exception: 'AggregateNotFound',
    exception_message: 'Aggregate 99 could not be found.',
    traceback: expect.stringContaining('Fault: Aggregate 99'),
  })
})

describe('servers', () => {
  test('whose state changes', async () => {
    const uuid = await farmed.server()
    await call('2.1', `POST /servers/${uuid}/action`, { 'os-stop': null })
    expect(events()).toEqual(['compute.instance.update compute.api1', 'instance.update nova-compute:api1'])
    expect(payloadOf('compute.instance.update')).toMatchObject({
      instance_id: uuid,
      old_state: 'active',
      state: 'active',
      old_task_state: null,
      new_task_state: 'powering-off',
      state_description: 'powering-off',
      audit_period_beginning: '2026-03-01T00:00:00.000000',
      audit_period_ending: '2026-03-04T05:06:07.089000',
      image_ref_url: expect.stringMatching(/^http:\/\/glance.example:9292\/images\//),
      disk_gb: expect.any(Number),
    })
    expect(payloadOf('instance.update')['nova_object.name']).toBe('InstanceUpdatePayload')
    expect(data('instance.update').state_update['nova_object.data']).toEqual({
      old_state: 'active',
      state: 'active',
      old_task_state: null,
      new_task_state: 'powering-off',
    })
    expect(data('instance.update').flavor['nova_object.name']).toBe('FlavorPayload')
  })

  test('that are locked', async () => {
    const uuid = await farmed.server({ metadata: { a: 'b' } })
    await call('2.73', `POST /servers/${uuid}/action`, { lock: { locked_reason: 'mine' } })
    expect(events().filter((event) => !event.includes('update'))).toEqual(['instance.lock nova-api:api1'])
    expect(data('instance.lock')).toMatchObject({
      uuid,
      locked: true,
      locked_reason: 'mine',
      power_state: 'running',
      auto_disk_config: 'MANUAL',
      metadata: { a: 'b' },
      action_initiator_user: 'admin'.padEnd(32, '0'),
      fault: null,
      shares: [],
      block_devices: [],
    })
    told.splice(0)
    await call('2.73', `POST /servers/${uuid}/action`, { unlock: null })
    expect(data('instance.unlock')).toMatchObject({ locked: false, locked_reason: null })
  })

  test('whose tags change', async () => {
    const uuid = await farmed.server()
    await call('2.26', `PUT /servers/${uuid}/tags`, { tags: ['b', 'a'] })
    expect(data('instance.update').tags).toEqual(['a', 'b'])
  })

  test('that are deleted without their compute', async () => {
    const uuid = await farmed.server({ host: 'host3', node: 'host3' })
    expect((await call('2.1', `DELETE /servers/${uuid}`)).status).toBe(204)
    expect(events()).toEqual([
      'compute.instance.delete.start compute.api1',
      'instance.delete.start nova-api:api1',
      'compute.instance.delete.end compute.api1',
      'instance.delete.end nova-api:api1',
    ])
    expect(data('instance.delete.start')).toMatchObject({ uuid, state: 'active', task_state: 'deleting' })
    expect(data('instance.delete.end')).toMatchObject({ uuid, state: 'deleted', task_state: null, terminated_at: '2026-03-04T05:06:07Z' })
  })

  test('that are deleted by force, of which there is no newer form', async () => {
    const uuid = await farmed.server({ host: 'host3', node: 'host3' })
    await call('2.1', `POST /servers/${uuid}/action`, { forceDelete: null })
    expect(events()).toEqual(['compute.instance.force_delete.start compute.api1', 'compute.instance.force_delete.end compute.api1'])
  })

  test('that join a group', async () => {
    await call('2.1', 'POST /flavors', { flavor: { name: 'tiny', id: 'tiny', ram: 64, vcpus: 1, disk: 1 } })
    const { id } = (await call('2.64', 'POST /os-server-groups', { server_group: { name: 'g', policy: 'affinity' } })).body.server_group
    told.splice(0)
    const server = { name: 's', flavorRef: 'tiny', imageRef: imageId, networks: 'none' }
    const made = await call('2.64', 'POST /servers', { server, 'os:scheduler_hints': { group: id } })
    expect(made.status).toBe(202)
    expect(events()).toEqual(['servergroup.addmember servergroup.api1', 'server_group.add_member nova-api:api1'])
    expect(data('server_group.add_member').members).toEqual([made.body.server.id])
  })
})
