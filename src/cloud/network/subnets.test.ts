import { expect, test } from 'vitest'
import { nowhere, place, testCloud } from './fixture.ts'

const input = (reason: string) => `Invalid input for operation: ${reason}.`
const bad = (attribute: string, reason: string) => `Invalid input for ${attribute}. Reason: ${reason}.`
const cidr = '10.2.0.0/24'
const v6 = { ip_version: 6, cidr: 'fd00::/64' }

const refused: [subnet: Record<string, unknown>, status: number, message: string][] = [
  [{}, 400, 'Bad subnets request: a subnetpool must be specified in the absence of a cidr.'],
  [{ cidr: 'x' }, 400, input('x is not in a CIDR format')],
  [{ cidr: '10.2.0.0/33' }, 400, input('10.2.0.0/33 is not in a CIDR format')],
  [{ cidr, prefixlen: 24 }, 400, 'Bad subnets request: cidr and prefixlen must not be supplied together.'],
  [{ cidr, ip_version: 6 }, 400, input("cidr '10.2.0.0/24' does not match the ip_version '6'")],
  [{ cidr, ip_version: 5 }, 400, bad('ip_version', '5 is not in valid_values')],
  [{ cidr: '10.2.0.0/31' }, 400, input('Subnet has a prefix length that is incompatible with DHCP service enabled')],
  [{ cidr: '10.2.0.0/31', enable_dhcp: false }, 409, 'Gateway IP 10.2.0.1 cannot be the network or broadcast IP address 10.2.0.0/31'],
  [{ cidr: '0.0.0.0/0', enable_dhcp: false }, 400, input('0 is not allowed as CIDR prefix length')],
  [{ cidr: '224.0.0.0/24' }, 400, input('Multicast IP subnet is not supported if enable_dhcp is True')],
  [{ cidr: '127.0.0.0/24' }, 400, input('Loopback IP subnet is not supported if enable_dhcp is True')],
  [{ cidr: '0.0.0.0/24' }, 400, input("First IP '0.0.0.0' of network is not supported if enable_dhcp is True.")],
  [{ cidr, gateway_ip: '10.2.0.0' }, 400, input('Gateway is not valid on subnet')],
  [{ cidr, gateway_ip: '10.2.0.255' }, 400, input('Gateway is not valid on subnet')],
  [{ cidr, gateway_ip: 'fe80::1' }, 400, input("gateway_ip 'fe80::1' does not match the ip_version '4'")],
  [{ cidr, gateway_ip: 'x' }, 400, bad('gateway_ip', "'x' is not a valid IP address")],
  [
    { cidr, allocation_pools: [{ start: '10.2.0.1', end: '10.2.0.9' }] },
    409,
    'Gateway ip 10.2.0.1 conflicts with allocation pool 10.2.0.1-10.2.0.9.',
  ],
  [
    { cidr, allocation_pools: [{ start: '10.2.0.2', end: '10.2.1.9' }] },
    400,
    'The allocation pool 10.2.0.2-10.2.1.9 spans beyond the subnet cidr 10.2.0.0/24.',
  ],
  [
    {
      cidr,
      allocation_pools: [
        { start: '10.2.0.2', end: '10.2.0.9' },
        { start: '10.2.0.9', end: '10.2.0.20' },
      ],
    },
    409,
    'Found overlapping allocation pools: 10.2.0.2-10.2.0.9 10.2.0.9-10.2.0.20 for subnet 10.2.0.0/24.',
  ],
  [
    { cidr, allocation_pools: [{ start: '10.2.0.9', end: '10.2.0.2' }] },
    400,
    "The allocation pool {'start': '10.2.0.9', 'end': '10.2.0.2'} is not valid.",
  ],
  [{ cidr, allocation_pools: 'x' }, 400, input('Invalid data format for allocation pools')],
  [{ cidr, dns_nameservers: ['x'] }, 400, bad('dns_nameservers', "'x' is not a valid nameserver. 'x' is not a valid IP address")],
  [{ cidr, dns_nameservers: ['1.1.1.1', '1.1.1.1'] }, 400, bad('dns_nameservers', "Duplicate nameserver '1.1.1.1'")],
  [
    { cidr, dns_nameservers: [1, 2, 3, 4, 5, 6].map((n) => `1.1.1.${n}`) },
    400,
    'Unable to complete operation for new subnet. The number of DNS nameservers exceeds the limit 5.',
  ],
  [
    { cidr, host_routes: [{ destination: '1.1.1.1/24', nexthop: '10.2.0.1' }] },
    400,
    bad('host_routes', "'1.1.1.1/24' is not a valid CIDR"),
  ],
  [
    { cidr, host_routes: [{ destination: '127.0.0.0/8', nexthop: '10.2.0.1' }] },
    400,
    bad('host_routes', "'127.0.0.0/8' is not a routable CIDR"),
  ],
  [
    { cidr, host_routes: [{ destination: 'fd01::/64', nexthop: 'fd00::1' }] },
    400,
    input("nexthop 'fd00::1' does not match the ip_version '4'"),
  ],
  [{ cidr, ipv6_ra_mode: 'slaac' }, 400, input('ipv6_ra_mode is not valid when ip_version is 4')],
  [{ ...v6, cidr: '::/64' }, 400, input("IPv6 subnet '::' is not supported")],
  [
    { ...v6, ipv6_ra_mode: 'slaac', enable_dhcp: false },
    400,
    input('ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False'),
  ],
  [
    { ...v6, cidr: 'fd00::/65', ipv6_address_mode: 'slaac' },
    400,
    input('Invalid CIDR fd00::/65 for IPv6 address mode. OpenStack uses the EUI-64 address format, which requires the prefix to be /64'),
  ],
  [{ cidr, service_types: ['tea'] }, 400, 'Subnet service type tea does not correspond to a valid device owner.'],
  [{ cidr, network_id: nowhere }, 404, `Network ${nowhere} could not be found.`],
  [{ cidr, network_id: 'x' }, 400, bad('network_id', "'x' is not a valid UUID")],
  [{ subnetpool_id: nowhere }, 404, `Subnet pool ${nowhere} could not be found.`],
  [{ cidr, use_default_subnetpool: true }, 400, 'Bad subnets request: No default subnetpool found for IPv4.'],
  [{ subnetpool_id: 'prefix_delegation' }, 501, 'The embedded network service does not implement IPv6 prefix delegation.'],
]
for (const [subnet, status, message] of refused)
  test(`${JSON.stringify(subnet).slice(0, 90)} → ${status}`, async () => {
    const cloud = testCloud()
    const { networkId } = await place(cloud)
    const answer = await cloud.call('ann', 'POST /v2.0/subnets', { subnet: { network_id: networkId, ip_version: 4, ...subnet } })
    expect([answer.status, answer.body.NeutronError.message]).toEqual([status, message])
  })

const made: [subnet: Record<string, unknown>, shown: Record<string, unknown>][] = [
  [{ cidr: '10.2.0.9/24' }, { cidr, gateway_ip: '10.2.0.1', allocation_pools: [{ start: '10.2.0.2', end: '10.2.0.254' }] }],
  [
    { cidr, gateway_ip: null },
    { gateway_ip: null, allocation_pools: [{ start: '10.2.0.1', end: '10.2.0.254' }] },
  ],
  [
    { cidr, gateway_ip: '10.2.0.100' },
    {
      allocation_pools: [
        { start: '10.2.0.1', end: '10.2.0.99' },
        { start: '10.2.0.101', end: '10.2.0.254' },
      ],
    },
  ],
  [
    { cidr, gateway_ip: '192.0.2.1' },
    { gateway_ip: '192.0.2.1', allocation_pools: [{ start: '10.2.0.1', end: '10.2.0.254' }] },
  ],
  [
    { cidr: '10.2.0.0/32', enable_dhcp: false },
    { gateway_ip: '10.2.0.1', allocation_pools: [{ start: '10.2.0.0', end: '10.2.0.0' }] },
  ],
  [
    { ...v6, cidr: 'FD00:0::/64' },
    { cidr: 'fd00::/64', gateway_ip: 'fd00::', allocation_pools: [{ start: 'fd00::1', end: 'fd00::ffff:ffff:ffff:ffff' }] },
  ],
  [
    { cidr, dns_nameservers: null },
    { dns_nameservers: [], host_routes: [], enable_dhcp: true, ipv6_ra_mode: null, service_types: [] },
  ],
]
for (const [subnet, shown] of made)
  test(`${JSON.stringify(subnet)} makes ${JSON.stringify(shown).slice(0, 80)}`, async () => {
    const cloud = testCloud()
    const { networkId } = await place(cloud)
    const answer = await cloud.make('ann', 'POST /v2.0/subnets', { subnet: { network_id: networkId, ip_version: 4, ...subnet } })
    expect(answer).toMatchObject(shown)
    const { body } = await cloud.call('ann', `GET /v2.0/networks/${networkId}`)
    expect(body.network).toMatchObject({ revision_number: 3, subnets: [expect.any(String), answer.id] })
  })

test('subnets of a network do not overlap, those of different networks may', async () => {
  const cloud = testCloud()
  const { networkId } = await place(cloud)
  const subnet = { network_id: networkId, ip_version: 4, cidr: '10.1.0.128/25' }
  expect((await cloud.call('ann', 'POST /v2.0/subnets', { subnet })).body.NeutronError.message).toBe(
    input(`Requested subnet with cidr: 10.1.0.128/25 for network: ${networkId} overlaps with another subnet`),
  )
  await place(cloud)
})

test('only the owner of a network makes subnets there', async () => {
  const cloud = testCloud()
  const { networkId } = await place(cloud)
  const body = { subnet: { network_id: networkId, ip_version: 4, cidr } }
  expect(await cloud.outcome('bob', 'POST /v2.0/subnets', body)).toBe('404 NetworkNotFound')
  expect(await cloud.outcome('rita', 'POST /v2.0/subnets', body)).toBe('403 PolicyNotAuthorized')
  await cloud.call('admin', `PUT /v2.0/networks/${networkId}`, { network: { shared: true } })
  expect(await cloud.outcome('bob', 'POST /v2.0/subnets', body)).toBe('403 PolicyNotAuthorized')
})

const changes: [subnet: Record<string, unknown>, outcome: string][] = [
  [{ name: 'x' }, '200'],
  [{ cidr }, '400 HTTPBadRequest'],
  [{ gateway_ip: '10.1.0.7' }, '409 GatewayConflictWithAllocationPools'],
  [{ gateway_ip: null }, '200'],
  [{ gateway_ip: '10.1.0.7', allocation_pools: [{ start: '10.1.0.8', end: '10.1.0.9' }] }, '200'],
  [{ allocation_pools: [{ start: '10.1.0.2', end: '10.1.1.9' }] }, '400 OutOfBoundsAllocationPool'],
  [{ enable_dhcp: false }, '200'],
  [{ dns_nameservers: null, host_routes: [] }, '200'],
]
for (const [subnet, outcome] of changes)
  test(`PUT ${JSON.stringify(subnet)} → ${outcome}`, async () => {
    const cloud = testCloud()
    const { subnetId } = await place(cloud)
    expect(await cloud.outcome('ann', `PUT /v2.0/subnets/${subnetId}`, { subnet })).toBe(outcome)
  })

test('a subnet with addresses in use stays; addresses that hosts make themselves go with it', async () => {
  const cloud = testCloud()
  const { networkId, subnetId, port } = await place(cloud)
  const slaac = { ...v6, network_id: networkId, ipv6_ra_mode: 'slaac', ipv6_address_mode: 'slaac' }
  const before = await port({ mac_address: 'fa:16:3e:00:00:01' })
  const own = await cloud.make('ann', 'POST /v2.0/subnets', { subnet: slaac })
  const addresses = async () => (await cloud.call('ann', `GET /v2.0/ports/${before.id}`)).body.port.fixed_ips
  expect(await addresses()).toEqual([...before.fixed_ips, { subnet_id: own.id, ip_address: 'fd00::f816:3eff:fe00:1' }])
  expect(await cloud.outcome('ann', `DELETE /v2.0/subnets/${own.id}`)).toBe('204')
  expect(await addresses()).toEqual(before.fixed_ips)
  expect(await cloud.outcome('ann', `DELETE /v2.0/subnets/${subnetId}`)).toBe('409 SubnetInUse')
})

test('pools cut networks: lengths, what is free, quota, and one pool per network', async () => {
  const cloud = testCloud()
  const pool = await cloud.make('ann', 'POST /v2.0/subnetpools', {
    subnetpool: {
      name: 'p',
      prefixes: ['10.64.0.0/24', '10.64.1.0/24'],
      min_prefixlen: 25,
      max_prefixlen: 28,
      default_prefixlen: 26,
      default_quota: 512,
    },
  })
  expect(pool).toMatchObject({ prefixes: ['10.64.0.0/23'], min_prefixlen: '25', ip_version: 4, is_default: false, shared: false })
  const network = await cloud.make('ann', 'POST /v2.0/networks', { network: {} })
  const from = (subnet: object) => ({ subnet: { network_id: network.id, ip_version: 4, subnetpool_id: pool.id, ...subnet } })
  const rows: [subnet: object, outcome: string][] = [
    [{ prefixlen: 24 }, '400 MinPrefixSubnetAllocationError'],
    [{ prefixlen: 29 }, '400 MaxPrefixSubnetAllocationError'],
    [{ ip_version: 6 }, '400 BadRequest'],
    [{ cidr: '10.99.0.0/26' }, '500 SubnetAllocationError'],
    [{ subnetpool_id: undefined, cidr: '10.99.0.0/26' }, '201'],
  ]
  for (const [subnet, outcome] of rows)
    expect([subnet, await cloud.outcome('ann', 'POST /v2.0/subnets', from(subnet))]).toEqual([subnet, outcome])
  expect(await cloud.outcome('ann', 'POST /v2.0/subnets', from({}))).toBe('400 NetworkSubnetPoolAffinityError')
  const other = await cloud.make('ann', 'POST /v2.0/networks', { network: {} })
  const cut = async (subnet: object) => (await cloud.make('ann', 'POST /v2.0/subnets', from({ network_id: other.id, ...subnet }))).cidr
  expect([await cut({}), await cut({ prefixlen: 27 }), await cut({ cidr: '10.64.1.0/25' })]).toEqual([
    '10.64.0.0/26',
    '10.64.0.64/27',
    '10.64.1.0/25',
  ])
  expect(await cloud.outcome('ann', `DELETE /v2.0/subnetpools/${pool.id}`)).toBe('400 SubnetPoolDeleteError')
  expect(await cloud.outcome('ann', `PUT /v2.0/subnetpools/${pool.id}`, { subnetpool: { prefixes: ['10.64.0.0/24'] } })).toBe(
    '400 IllegalSubnetPoolPrefixUpdate',
  )
  const without = await cloud.call('ann', `PUT /v2.0/subnetpools/${pool.id}/remove_prefixes`, { prefixes: ['10.64.1.128/25'] })
  expect(without.body).toEqual({ prefixes: ['10.64.0.0/24', '10.64.1.0/25'] })
  expect(await cloud.outcome('ann', `PUT /v2.0/subnetpools/${pool.id}/remove_prefixes`, { prefixes: ['10.64.0.0/26'] })).toBe(
    '400 IllegalSubnetPoolPrefixUpdate',
  )
})

test('an address scope keeps its pools apart and shows on networks', async () => {
  const cloud = testCloud()
  const scope = await cloud.make('ann', 'POST /v2.0/address-scopes', { address_scope: { name: 's', ip_version: 4 } })
  const pool = { subnetpool: { name: 'p', prefixes: ['10.64.0.0/16'], address_scope_id: scope.id } }
  const { id } = await cloud.make('ann', 'POST /v2.0/subnetpools', pool)
  expect(await cloud.outcome('ann', 'POST /v2.0/subnetpools', pool)).toBe('409 AddressScopePrefixConflict')
  expect(await cloud.outcome('ann', `DELETE /v2.0/address-scopes/${scope.id}`)).toBe('409 AddressScopeInUse')
  const network = await cloud.make('ann', 'POST /v2.0/networks', { network: {} })
  await cloud.make('ann', 'POST /v2.0/subnets', { subnet: { network_id: network.id, ip_version: 4, subnetpool_id: id, prefixlen: 24 } })
  expect((await cloud.call('ann', `GET /v2.0/networks/${network.id}?fields=ipv4_address_scope`)).body.network).toEqual({
    ipv4_address_scope: scope.id,
  })
})
