import { expect, test } from 'vitest'
import { nowhere, type Person, place, testCloud } from './fixture.ts'

const server = '99999999-0000-4000-8000-000000000009'
const details = { connectivity: 'l2', port_filter: true }

/** A port of a server on host h1. */
async function bound() {
  const cloud = testCloud()
  const { port, ...rest } = await place(cloud)
  const { id } = await port()
  const update = (values: object, who: Person = 'nova') => cloud.make(who, `PUT /v2.0/ports/${id}`, { port: values })
  const at = await update({ device_id: server, device_owner: 'compute:nova', 'binding:host_id': 'h1' })
  return { cloud, port, id, at, update, route: `/v2.0/ports/${id}/bindings`, ...rest }
}

test('a port with a host is bound and comes up; without one it goes down', async () => {
  const { cloud, id, at, update } = await bound()
  expect(at).toMatchObject({ status: 'ACTIVE', 'binding:host_id': 'h1', 'binding:vif_type': 'ovs', 'binding:vif_details': details })
  const gone = await update({ 'binding:host_id': null })
  expect(gone).toMatchObject({ status: 'DOWN', 'binding:host_id': '', 'binding:vif_type': 'unbound', 'binding:vif_details': {} })
  await update({ 'binding:profile': { a: 1 } })
  await cloud.call('ann', `DELETE /v2.0/ports/${id}`)
  const event = (name: string) => ({ name, serverId: server, portId: id })
  expect(cloud.events).toEqual([event('network-vif-plugged'), event('network-vif-unplugged'), event('network-vif-deleted')])
})

test('binding it anew takes it down and up again; changing its addresses is told', async () => {
  const { cloud, id, update } = await bound()
  cloud.events.length = 0
  await update({ 'binding:host_id': 'h2' })
  await update({ 'binding:host_id': 'h2' })
  await update({ name: 'x' })
  await update({ fixed_ips: [{ ip_address: '10.1.0.77' }] })
  expect(cloud.events.map(({ name }) => name)).toEqual(['network-vif-unplugged', 'network-vif-plugged', 'network-changed'])
  expect(cloud.events.every(({ portId }) => portId === id)).toBe(true)
})

test('what is refused tells nobody', async () => {
  const { cloud, update } = await bound()
  cloud.events.length = 0
  await expect(update({ 'binding:host_id': 'h2', fixed_ips: [{ ip_address: '10.99.0.1' }] })).rejects.toThrow('InvalidIpForNetwork')
  expect(cloud.events).toEqual([])
})

test('of many that fail together none is told of, then or later', async () => {
  const cloud = testCloud()
  const { networkId } = await place(cloud)
  const one = (ip_address: string) => ({
    network_id: networkId,
    device_id: server,
    device_owner: 'compute:nova',
    'binding:host_id': 'h1',
    fixed_ips: [{ ip_address }],
  })
  expect(await cloud.outcome('admin', 'POST /v2.0/ports', { ports: [one('10.1.0.8'), one('10.99.0.1')] })).toBe('400 InvalidIpForNetwork')
  expect(cloud.events).toEqual([])
  expect(await cloud.outcome('admin', 'POST /v2.0/ports', { ports: [one('10.1.0.8'), one('10.1.0.9')] })).toBe('201')
  expect(cloud.events.map(({ name }) => name)).toEqual(['network-vif-plugged', 'network-vif-plugged'])
})

test('what a bound port may not change', async () => {
  const { cloud, id } = await bound()
  const rows: [who: Person, values: object, outcome: string][] = [
    ['admin', { mac_address: 'fa:16:3e:00:00:01' }, '409 PortBound'],
    ['ann', { 'binding:vnic_type': 'direct' }, '409 PortInUse'],
    ['ann', { numa_affinity_policy: 'required' }, '409 PortBoundNUMAAffinityPolicy'],
    ['ann', { 'binding:host_id': 'h2' }, '403 PolicyNotAuthorized'],
    ['admin', { 'binding:profile': {} }, '403 PolicyNotAuthorized'],
  ]
  for (const [who, port, outcome] of rows) expect(await cloud.outcome(who, `PUT /v2.0/ports/${id}`, { port })).toBe(outcome)
})

test('a second binding waits, is activated, and the first is deleted: a live migration', async () => {
  const { cloud, id, route } = await bound()
  const waiting = { host: 'h2', vif_type: 'ovs', vif_details: details, vnic_type: 'normal', profile: { b: 1 }, status: 'INACTIVE' }
  const made = await cloud.call('nova', `POST ${route}`, { binding: { host: 'h2', profile: { b: 1 } } })
  expect([made.status, made.body]).toEqual([201, { binding: waiting }])
  expect((await cloud.call('admin', `GET ${route}/h2`)).body).toEqual({ binding: waiting })
  expect((await cloud.call('nova', `GET /v2.0/ports/${id}`)).body.port['binding:host_id']).toBe('h1')
  const active = await cloud.call('nova', `PUT ${route}/h2/activate`)
  expect([active.status, active.body]).toEqual([200, { ...waiting, status: 'ACTIVE' }])
  expect((await cloud.call('nova', `GET ${route}`)).body.bindings).toEqual([
    { host: 'h1', vif_type: 'unbound', vif_details: {}, vnic_type: 'normal', profile: {}, status: 'INACTIVE' },
    { ...waiting, status: 'ACTIVE' },
  ])
  expect((await cloud.call('nova', `GET /v2.0/ports/${id}`)).body.port).toMatchObject({
    'binding:host_id': 'h2',
    'binding:profile': { b: 1 },
    status: 'ACTIVE',
  })
  expect(await cloud.outcome('nova', `DELETE ${route}/h1`)).toBe('204')
  expect((await cloud.call('nova', `GET ${route}`)).body.bindings).toHaveLength(1)
  expect((await cloud.call('nova', `GET ${route}?host=h1`)).body.bindings).toEqual([])
})

const refused: [who: Person, route: string, body: unknown, outcome: string][] = [
  ['nova', 'POST ', { binding: { host: 'h1' } }, '409 PortBindingAlreadyExists'],
  ['nova', 'POST ', { binding: {} }, '400 HTTPBadRequest'],
  ['nova', 'POST ', { binding: { host: 'h2', vnic_type: 'x' } }, '400 HTTPBadRequest'],
  ['admin', 'POST ', { binding: { host: 'h2' } }, '403 PolicyNotAuthorized'],
  ['ann', 'POST ', { binding: { host: 'h2' } }, '403 PolicyNotAuthorized'],
  ['nova', 'PUT /h1/activate', undefined, '409 PortBindingAlreadyActive'],
  ['nova', 'PUT /h3/activate', undefined, '404 PortBindingNotFound'],
  ['ann', 'PUT /h1/activate', undefined, '403 PolicyNotAuthorized'],
  ['nova', 'GET /h3', undefined, '404 PortBindingNotFound'],
  ['nova', 'DELETE /h3', undefined, '404 PortBindingNotFound'],
  ['nova', 'PUT /h1', { binding: { profile: { c: 1 } } }, '200'],
]
for (const [who, route, body, outcome] of refused)
  test(`${who} ${route} ${JSON.stringify(body)} → ${outcome}`, async () => {
    const { cloud, route: base } = await bound()
    const [method, rest] = route.split(' ') as [string, string]
    expect(await cloud.outcome(who, `${method} ${base}${rest}`, body)).toBe(outcome)
  })

test('bindings are for ports of servers, and hidden from their owners', async () => {
  const { cloud, port, route } = await bound()
  const { id } = await port()
  expect(await cloud.outcome('nova', `GET /v2.0/ports/${id}/bindings`)).toBe('400 BadRequest')
  expect(await cloud.outcome('nova', `GET /v2.0/ports/${nowhere}/bindings`)).toBe('404 PortNotFound')
  expect((await cloud.call('ann', `GET ${route}`)).body).toEqual({ bindings: [] })
})
