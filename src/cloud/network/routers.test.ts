import { expect, test } from 'vitest'
import { type Json, nowhere, outside, type Person, place, testCloud } from './fixture.ts'

/** ann's router between her 10.1.0.0/24 and the outside. */
async function joined() {
  const cloud = testCloud()
  const inside = await place(cloud)
  const external = await outside(cloud)
  const made = await cloud.make('ann', 'POST /v2.0/routers', {
    router: { name: 'r', external_gateway_info: { network_id: external.networkId } },
  })
  const route = `/v2.0/routers/${made.id}`
  const act = (verb: string, body: unknown, who: Person = 'ann') => cloud.call(who, `PUT ${route}/${verb}_router_interface`, body)
  const update = (router: unknown, who: Person = 'ann') => cloud.call(who, `PUT ${route}`, { router })
  const first = (await act('add', { subnet_id: inside.subnetId })).body
  const fip = (values: object = {}, who: Person = 'ann') =>
    cloud.call(who, 'POST /v2.0/floatingips', { floatingip: { floating_network_id: external.networkId, ...values } })
  return { cloud, inside, external, router: made, route, act, update, first, fip }
}

const refused: [who: Person, router: Record<string, unknown>, outcome: string][] = [
  ['ann', { bogus: 1 }, '400 HTTPBadRequest'],
  ['ann', { external_gateway_info: 'x' }, '400 HTTPBadRequest'],
  ['ann', { external_gateway_info: { network_id: 'x' } }, '400 HTTPBadRequest'],
  ['ann', { external_gateway_info: { enable_snat: true } }, '400 HTTPBadRequest'],
  ['ann', { external_gateway_info: { network_id: nowhere } }, '404 NetworkNotFound'],
  ['ann', { external_gateway_info: { network_id: ':inside' } }, '400 BadRequest'],
  ['ann', { external_gateway_info: { network_id: ':outside', bogus: 1 } }, '400 HTTPBadRequest'],
  ['ann', { external_gateway_info: { network_id: ':outside', enable_snat: false } }, '403 PolicyNotAuthorized'],
  [
    'ann',
    { external_gateway_info: { network_id: ':outside', external_fixed_ips: [{ ip_address: '198.51.100.9' }] } },
    '403 PolicyNotAuthorized',
  ],
  ['admin', { external_gateway_info: { network_id: ':outside', external_fixed_ips: [{ ip_address: '198.51.100.1' }] } }, '400 BadRequest'],
  ['admin', { external_gateway_info: { network_id: ':outside', external_fixed_ips: [{ ip_address: '198.51.100.9' }] } }, '201'],
  ['ann', { external_gateway_info: {} }, '201'],
  ['ann', { routes: [] }, '400 HTTPBadRequest'],
  ['rita', {}, '403 PolicyNotAuthorized'],
]
for (const [who, values, outcome] of refused)
  test(`${who} POST ${JSON.stringify(values)} → ${outcome}`, async () => {
    const cloud = testCloud()
    const [inside, external] = [await place(cloud), await outside(cloud)]
    const body = JSON.stringify({ router: values }).replace(':inside', inside.networkId).replace(':outside', external.networkId)
    expect(await cloud.outcome(who, 'POST /v2.0/routers', JSON.parse(body))).toBe(outcome)
  })

test('the refusal of an administrator’s part names every rule', async () => {
  const { update, external } = await joined()
  const { body } = await update({ external_gateway_info: { network_id: external.networkId, enable_snat: false } })
  expect(body.NeutronError.message).toBe(
    '(rule:update_router and (rule:update_router:external_gateway_info and (rule:update_router:external_gateway_info:network_id and rule:update_router:external_gateway_info:enable_snat))) is disallowed by policy',
  )
})

test('a router takes the gateway address inside and one of its own outside', async () => {
  const { cloud, inside, external, router, route, first } = await joined()
  expect(router.external_gateway_info).toEqual({
    network_id: external.networkId,
    enable_snat: true,
    external_fixed_ips: [{ subnet_id: external.subnetId, ip_address: '198.51.100.2' }],
  })
  expect(first).toEqual({
    id: router.id,
    project_id: 'one',
    port_id: expect.any(String),
    network_id: inside.networkId,
    subnet_id: inside.subnetId,
    subnet_ids: [inside.subnetId],
  })
  const { body } = await cloud.call('ann', `GET /v2.0/ports/${first.port_id}`)
  expect(body.port).toMatchObject({
    device_id: router.id,
    device_owner: 'network:router_interface',
    fixed_ips: [{ subnet_id: inside.subnetId, ip_address: '10.1.0.1' }],
    security_groups: [],
    port_security_enabled: false,
    status: 'ACTIVE',
  })
  // The gateway's port belongs to no project.
  expect((await cloud.call('ann', `GET /v2.0/ports?device_id=${router.id}`)).body.ports).toHaveLength(1)
  expect((await cloud.call('admin', `GET /v2.0/ports?device_id=${router.id}`)).body.ports).toHaveLength(2)
  expect(await cloud.outcome('bob', `GET ${route}`)).toBe('404 RouterNotFound')
})

const interfaces: [info: Record<string, unknown>, outcome: string][] = [
  [{}, '400 BadRequest'],
  [{ subnet_id: 'x' }, '400 BadRequest'],
  [{ subnet_id: nowhere }, '404 SubnetNotFound'],
  [{ port_id: nowhere }, '404 PortNotFound'],
  [{ subnet_id: ':again' }, '400 BadRequest'],
  [{ subnet_id: ':again', port_id: ':port' }, '400 BadRequest'],
  [{ subnet_id: ':bare' }, '400 BadRequest'],
  [{ subnet_id: ':overlapping' }, '400 BadRequest'],
  [{ subnet_id: ':foreign' }, '400 BadRequest'],
  [{ port_id: ':port' }, '400 BadRequest'],
  [{ port_id: ':used' }, '409 PortInUse'],
  [{ port_id: ':other' }, '200'],
]
for (const [info, outcome] of interfaces)
  test(`add ${JSON.stringify(info)} → ${outcome}`, async () => {
    const { cloud, act, inside } = await joined()
    const other = await place(cloud, { cidr: '10.3.0.0/24' })
    const shared = await place(cloud, { cidr: '10.4.0.0/24' })
    await cloud.call('admin', `PUT /v2.0/networks/${shared.networkId}`, { network: { shared: true, name: 'shared' } })
    const foreign = { subnet: { network_id: shared.networkId, project_id: 'two', ip_version: 4, cidr: '10.5.0.0/24' } }
    const ids: Record<string, string> = {
      again: inside.subnetId,
      bare: (await place(cloud, { cidr: '10.2.0.0/24', gateway_ip: null })).subnetId,
      overlapping: (await place(cloud, { cidr: '10.1.0.128/25' })).subnetId,
      foreign: (await cloud.make('admin', 'POST /v2.0/subnets', foreign)).id,
      port: (await inside.port()).id,
      used: (await other.port({ device_id: 'something' })).id,
      other: (await other.port()).id,
    }
    const body = Object.fromEntries(Object.entries(info).map(([key, value]) => [key, ids[String(value).slice(1)] ?? value]))
    const { status, body: told } = await act('add', body)
    expect(told.NeutronError ? `${status} ${told.NeutronError.type}` : String(status)).toBe(outcome)
  })

test('IPv6 subnets of a network share one interface', async () => {
  const { cloud, inside, act } = await joined()
  const add = async (cidr: string): Promise<Json> => {
    const { id } = await cloud.make('ann', 'POST /v2.0/subnets', { subnet: { network_id: inside.networkId, ip_version: 6, cidr } })
    return (await act('add', { subnet_id: id })).body
  }
  const [one, two] = [await add('fd00:1::/64'), await add('fd00:2::/64')]
  expect(two.port_id).toBe(one.port_id)
  const { body } = await cloud.call('ann', `GET /v2.0/ports/${one.port_id}`)
  expect(body.port.fixed_ips.map((fixed: Json) => fixed.ip_address)).toEqual(['fd00:1::', 'fd00:2::'])
  expect((await act('remove', { subnet_id: one.subnet_id })).status).toBe(200)
  expect((await cloud.call('ann', `GET /v2.0/ports/${one.port_id}`)).body.port.fixed_ips).toHaveLength(1)
})

test('interfaces keep their router, their subnet and its gateway', async () => {
  const { cloud, inside, act, route, first } = await joined()
  expect(await cloud.outcome('ann', `DELETE ${route}`)).toBe('409 RouterInUse')
  expect(await cloud.outcome('ann', `DELETE /v2.0/subnets/${inside.subnetId}`)).toBe('409 SubnetInUse')
  expect(await cloud.outcome('ann', `PUT /v2.0/subnets/${inside.subnetId}`, { subnet: { gateway_ip: null } })).toBe('409 GatewayIpInUse')
  expect(await cloud.outcome('ann', `PUT /v2.0/ports/${first.port_id}`, { port: { fixed_ips: [{ ip_address: '10.1.0.9' }] } })).toBe(
    '400 BadRequest',
  )
  expect((await act('remove', { port_id: first.port_id, subnet_id: nowhere })).body.NeutronError.type).toBe('SubnetMismatchForPort')
  expect((await act('remove', { port_id: first.port_id }, 'bob')).status).toBe(404)
  expect((await act('remove', { port_id: first.port_id }, 'rita')).status).toBe(403)
  expect((await act('remove', { port_id: first.port_id })).status).toBe(200)
  expect((await act('remove', { port_id: first.port_id })).body.NeutronError.type).toBe('RouterInterfaceNotFound')
  expect((await act('remove', { subnet_id: inside.subnetId })).body.NeutronError.type).toBe('RouterInterfaceNotFoundForSubnet')
  expect(await cloud.outcome('ann', `DELETE ${route}`)).toBe('204')
})

test('routes lead to neighbours', async () => {
  const { act, update, inside, cloud, route } = await joined()
  const via = (nexthop: string) => ({ destination: '192.0.2.0/24', nexthop })
  const rows: [routes: unknown, outcome: string | number][] = [
    ['x', 'HTTPBadRequest'],
    [[via('10.9.0.1')], 'InvalidRoutes'],
    [[via('10.1.0.1')], 'InvalidRoutes'],
    [[via('10.1.0.9')], 200],
    [[via('198.51.100.9')], 200],
  ]
  for (const [routes, outcome] of rows) {
    const { status, body } = await update({ routes })
    expect([routes, body.NeutronError?.type ?? status]).toEqual([routes, outcome])
  }
  const atomic = async (verb: string, nexthop: string) =>
    (await cloud.make('ann', `PUT ${route}/${verb}_extraroutes`, { router: { routes: [via(nexthop)] } })).routes
  expect(await atomic('add', '10.1.0.9')).toEqual([via('198.51.100.9'), via('10.1.0.9')])
  expect((await act('remove', { subnet_id: inside.subnetId })).body.NeutronError.type).toBe('RouterInterfaceInUseByRoute')
  expect(await atomic('remove', '10.1.0.9')).toEqual([via('198.51.100.9')])
})

const fips: [who: Person, values: Record<string, unknown>, outcome: string][] = [
  ['ann', {}, '201'],
  ['ann', { floating_network_id: undefined }, '400 HTTPBadRequest'],
  ['ann', { floating_network_id: nowhere }, '404 NetworkNotFound'],
  ['ann', { floating_network_id: ':inside' }, '400 BadRequest'],
  ['ann', { fixed_ip_address: '10.1.0.50' }, '400 BadRequest'],
  ['ann', { port_id: nowhere }, '404 PortNotFound'],
  ['ann', { port_id: ':two' }, '400 BadRequest'],
  ['ann', { port_id: ':two', fixed_ip_address: '10.1.0.51' }, '201'],
  ['ann', { port_id: ':two', fixed_ip_address: '10.1.0.99' }, '400 BadRequest'],
  ['ann', { port_id: ':none' }, '400 BadRequest'],
  ['ann', { port_id: ':away' }, '404 ExternalGatewayForFloatingIPNotFound'],
  ['ann', { port_id: ':port' }, '201'],
  ['ann', { floating_ip_address: '198.51.100.77' }, '403 PolicyNotAuthorized'],
  ['max', { floating_ip_address: '198.51.100.77' }, '201'],
  ['max', { floating_ip_address: '198.51.100.255' }, '400 InvalidIpForNetwork'],
  ['max', { floating_ip_address: '198.51.100.2' }, '409 IpAddressAlreadyAllocated'],
  ['bob', { port_id: ':port' }, '404 PortNotFound'],
  ['rita', {}, '403 PolicyNotAuthorized'],
]
for (const [who, values, outcome] of fips)
  test(`${who} asks for a floating IP ${JSON.stringify(values)} → ${outcome}`, async () => {
    const { cloud, inside, external } = await joined()
    const ids: Record<string, string> = {
      inside: inside.networkId,
      port: (await inside.port()).id,
      two: (await inside.port({ fixed_ips: [{ ip_address: '10.1.0.51' }, { ip_address: '10.1.0.52' }] })).id,
      none: (await inside.port({ fixed_ips: [] })).id,
      away: (await (await place(cloud, { cidr: '10.6.0.0/24' })).port()).id,
    }
    const named = Object.fromEntries(Object.entries(values).map(([key, value]) => [key, ids[String(value).slice(1)] ?? value]))
    const body = { floatingip: { floating_network_id: external.networkId, ...named } }
    expect(await cloud.outcome(who, 'POST /v2.0/floatingips', body)).toBe(outcome)
  })

test('a floating IP follows its port, holds the path open, and survives it', async () => {
  const { cloud, inside, external, act, update, router, fip } = await joined()
  const server = { device_id: 'aaaaaaaa-0000-4000-8000-00000000000a', device_owner: 'compute:nova' }
  const [one, two] = [await inside.port({ name: 'one', ...server }), await inside.port()]
  const made = (await fip({ description: 'd' })).body.floatingip
  expect(made).toMatchObject({
    status: 'DOWN',
    port_id: null,
    fixed_ip_address: null,
    router_id: null,
    port_details: null,
    floating_ip_address: '198.51.100.3',
  })
  const route = `/v2.0/floatingips/${made.id}`
  const lead = (values: object) => cloud.call('ann', `PUT ${route}`, { floatingip: values })
  expect((await lead({ port_id: one.id })).body.floatingip).toMatchObject({
    status: 'ACTIVE',
    port_id: one.id,
    fixed_ip_address: one.fixed_ips[0].ip_address,
    router_id: router.id,
    port_details: { name: 'one', status: 'DOWN', ...server },
    revision_number: 1,
  })
  const rival = (await fip()).body.floatingip
  const taken = await cloud.call('ann', `PUT /v2.0/floatingips/${rival.id}`, { floatingip: { port_id: one.id } })
  expect(taken.body.NeutronError.type).toBe('FloatingIPPortAlreadyAssociated')
  expect((await act('remove', { subnet_id: inside.subnetId })).body.NeutronError.type).toBe('RouterInterfaceInUseByFloatingIP')
  expect((await update({ external_gateway_info: {} })).body.NeutronError.type).toBe('RouterExternalGatewayInUseByFloatingIp')
  expect(await cloud.outcome('ann', `PUT /v2.0/ports/${one.id}`, { port: { fixed_ips: [{ ip_address: '10.1.0.99' }] } })).toBe(
    '400 BadRequest',
  )
  expect((await lead({ description: 'e' })).body.floatingip).toMatchObject({ description: 'e', port_id: one.id })
  expect((await lead({ port_id: two.id })).body.floatingip.port_id).toBe(two.id)
  expect(cloud.events.map(({ name, portId }) => [name, portId])).toEqual([
    ['network-changed', one.id],
    ['network-changed', one.id],
  ])
  expect(await cloud.outcome('ann', `DELETE /v2.0/ports/${two.id}`)).toBe('204')
  expect((await cloud.call('ann', `GET ${route}`)).body.floatingip).toMatchObject({ status: 'DOWN', port_id: null, router_id: null })
  expect(await cloud.outcome('bob', `DELETE ${route}`)).toBe('404 FloatingIPNotFound')
  expect(await cloud.outcome('ann', `DELETE ${route}`)).toBe('204')
  expect((await cloud.call('admin', `GET /v2.0/ports?network_id=${external.networkId}&device_id=${made.id}`)).body.ports).toEqual([])
})

test('an external network goes with floating IPs that lead nowhere, but not while a router is on it', async () => {
  const { cloud, external, route, act, first, fip } = await joined()
  const { id } = (await fip()).body.floatingip
  expect(await cloud.outcome('admin', `DELETE /v2.0/networks/${external.networkId}`)).toBe('409 NetworkInUse')
  expect(await cloud.outcome('admin', `PUT /v2.0/networks/${external.networkId}`, { network: { 'router:external': false } })).toBe(
    '409 ExternalNetworkInUse',
  )
  await act('remove', { port_id: first.port_id })
  await cloud.call('ann', `DELETE ${route}`)
  expect(await cloud.outcome('admin', `DELETE /v2.0/networks/${external.networkId}`)).toBe('204')
  expect(await cloud.outcome('ann', `GET /v2.0/floatingips/${id}`)).toBe('404 FloatingIPNotFound')
})
