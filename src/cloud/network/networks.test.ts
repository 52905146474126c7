import { expect, test } from 'vitest'
import { nowhere, outside, type Person, place, testCloud } from './fixture.ts'

const refused: [who: Person, network: unknown, status: number, message: string][] = [
  ['ann', undefined, 400, "Unable to find 'network' in request body"],
  ['ann', [], 400, "Object 'network' contains invalid data"],
  ['ann', { name: 1 }, 400, "Invalid input for name. Reason: '1' is not a valid string."],
  ['ann', { name: 'x'.repeat(256) }, 400, `Invalid input for name. Reason: '${'x'.repeat(256)}' exceeds maximum length of 255.`],
  ['ann', { bogus: 1, other: 2 }, 400, "Unrecognized attribute(s) 'bogus, other'"],
  ['ann', { constructor: 1 }, 400, "Unrecognized attribute(s) 'constructor'"],
  ['ann', { id: nowhere }, 400, "Attribute 'id' not allowed in POST"],
  ['ann', { status: 'ACTIVE' }, 400, "Attribute 'status' not allowed in POST"],
  ['ann', { admin_state_up: 'maybe' }, 400, "Invalid input for operation: 'maybe' cannot be converted to boolean."],
  ['ann', { port_security_enabled: null }, 400, "Invalid input for operation: 'None' cannot be converted to boolean."],
  ['ann', { mtu: -1 }, 400, "Invalid input for mtu. Reason: '-1' should be non-negative."],
  ['ann', { mtu: 1451 }, 400, 'Invalid input for operation: Requested MTU is too big, maximum is 1450.'],
  ['ann', { dns_domain: 'example.org' }, 400, "Invalid input for dns_domain. Reason: 'example.org' is not a FQDN."],
  ['ann', { availability_zone_hints: ['mars'] }, 404, 'AvailabilityZone mars could not be found.'],
  [
    'ann',
    { project_id: 'two' },
    400,
    "Specifying 'project_id' or 'tenant_id' other than the authenticated project in request is not allowed for current user.",
  ],
  ['admin', { project_id: 'one', tenant_id: 'two' }, 400, "'project_id' and 'tenant_id' do not match"],
  ['ann', { shared: true }, 403, '(rule:create_network and rule:create_network:shared) is disallowed by policy'],
  ['ann', { 'router:external': true }, 403, '(rule:create_network and rule:create_network:router:external) is disallowed by policy'],
  [
    'ann',
    { 'provider:network_type': 'vxlan' },
    403,
    '(rule:create_network and rule:create_network:provider:network_type) is disallowed by policy',
  ],
  ['rita', { name: 'n' }, 403, 'rule:create_network is disallowed by policy'],
  ['nova', { name: 'n' }, 403, 'rule:create_network is disallowed by policy'],
  [
    'admin',
    { 'provider:network_type': 'carrier-pigeon' },
    400,
    "Invalid input for operation: network_type value 'carrier-pigeon' not supported.",
  ],
  ['admin', { 'provider:network_type': 'flat' }, 400, 'Invalid input for operation: physical_network required for flat provider network.'],
  ['admin', { 'provider:segmentation_id': 5 }, 400, 'Invalid input for operation: network_type required.'],
  [
    'admin',
    { 'provider:network_type': 'vlan', 'provider:physical_network': 'p', 'provider:segmentation_id': 4095 },
    400,
    'Invalid input for operation: segmentation_id out of range (1 through 4094).',
  ],
  ['admin', { segments: [{}] }, 501, 'The embedded network service does not implement networks of several segments (attribute segments).'],
]
for (const [who, network, status, message] of refused)
  test(`${who} POST ${JSON.stringify(network)?.slice(0, 60)} → ${status}`, async () => {
    const answer = await testCloud().call(who, 'POST /v2.0/networks', network === undefined ? {} : { network })
    expect([answer.status, answer.body.NeutronError.message]).toEqual([status, message])
  })

test('a network is shown with its defaults; provider attributes only to administrators', async () => {
  const cloud = testCloud()
  const made = await cloud.make('ann', 'POST /v2.0/networks', { network: { name: 'n', mtu: 1450 } })
  expect(made).toMatchObject({
    name: 'n',
    admin_state_up: true,
    status: 'ACTIVE',
    shared: false,
    'router:external': false,
    mtu: 1450,
    port_security_enabled: true,
    subnets: [],
    tags: [],
    description: '',
    project_id: 'one',
    tenant_id: 'one',
    created_at: '2026-01-02T03:04:05Z',
    updated_at: '2026-01-02T03:04:05Z',
    revision_number: 1,
  })
  expect(Object.keys(made).filter((key) => key.startsWith('provider:'))).toEqual([])
  expect('is_default' in made).toBe(false)
  const { body } = await cloud.call('admin', `GET /v2.0/networks/${made.id}`)
  expect(body.network).toMatchObject({ 'provider:network_type': 'vxlan', 'provider:physical_network': null, 'provider:segmentation_id': 1 })
})

const views: [who: Person, status: number][] = [
  ['ann', 200],
  ['rita', 200],
  ['admin', 200],
  ['nova', 200],
  ['bob', 404],
  ['nobody', 404],
]
for (const [who, status] of views)
  test(`${who} GET ann's network → ${status}`, async () => {
    const cloud = testCloud()
    const { networkId } = await place(cloud)
    expect((await cloud.call(who, `GET /v2.0/networks/${networkId}`)).status).toBe(status)
  })

const changes: [who: Person, values: Record<string, unknown>, outcome: string][] = [
  ['ann', { name: 'm' }, '200'],
  ['ann', {}, '200'],
  ['ann', { shared: true }, '403 PolicyNotAuthorized'],
  ['ann', { status: 'DOWN' }, '400 HTTPBadRequest'],
  ['ann', { mtu: 60 }, '409 NetworkMTUSubnetConflict'],
  ['ann', { mtu: 68 }, '200'],
  ['rita', { name: 'm' }, '403 PolicyNotAuthorized'],
  ['bob', { name: 'm' }, '404 NetworkNotFound'],
  ['admin', { 'provider:segmentation_id': 9 }, '400 InvalidInput'],
]
for (const [who, network, outcome] of changes)
  test(`${who} PUT ${JSON.stringify(network)} → ${outcome}`, async () => {
    const cloud = testCloud()
    const { networkId } = await place(cloud)
    expect(await cloud.outcome(who, `PUT /v2.0/networks/${networkId}`, { network })).toBe(outcome)
  })

test('a change counts a revision, no change does not, and If-Match guards it', async () => {
  const cloud = testCloud()
  const { networkId } = await place(cloud)
  const route = `PUT /v2.0/networks/${networkId}`
  cloud.later(60)
  expect((await cloud.make('ann', route, { network: { name: 'net' } })).revision_number).toBe(2)
  expect(await cloud.make('ann', route, { network: { name: 'm' } })).toMatchObject({
    revision_number: 3,
    updated_at: '2026-01-02T03:05:05Z',
  })
  const matching = async (tag: string) => (await cloud.call('ann', route, { network: { name: 'o' } }, { 'if-match': tag })).status
  expect(await matching('revision_number=2')).toBe(412)
  expect(await matching('revision_number=x')).toBe(400)
  expect(await matching('revision_number=3')).toBe(200)
})

test('flat networks and VLANs are given out once', async () => {
  const cloud = testCloud()
  const flat = { 'provider:network_type': 'flat', 'provider:physical_network': 'p' }
  const vlan = { 'provider:network_type': 'vlan', 'provider:physical_network': 'p', 'provider:segmentation_id': 7 }
  const make = (network: unknown) => cloud.outcome('admin', 'POST /v2.0/networks', { network })
  expect(await make(flat)).toBe('201')
  expect(await make(flat)).toBe('409 FlatNetworkInUse')
  expect(await make(vlan)).toBe('201')
  expect(await make(vlan)).toBe('409 VlanIdInUse')
  const next = await cloud.make('admin', 'POST /v2.0/networks', { network: { ...vlan, 'provider:segmentation_id': undefined } })
  expect(next).toMatchObject({ 'provider:segmentation_id': 1, mtu: 1500 })
  expect(await cloud.make('admin', `PUT /v2.0/networks/${next.id}`, { network: { 'provider:segmentation_id': 8 } })).toMatchObject({
    'provider:segmentation_id': 8,
  })
})

test('many at once are all made or none', async () => {
  const cloud = testCloud()
  const good = await cloud.call('ann', 'POST /v2.0/networks', { networks: [{ name: 'a' }, { network: { name: 'b' } }] })
  expect([good.status, good.body.networks.map((one: { name: string }) => one.name)]).toEqual([201, ['a', 'b']])
  const bad = { networks: [{ name: 'c' }, { name: 'd', availability_zone_hints: ['mars'] }] }
  expect(await cloud.outcome('ann', 'POST /v2.0/networks', bad)).toBe('404 AvailabilityZoneNotFound')
  expect((await cloud.call('ann', 'GET /v2.0/networks?name=c')).body.networks).toEqual([])
})

test('a network goes with its subnets and DHCP ports; any other port keeps it', async () => {
  const cloud = testCloud()
  const { networkId, subnetId, port } = await place(cloud)
  await port({ device_owner: 'network:dhcp' }, 'admin')
  const mine = await port()
  const kept = await cloud.call('ann', `DELETE /v2.0/networks/${networkId}`)
  expect(kept.body.NeutronError).toEqual({
    type: 'NetworkInUse',
    message: `Unable to complete operation on network ${networkId}. There are one or more ports still in use on the network, id for these ports is: ${mine.id}.`,
    detail: '',
  })
  await cloud.call('ann', `DELETE /v2.0/ports/${mine.id}`)
  expect(await cloud.outcome('bob', `DELETE /v2.0/networks/${networkId}`)).toBe('404 NetworkNotFound')
  expect(await cloud.outcome('rita', `DELETE /v2.0/networks/${networkId}`)).toBe('403 PolicyNotAuthorized')
  expect(await cloud.outcome('ann', `DELETE /v2.0/networks/${networkId}`)).toBe('204')
  expect(await cloud.outcome('ann', `GET /v2.0/subnets/${subnetId}`)).toBe('404 SubnetNotFound')
})

test('everybody sees an external network, nobody but an administrator may change it', async () => {
  const cloud = testCloud()
  const { networkId } = await outside(cloud)
  expect((await cloud.call('bob', `GET /v2.0/networks/${networkId}`)).body.network).toMatchObject({
    'router:external': true,
    is_default: false,
  })
  expect(await cloud.outcome('bob', `PUT /v2.0/networks/${networkId}`, { network: { name: 'x' } })).toBe('403 PolicyNotAuthorized')
  expect(await cloud.outcome('bob', 'POST /v2.0/ports', { port: { network_id: networkId } })).toBe('403 HTTPForbidden')
})

test('one external network is the default at most', async () => {
  const cloud = testCloud()
  const make = (name: string) =>
    cloud.outcome('admin', 'POST /v2.0/networks', { network: { name, 'router:external': true, is_default: true } })
  expect([await make('a'), await make('b')]).toEqual(['201', '409 DefaultExternalExists'])
})
