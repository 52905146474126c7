/** What a subnet may be: the checks that are alike for making and changing one. neutron/db/db_base_plugin_v2.py _validate_subnet */
import { type Cidr, formatIp, holds, parseCidr, parseIp } from './addresses.ts'
import { isLoopback } from './checks.ts'
import type { Route, Subnet } from './documents.ts'
import { fault, invalidInput } from './faults.ts'
import { routerInterface } from './ipam.ts'
import type { Neutron } from './state.ts'

const mostNameservers = 5
const mostHostRoutes = 20

/** The parts of a subnet that were sent, or will hold. */
export interface CheckedSubnet {
  readonly ip_version: 4 | 6
  readonly cidr?: string | null
  readonly enable_dhcp?: boolean
  readonly gateway_ip?: string | null
  readonly dns_nameservers?: readonly string[]
  readonly host_routes?: readonly Route[]
  readonly ipv6_ra_mode?: string
  readonly ipv6_address_mode?: string
}

/** Throws what is wrong with it; `before` is the subnet that is to be changed. */
export function checkSubnet(neutron: Neutron, wanted: CheckedSubnet, before?: Subnet): void {
  const cidr = wanted.cidr ? parseCidr(wanted.cidr) : undefined
  if (cidr) {
    checkVersion(wanted.ip_version, wanted.cidr!, 'cidr')
    if (cidr.version === 6 && cidr.first === 0n) throw invalidInput("IPv6 subnet '::' is not supported")
    if (wanted.enable_dhcp && !before?.enable_dhcp) checkDhcp(cidr)
  }
  checkGateway(neutron, wanted, cidr, before)
  checkNameservers(wanted, before)
  checkHostRoutes(wanted, before)
  if (wanted.ip_version === 4) refuseIpv6Modes(wanted)
  else if (before) checkModesKeepDhcp(wanted, before)
  else checkIpv6Modes(wanted, cidr)
}

/** Throws unless the address or network is of that family. */
export function checkVersion(version: 4 | 6, address: string, name: string): void {
  if (parseCidr(address)?.version !== version) throw invalidInput(`${name} '${address}' does not match the ip_version '${version}'`)
}

function checkDhcp(cidr: Cidr): void {
  if (cidr.prefixlen > (cidr.version === 4 ? 30 : 126))
    throw invalidInput('Subnet has a prefix length that is incompatible with DHCP service enabled')
  const multicast = cidr.version === 4 ? cidr.first >> 28n === 0b1110n : cidr.first >> 120n === 0xffn
  if (multicast) throw invalidInput('Multicast IP subnet is not supported if enable_dhcp is True')
  if (isLoopback(cidr)) throw invalidInput('Loopback IP subnet is not supported if enable_dhcp is True')
  // Two dots at the end, as Neutron has them.
  if (cidr.version === 4 && cidr.first === 0n) throw invalidInput("First IP '0.0.0.0' of network is not supported if enable_dhcp is True.")
}

function checkGateway(neutron: Neutron, { ip_version, gateway_ip }: CheckedSubnet, cidr: Cidr | undefined, before?: Subnet): void {
  if (gateway_ip === undefined) return
  if (gateway_ip) {
    checkVersion(ip_version, gateway_ip, 'gateway_ip')
    const ip = parseIp(gateway_ip)!
    if (cidr?.version === 4 && holds(cidr, ip) && (ip.value === cidr.first || ip.value === cidr.last))
      throw invalidInput('Gateway is not valid on subnet')
  }
  if (!before?.gateway_ip || before.gateway_ip === gateway_ip) return
  const user = neutron.store.ports
    .by('network_id', before.network_id)
    .find((port) => port.device_owner === routerInterface && port.fixed_ips.some(({ ip_address }) => ip_address === before.gateway_ip))
  if (user) throw fault('GatewayIpInUse', before.gateway_ip, user.id)
}

function checkNameservers({ ip_version, dns_nameservers = [] }: CheckedSubnet, before?: Subnet): void {
  if (dns_nameservers.length > mostNameservers) throw fault('DNSNameServersExhausted', before?.id ?? 'new subnet', mostNameservers)
  for (const server of dns_nameservers) checkVersion(ip_version, server, 'dns_nameserver')
}

function checkHostRoutes({ ip_version, host_routes = [] }: CheckedSubnet, before?: Subnet): void {
  if (host_routes.length > mostHostRoutes) throw fault('HostRoutesExhausted', before?.id ?? 'new subnet', mostHostRoutes)
  for (const { destination, nexthop } of host_routes) {
    checkVersion(ip_version, nexthop, 'nexthop')
    checkVersion(ip_version, destination, 'destination')
  }
}

function refuseIpv6Modes(wanted: CheckedSubnet): void {
  for (const mode of ['ipv6_ra_mode', 'ipv6_address_mode'] as const)
    if (wanted[mode]) throw invalidInput(`${mode} is not valid when ip_version is 4`)
}

function checkIpv6Modes({ ipv6_ra_mode: ra, ipv6_address_mode: mode, enable_dhcp }: CheckedSubnet, cidr: Cidr | undefined): void {
  if ((ra || mode) && !enable_dhcp) throw invalidInput('ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False')
  if (ra && mode && ra !== mode)
    throw invalidInput(
      `ipv6_ra_mode set to '${ra}' with ipv6_address_mode set to '${mode}' is not valid. If both attributes are set, they must be the same value`,
    )
  const auto = [ra, mode].some((one) => one === 'slaac' || one === 'dhcpv6-stateless')
  if (cidr && auto && cidr.prefixlen !== 64)
    throw invalidInput(
      `Invalid CIDR ${formatIp(6, cidr.first)}/${cidr.prefixlen} for IPv6 address mode. OpenStack uses the EUI-64 address format, which requires the prefix to be /64`,
    )
}

function checkModesKeepDhcp({ enable_dhcp }: CheckedSubnet, before: Subnet): void {
  if (enable_dhcp === false && (before.ipv6_ra_mode || before.ipv6_address_mode))
    throw invalidInput('Cannot disable enable_dhcp with ipv6 attributes set')
}
