import { expect, test } from 'vitest'
import { readNetworkInfo } from '../../stores/objects/network-info.ts'
import { parseCidr } from './cidr.ts'
import { injectedNetwork, isOwnTemplate } from './injected-network.ts'
import { networkData } from './network-data.ts'

type Parts = Record<string, unknown>
const ip = (address: string, version: number) => ({ address, version, type: 'fixed' })
const v4 = (more: Parts = {}): Parts => ({
  cidr: '10.77.0.0/20',
  version: 4,
  gateway: ip('10.77.0.1', 4),
  dns: [ip('9.9.9.9', 4)],
  ips: [ip('10.77.0.18', 4)],
  routes: [],
  meta: {},
  ...more,
})
const v6 = (more: Parts = {}): Parts => ({
  cidr: 'fd77::/64',
  version: 6,
  gateway: ip('fd77::1', 6),
  dns: [ip('fd77::53', 6)],
  ips: [ip('fd77::2c4', 6)],
  routes: [],
  meta: {},
  ...more,
})
const vif = (subnets: Parts[], { meta = { mtu: 1450 }, ...more }: Parts = {}): Parts => ({
  id: 'p1',
  address: 'fa:16:3e:00:00:01',
  type: 'ovs',
  devname: 'tap1',
  network: { id: 'n1', label: 'net', subnets, meta },
  ...more,
})
const read = (...vifs: Parts[]) => readNetworkInfo(JSON.stringify(vifs))
const data = (...vifs: Parts[]) => networkData(read(...vifs))

test('without interfaces there is none; interfaces without addresses are left out', () => {
  expect(data()).toBeNull()
  expect(data(vif([]), { ...vif([]), network: null })).toEqual({ links: [], networks: [], services: [] })
})

const links: [name: string, vif: Parts, link: Parts][] = [
  ['a type that guests know', vif([v4()]), { id: 'tap1', vif_id: 'p1', type: 'ovs', mtu: 1450, ethernet_mac_address: 'fa:16:3e:00:00:01' }],
  ['another type', vif([v4()], { type: 'macvtap' }), { type: 'phy' }],
  ['no type', vif([v4()], { type: null }), { type: 'phy' }],
  ['no device name', vif([v4()], { devname: null }), { id: 'interface0' }],
  ['no MTU', vif([v4()], { meta: {} }), { mtu: null }],
  ['DHCP, which tells the MTU', vif([v4({ meta: { dhcp_server: '10.77.0.2' } })]), { mtu: null }],
]
for (const [name, interfaces, link] of links) test(`a link with ${name}`, () => expect(data(interfaces)!.links[0]).toMatchObject(link))

const any4 = { network: '0.0.0.0', netmask: '0.0.0.0', gateway: '10.77.0.1' }
const route = { cidr: '192.168.5.0/24', gateway: ip('10.77.0.9', 4) }
const route6 = { cidr: 'fd99:0:0:1::/64', gateway: ip('fd77::9', 6) }
const networks: [name: string, subnets: Parts[], expected: Parts[]][] = [
  [
    'version 4',
    [v4({ routes: [route] })],
    [
      {
        id: 'network0',
        type: 'ipv4',
        link: 'tap1',
        ip_address: '10.77.0.18',
        netmask: '255.255.240.0',
        routes: [any4, { network: '192.168.5.0', netmask: '255.255.255.0', gateway: '10.77.0.9' }],
        network_id: 'n1',
        services: [{ type: 'dns', address: '9.9.9.9' }],
      },
    ],
  ],
  [
    'version 6',
    [v6({ routes: [route6] })],
    [
      {
        id: 'network0',
        type: 'ipv6',
        link: 'tap1',
        ip_address: 'fd77::2c4',
        netmask: 'ffff:ffff:ffff:ffff::',
        routes: [
          { network: '::', netmask: '::', gateway: 'fd77::1' },
          { network: 'fd99:0:0:1::', netmask: 'ffff:ffff:ffff:ffff::', gateway: 'fd77::9' },
        ],
        network_id: 'n1',
        services: [{ type: 'dns', address: 'fd77::53' }],
      },
    ],
  ],
  ['no gateway', [v4({ gateway: { address: null } })], [{ routes: [] }]],
  ['DHCP', [v4({ meta: { enable_dhcp: true } })], [{ id: 'network0', type: 'ipv4_dhcp', link: 'tap1', network_id: 'n1' }]],
  ['a DHCP server', [v6({ meta: { dhcp_server: 'fd77::2' } })], [{ id: 'network0', type: 'ipv6_dhcp', link: 'tap1', network_id: 'n1' }]],
  ['DHCP that is off', [v4({ meta: { enable_dhcp: false } })], [{ type: 'ipv4' }]],
  [
    'an address mode, DHCP or not',
    [v6({ meta: { enable_dhcp: true, ipv6_address_mode: 'slaac' } })],
    [{ type: 'ipv6_slaac', ip_address: 'fd77::2c4' }],
  ],
  [
    'both versions, 4 first',
    [v6(), v4()],
    [
      { id: 'network0', type: 'ipv4' },
      { id: 'network1', type: 'ipv6' },
    ],
  ],
  ['two subnets of a version, of which one counts', [v4(), v4({ cidr: '10.78.0.0/24' })], [{ netmask: '255.255.240.0' }]],
  ['no addresses', [v4({ ips: [] })], []],
  ['a subnet that does not tell its version', [v4({ version: undefined })], [{ type: 'ipv4' }]],
]
for (const [name, subnets, expected] of networks)
  test(`networks with ${name}`, () => {
    const found = data(vif(subnets))!.networks
    expect(found).toHaveLength(expected.length)
    for (const [i, each] of expected.entries()) expect(found[i]).toMatchObject(each)
  })

test('a DHCP network says nothing more', () => {
  expect(Object.keys(data(vif([v4({ meta: { enable_dhcp: true } })]))!.networks[0]!)).toEqual(['id', 'type', 'link', 'network_id'])
})

test('services are told once', () => {
  const { services } = data(vif([v4(), v6()]), vif([v4({ dns: [ip('9.9.9.9', 4), ip('1.1.1.1', 4)] })]))!
  expect(services.map(({ address }) => address)).toEqual(['9.9.9.9', 'fd77::53', '1.1.1.1'])
})

const cidrs: [cidr: string, network: string, netmask: string, broadcast: string, prefix: number][] = [
  ['10.1.2.3/24', '10.1.2.0', '255.255.255.0', '10.1.2.255', 24],
  ['0.0.0.0/0', '0.0.0.0', '0.0.0.0', '255.255.255.255', 0],
  ['192.0.2.1', '192.0.2.1', '255.255.255.255', '192.0.2.1', 32],
  ['fd00::1:0:0:5/96', 'fd00::1:0:0:0', 'ffff:ffff:ffff:ffff:ffff:ffff::', 'fd00::1:0:ffff:ffff', 96],
  ['::/0', '::', '::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 0],
  ['FD00:0:0:0:1::/80', 'fd00::1:0:0:0', 'ffff:ffff:ffff:ffff:ffff::', 'fd00::1:ffff:ffff:ffff', 80],
]
for (const [cidr, network, netmask, broadcast, prefix] of cidrs)
  test(`the network of ${cidr}`, () => expect(parseCidr(cidr)).toMatchObject({ network, netmask, broadcast, prefix }))

const heading = `# Injected by Nova on instance boot
#
# This file describes the network interfaces available on your system
# and how to activate them. For more information, see interfaces(5).

# The loopback network interface
auto lo
iface lo inet loopback
`
const block4 = `iface eth0 inet static
    hwaddress ether fa:16:3e:00:00:01
    address 10.77.0.18
    netmask 255.255.240.0
    broadcast 10.77.15.255
    gateway 10.77.0.1
    dns-nameservers 9.9.9.9
`
const block6 = `iface eth0 inet6 static
    hwaddress ether fa:16:3e:00:00:01
    address fd77::2c4
    netmask 64
    gateway fd77::1
    dns-nameservers fd77::53
`
const injected = { meta: { injected: true } }
const files: [name: string, vifs: Parts[], text: string | null][] = [
  ['none is injected', [vif([v4()])], null],
  ['one is', [vif([v4()], injected)], `${heading}\nauto eth0\n${block4}`],
  ['both versions', [vif([v6(), v4()], injected)], `${heading}\nauto eth0\n${block4}${block6}`],
  [
    'one of two is, and keeps its number',
    [vif([v4()]), vif([v4({ gateway: null, dns: [] })], injected)],
    `${heading}\nauto eth1\n${block4.replaceAll('eth0', 'eth1').replace(/ {4}(gateway|dns).*\n/g, '')}`,
  ],
  ['it has DHCP', [vif([v4({ meta: { dhcp_server: '10.77.0.2' } })], injected)], null],
  ['it has no addresses', [vif([v4({ ips: [] })], injected)], `${heading}\nauto eth0\n`],
]
for (const [name, vifs, text] of files)
  test(`the injected configuration when ${name}`, () => expect(injectedNetwork(read(...vifs))).toBe(text))

test('Nova’s own template is known wherever it lies', () => {
  for (const [template, own] of [
    ['nova/virt/interfaces.template', true],
    ['/usr/lib/python3/dist-packages/nova/virt/interfaces.template', true],
    ['/etc/nova/interfaces.template', false],
    ['', false],
  ] as const)
    expect([template, isOwnTemplate(template)]).toEqual([template, own])
})
