import { expect, test } from 'vitest'
import { type Json, nowhere, outside, type Person, place, testCloud } from './fixture.ts'

const bad = (attribute: string, reason: string) => `Invalid input for ${attribute}. Reason: ${reason}.`
const input = (reason: string) => `Invalid input for operation: ${reason}.`

const refused: [who: Person, port: Record<string, unknown>, status: number, message: string][] = [
  ['ann', { network_id: undefined }, 400, "Failed to parse request. Required attribute 'network_id' not specified"],
  ['ann', { network_id: nowhere }, 404, `Network ${nowhere} could not be found.`],
  ['ann', { fixed_ips: 'x' }, 400, bad('fixed_ips', "Invalid data format for fixed IP: 'x'")],
  ['ann', { fixed_ips: [{ ip_address: 'x' }] }, 400, bad('fixed_ips', "'x' is not a valid IP address")],
  [
    'ann',
    { fixed_ips: [{ ip_address: '10.1.0.4' }, { ip_address: '10.1.0.4' }] },
    400,
    bad('fixed_ips', "Duplicate IP address '10.1.0.4'"),
  ],
  [
    'ann',
    { fixed_ips: [{ ip_address: '10.99.0.1' }] },
    400,
    'IP address 10.99.0.1 is not a valid IP for any of the subnets on the specified network.',
  ],
  [
    'ann',
    { fixed_ips: [{ ip_address: '10.1.0.255' }] },
    400,
    'IP address 10.1.0.255 is not a valid IP for any of the subnets on the specified network.',
  ],
  ['ann', { fixed_ips: [{ subnet_id: nowhere }] }, 404, `Subnet ${nowhere} could not be found.`],
  ['ann', { fixed_ips: [{}] }, 400, input('IP allocation requires subnet_id or ip_address')],
  ['ann', { mac_address: 'x' }, 400, bad('mac_address', "'x' is not a valid MAC address")],
  ['ann', { mac_address: '00:00:00:00:00:00' }, 400, bad('mac_address', "'00:00:00:00:00:00' is not a valid MAC address")],
  ['ann', { security_groups: ['x'] }, 400, bad('security_groups', "'x' is not a valid UUID")],
  ['ann', { security_groups: [nowhere] }, 404, `Security group ${nowhere} does not exist`],
  [
    'ann',
    { port_security_enabled: false, security_groups: [nowhere] },
    400,
    'Port security must be enabled and port must have an IP address in order to use security groups.',
  ],
  [
    'ann',
    { port_security_enabled: false, allowed_address_pairs: [{ ip_address: '10.1.0.9' }] },
    409,
    'Port Security must be enabled in order to have allowed address pairs on a port.',
  ],
  ['ann', { allowed_address_pairs: [{ mac_address: 'fa:16:3e:00:00:01' }] }, 400, 'AllowedAddressPair must contain ip_address'],
  ['ann', { allowed_address_pairs: [{ ip_address: 'x' }] }, 400, "'x' is not a valid IP address"],
  [
    'ann',
    { allowed_address_pairs: [{ ip_address: '10.1.0.9' }, { ip_address: '10.1.0.9' }] },
    400,
    'Request contains duplicate address pair: mac_address None ip_address 10.1.0.9.',
  ],
  ['ann', { extra_dhcp_opts: [{ opt_name: 'mtu' }] }, 400, input("No valid key specs matched for: {'opt_name': 'mtu'}")],
  ['ann', { 'binding:vnic_type': 'bogus' }, 400, bad('binding:vnic_type', 'bogus is not in valid_values')],
  ['ann', { 'binding:host_id': 'h' }, 403, '(rule:create_port and rule:create_port:binding:host_id) is disallowed by policy'],
  ['admin', { 'binding:profile': { a: 1 } }, 403, '(rule:create_port and rule:create_port:binding:profile) is disallowed by policy'],
  ['ann', { status: 'ACTIVE' }, 400, "Attribute 'status' not allowed in POST"],
  ['ann', { numa_affinity_policy: 'x' }, 400, bad('numa_affinity_policy', 'x is not in valid_values')],
  ['ann', { dns_name: '-x' }, 400, bad('dns_name', "'-x' not a valid PQDN or FQDN. Reason: Name '-x' must not start or end with a hyphen")],
  ['ann', { tags: ['a', 'a'] }, 400, bad('tags', "Duplicate items in the list: 'a'")],
  ['ann', { name: null }, 400, bad('name', "'None' is not a valid string")],
  ['rita', {}, 403, 'rule:create_port is disallowed by policy'],
]
for (const [who, port, status, message] of refused)
  test(`${who} ${JSON.stringify(port).slice(0, 80)} → ${status}`, async () => {
    const cloud = testCloud()
    const { networkId } = await place(cloud)
    const answer = await cloud.call(who, 'POST /v2.0/ports', { port: { network_id: networkId, ...port } })
    expect([answer.status, answer.body.NeutronError.message]).toEqual([status, message])
  })

test('a port is shown with its defaults; its binding only to administrators and services', async () => {
  const cloud = testCloud()
  const { networkId, subnetId, port } = await place(cloud)
  const made = await port({ name: 'p', dns_name: 'Web' })
  const group = (await cloud.call('ann', 'GET /v2.0/security-groups?name=default')).body.security_groups[0].id
  expect(made).toMatchObject({
    name: 'p',
    network_id: networkId,
    status: 'DOWN',
    fixed_ips: [{ subnet_id: subnetId, ip_address: '10.1.0.2' }],
    security_groups: [group],
    port_security_enabled: true,
    device_id: '',
    device_owner: '',
    allowed_address_pairs: [],
    extra_dhcp_opts: [],
    'binding:vnic_type': 'normal',
    dns_name: 'web',
    dns_assignment: [{ hostname: 'web', ip_address: '10.1.0.2', fqdn: 'web.novalocal.' }],
    revision_number: 1,
  })
  expect(made.mac_address).toMatch(/^fa:16:3e(:[0-9a-f]{2}){3}$/)
  const binding = { 'binding:host_id': '', 'binding:vif_type': 'unbound', 'binding:vif_details': {}, 'binding:profile': {} }
  for (const [who, sees] of [
    ['ann', false],
    ['rita', false],
    ['nova', true],
    ['admin', true],
  ] as const) {
    const { body } = await cloud.call(who, `GET /v2.0/ports/${made.id}`)
    if (sees) expect(body.port).toMatchObject(binding)
    else expect(Object.keys(binding).filter((key) => key in body.port)).toEqual([])
  }
  expect(await cloud.outcome('bob', `GET /v2.0/ports/${made.id}`)).toBe('404 PortNotFound')
})

test('addresses are given out once, and run out', async () => {
  const cloud = testCloud()
  const { networkId, subnetId, port } = await place(cloud, {
    cidr: '10.2.0.0/29',
    allocation_pools: [{ start: '10.2.0.2', end: '10.2.0.4' }],
  })
  const ip = async (values?: Record<string, unknown>): Promise<string> => (await port(values)).fixed_ips[0].ip_address
  expect(await ip({ fixed_ips: [{ ip_address: '10.2.0.3' }] })).toBe('10.2.0.3')
  const twice = { port: { network_id: networkId, fixed_ips: [{ ip_address: '10.2.0.3' }] } }
  expect((await cloud.call('ann', 'POST /v2.0/ports', twice)).body.NeutronError).toMatchObject({
    type: 'IpAddressAlreadyAllocated',
    message: `IP address 10.2.0.3 already allocated in subnet ${subnetId}`,
  })
  expect(new Set([await ip(), await ip({ fixed_ips: [{ subnet_id: subnetId }] })])).toEqual(new Set(['10.2.0.2', '10.2.0.4']))
  expect(await cloud.outcome('ann', 'POST /v2.0/ports', { port: { network_id: networkId } })).toBe('409 IpAddressGenerationFailure')
  // Outside of the pools, but on the subnet: only for those who name it.
  expect(await ip({ fixed_ips: [{ ip_address: '10.2.0.6' }] })).toBe('10.2.0.6')
  expect((await port({ fixed_ips: [] })).fixed_ips).toEqual([])
})

test('IPv6 addresses come from the pool or from the hardware address', async () => {
  const cloud = testCloud()
  const { networkId, subnetId, port } = await place(cloud)
  const add = (cidr: string, mode: string) =>
    cloud.make('ann', 'POST /v2.0/subnets', {
      subnet: { network_id: networkId, ip_version: 6, cidr, ipv6_ra_mode: mode, ipv6_address_mode: mode },
    })
  const { id: stateful } = await add('fd00:1::/64', 'dhcpv6-stateful')
  const { id: slaac } = await add('fd00:2::/64', 'slaac')
  const made = await port({ mac_address: 'FA-16-3E-00-00-05' })
  const own = { subnet_id: slaac, ip_address: 'fd00:2::f816:3eff:fe00:5' }
  expect(made).toMatchObject({
    mac_address: 'fa:16:3e:00:00:05',
    fixed_ips: [{ subnet_id: subnetId, ip_address: '10.1.0.2' }, { subnet_id: stateful, ip_address: 'fd00:1::1' }, own],
  })
  const wrong = { port: { network_id: networkId, fixed_ips: [{ ip_address: 'fd00:2::5' }] } }
  expect(await cloud.outcome('ann', 'POST /v2.0/ports', wrong)).toBe('400 AllocationOnAutoAddressSubnet')
  const update = (values: object) => cloud.make('max', `PUT /v2.0/ports/${made.id}`, { port: values })
  expect((await update({ fixed_ips: [] })).fixed_ips).toEqual([own])
  expect((await update({ mac_address: 'fa:16:3e:00:00:06' })).fixed_ips).toEqual([{ ...own, ip_address: 'fd00:2::f816:3eff:fe00:6' }])
})

test('addresses of an update: those named stay, the rest goes, what is taken is refused', async () => {
  const cloud = testCloud()
  const { subnetId, port } = await place(cloud)
  await port({ fixed_ips: [{ ip_address: '10.1.0.9' }] })
  const { id } = await port({ fixed_ips: [{ ip_address: '10.1.0.5' }] })
  const update = async (fixed_ips: unknown) => {
    const { body } = await cloud.call('ann', `PUT /v2.0/ports/${id}`, { port: { fixed_ips } })
    return body.NeutronError?.type ?? body.port.fixed_ips.map((fixed: Json) => fixed.ip_address)
  }
  expect(await update([{ ip_address: '10.1.0.5' }, { ip_address: '10.1.0.6', subnet_id: subnetId }])).toEqual(['10.1.0.5', '10.1.0.6'])
  expect(await update([{ subnet_id: subnetId }])).toEqual(['10.1.0.5'])
  expect(await update([{ ip_address: '10.1.0.9' }])).toBe('IpAddressAlreadyAllocated')
  expect(await update([{ ip_address: '10.1.0.7' }])).toEqual(['10.1.0.7'])
})

test('a shared network: others have ports there, without choosing addresses, and the owner may look', async () => {
  const cloud = testCloud()
  const { networkId, subnetId } = await place(cloud)
  await cloud.call('admin', `PUT /v2.0/networks/${networkId}`, { network: { shared: true } })
  const make = (port: object) => cloud.call('bob', 'POST /v2.0/ports', { port: { network_id: networkId, ...port } })
  expect((await make({ fixed_ips: [{ ip_address: '10.1.0.9' }] })).body.NeutronError.message).toBe(
    '(rule:create_port and (rule:create_port:fixed_ips and (rule:create_port:fixed_ips:ip_address))) is disallowed by policy',
  )
  const { body } = await make({ fixed_ips: [{ subnet_id: subnetId }] })
  const route = `/v2.0/ports/${body.port.id}`
  expect(await cloud.outcome('ann', `GET ${route}`)).toBe('200')
  expect(await cloud.outcome('ann', `PUT ${route}`, { port: { name: 'x' } })).toBe('403 PolicyNotAuthorized')
  expect(await cloud.outcome('ann', `DELETE ${route}`)).toBe('204')
})

const securityRows: [before: Record<string, unknown>, update: object, outcome: string][] = [
  [{}, { security_groups: [] }, '200'],
  [{}, { security_groups: null }, '200'],
  [{}, { port_security_enabled: false }, '409 PortSecurityPortHasSecurityGroup'],
  [{}, { port_security_enabled: false, security_groups: [] }, '200'],
  [{ port_security_enabled: false }, { allowed_address_pairs: [{ ip_address: '1.1.1.1' }] }, '409 AddressPairAndPortSecurityRequired'],
  [{ port_security_enabled: false }, { security_groups: [nowhere] }, '400 PortSecurityAndIPRequiredForSecurityGroups'],
  [{ port_security_enabled: false }, { port_security_enabled: true, allowed_address_pairs: [{ ip_address: '1.1.1.1' }] }, '200'],
  [
    { allowed_address_pairs: [{ ip_address: '1.1.1.1' }] },
    { port_security_enabled: false, security_groups: [] },
    '409 AddressPairAndPortSecurityRequired',
  ],
  [
    { allowed_address_pairs: [{ ip_address: '1.1.1.1' }] },
    { port_security_enabled: false, security_groups: [], allowed_address_pairs: [] },
    '200',
  ],
  [{}, { network_id: nowhere }, '400 HTTPBadRequest'],
  [{}, { mac_address: 'fa:16:3e:00:00:01' }, '403 PolicyNotAuthorized'],
  [{}, { 'binding:vnic_type': 'direct' }, '200'],
]
for (const [before, update, outcome] of securityRows)
  test(`${JSON.stringify(before)} then PUT ${JSON.stringify(update)} → ${outcome}`, async () => {
    const cloud = testCloud()
    const { port } = await place(cloud)
    const { id } = await port(before)
    expect(await cloud.outcome('ann', `PUT /v2.0/ports/${id}`, { port: update })).toBe(outcome)
  })

test('DHCP options are merged by name and family, and null removes', async () => {
  const cloud = testCloud()
  const { port } = await place(cloud)
  const mtu = (opt_value: string | null) => ({ opt_name: 'mtu', opt_value })
  const made = await port({ extra_dhcp_opts: [mtu('1400'), { opt_name: 'a', opt_value: 'b', ip_version: '6' }] })
  const six = { opt_name: 'a', opt_value: 'b', ip_version: 6 }
  expect(made.extra_dhcp_opts).toEqual([{ ...mtu('1400'), ip_version: 4 }, six])
  const update = async (option: object) =>
    (await cloud.make('ann', `PUT /v2.0/ports/${made.id}`, { port: { extra_dhcp_opts: [option] } })).extra_dhcp_opts
  expect(await update(mtu('9000'))).toEqual([{ ...mtu('9000'), ip_version: 4 }, six])
  expect(await update(mtu(null))).toEqual([six])
})

test('an address pair without a hardware address has that of its port', async () => {
  const { port } = await place(testCloud())
  const made = await port({ mac_address: 'fa:16:3e:00:00:09', allowed_address_pairs: [{ ip_address: '10.9.0.0/24' }] })
  expect(made.allowed_address_pairs).toEqual([{ ip_address: '10.9.0.0/24', mac_address: 'fa:16:3e:00:00:09' }])
})

test('many at once are all made or none', async () => {
  const cloud = testCloud()
  const { networkId } = await place(cloud)
  const many = (...ips: string[]) => ({
    ports: ips.map((ip_address) => ({ network_id: networkId, name: 'many', fixed_ips: [{ ip_address }] })),
  })
  expect(await cloud.outcome('ann', 'POST /v2.0/ports', many('10.1.0.8', '10.99.0.1'))).toBe('400 InvalidIpForNetwork')
  expect(await cloud.outcome('ann', 'POST /v2.0/ports', many('10.1.0.8', '10.1.0.8'))).toBe('409 IpAddressAlreadyAllocated')
  expect(await cloud.outcome('ann', 'POST /v2.0/ports', many('10.1.0.8', '10.1.0.9'))).toBe('201')
  expect((await cloud.call('ann', 'GET /v2.0/ports?name=many')).body.ports).toHaveLength(2)
})

test('a subnet for one kind of port serves only that kind', async () => {
  const cloud = testCloud()
  const { networkId, port } = await place(cloud, { service_types: ['compute:nova'] })
  expect((await port({ device_owner: 'compute:nova' })).fixed_ips).toHaveLength(1)
  expect(await cloud.outcome('ann', 'POST /v2.0/ports', { port: { network_id: networkId } })).toBe(
    '409 IpAddressGenerationFailureNoMatchingSubnet',
  )
})

test('ports of routers and floating IPs cannot be deleted as ports', async () => {
  const cloud = testCloud()
  const { subnetId } = await place(cloud)
  const { networkId: external } = await outside(cloud)
  const router = await cloud.make('ann', 'POST /v2.0/routers', { router: { external_gateway_info: { network_id: external } } })
  await cloud.call('ann', `PUT /v2.0/routers/${router.id}/add_router_interface`, { subnet_id: subnetId })
  const fip = await cloud.make('ann', 'POST /v2.0/floatingips', { floatingip: { floating_network_id: external } })
  const owned = (await cloud.call('admin', `GET /v2.0/ports?device_id=${router.id}&device_id=${fip.id}`)).body.ports
  expect(owned.map((port: Json) => port.device_owner).sort()).toEqual([
    'network:floatingip',
    'network:router_gateway',
    'network:router_interface',
  ])
  for (const { id, device_owner } of owned)
    expect((await cloud.call('admin', `DELETE /v2.0/ports/${id}`)).body.NeutronError.message).toBe(
      `Port ${id} cannot be deleted directly via the port API: has device owner ${device_owner}.`,
    )
})
