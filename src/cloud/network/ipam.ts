/** Which addresses ports get. neutron/db/ipam_pluggable_backend.py, neutron/db/ipam_backend_mixin.py, neutron/ipam/utils.py */
import { type Cidr, eui64, formatIp, holds, type Ip, parseCidr, parseIp, type Range } from './addresses.ts'
import type { FixedIp, Port, Subnet } from './documents.ts'
import { fault, invalidInput } from './faults.ts'
import type { Neutron } from './state.ts'

/** A fixed IP as a caller asks for it: an address, a subnet, or both. */
export interface WantedIp {
  readonly subnet_id?: string
  readonly ip_address?: string
}

/** What the addresses of a port depend on. */
export interface Addressee {
  readonly network_id: string
  readonly device_owner: string
  readonly mac_address: string
}

export const routerInterface = 'network:router_interface'
export const routerGateway = 'network:router_gateway'
export const floatingOwner = 'network:floatingip'
/** Owners that take part in IPv6 routing and so get no addresses of their own making. */
const routerOwners: readonly string[] = [routerInterface, routerGateway]

export const poolRange = ({ start, end }: { start: string; end: string }): Range => {
  const first = parseIp(start)!
  return { version: first.version, first: first.value, last: parseIp(end)!.value }
}

/** Hosts of the subnet make their own IPv6 address from their MAC. neutron/common/ipv6_utils.py is_auto_address_subnet */
export const isAutoAddressed = ({
  ipv6_address_mode: mode,
  ipv6_ra_mode: ra,
}: Pick<Subnet, 'ipv6_address_mode' | 'ipv6_ra_mode'>): boolean => [mode, ra].some((one) => one === 'slaac' || one === 'dhcpv6-stateless')

/** The addresses of a new port. Without `wanted`: one of IPv4 and one of stateful IPv6, where the network has them; always those that hosts make themselves. */
export function allocate(neutron: Neutron, port: Addressee, wanted: readonly WantedIp[] | undefined): FixedIp[] {
  const subnets = subnetsFor(neutron, port)
  const taken = takenOn(neutron, port.network_id)
  const fixed = wanted ? wanted.map((one) => placed(neutron, port, one, subnets)).filter((one) => one !== undefined) : []
  const given = fixed.map((one) => take(port, [one.subnet], one.ip_address, taken))
  const chosen = wanted ? [] : freely(port, subnets, taken)
  const own = selfMade(port, subnets, []).map((one) => claim(one, taken))
  return [...given, ...chosen, ...own]
}

/** The addresses of a port after an update that names them; those that stay are kept. */
export function reallocate(neutron: Neutron, port: Port, wanted: readonly WantedIp[]): FixedIp[] {
  const subnets = subnetsFor(neutron, port)
  const taken = takenOn(neutron, port.network_id, port.id)
  const left = [...port.fixed_ips]
  const keep = (matches: (one: FixedIp) => boolean): FixedIp | undefined => {
    const at = left.findIndex(matches)
    return at < 0 ? undefined : left.splice(at, 1)[0]
  }
  const stays = new Map<WantedIp, FixedIp>()
  for (const one of wanted) {
    const kept = one.ip_address === undefined ? undefined : keep(({ ip_address }) => ip_address === one.ip_address)
    if (kept) stays.set(one, kept)
  }
  for (const one of wanted) {
    const kept = one.ip_address !== undefined ? undefined : keep(({ subnet_id }) => subnet_id === one.subnet_id)
    if (kept) stays.set(one, kept)
  }
  // Addresses that hosts make themselves leave only with their subnet.
  const sticky = left.filter(
    ({ subnet_id }) => !routerOwners.includes(port.device_owner) && isAutoAddressed(neutron.store.subnets.get(subnet_id)!),
  )
  for (const { ip_address, subnet_id } of [...stays.values(), ...sticky]) taken.set(ip_address, subnet_id)
  const ips = wanted.flatMap((one) => {
    const kept = stays.get(one)
    if (kept) return [kept]
    const place = placed(neutron, port, one, subnets)
    return place ? [take(port, [place.subnet], place.ip_address, taken)] : []
  })
  const handled = [...ips, ...sticky].map(({ subnet_id }) => subnet_id)
  return [...ips, ...sticky, ...selfMade(port, subnets, handled).map((one) => claim(one, taken))]
}

/** After a new MAC: addresses made from the old one are made again. */
export function remade(neutron: Neutron, port: Port): FixedIp[] {
  return port.fixed_ips.map((fixed) => {
    const subnet = neutron.store.subnets.get(fixed.subnet_id)!
    const made = isAutoAddressed(subnet) && !routerOwners.includes(port.device_owner)
    return made ? { ...fixed, ip_address: eui64(parseCidr(subnet.cidr)!, port.mac_address) } : fixed
  })
}

/** The subnets that serve a kind of port: those for its owner if there are any, those for all otherwise (service types). */
function subnetsFor(neutron: Neutron, { network_id, device_owner }: Addressee): readonly Subnet[] {
  const all = neutron.store.subnets.by('network_id', network_id)
  const own = all.filter(({ service_types }) => service_types.some((type) => type === device_owner))
  const open = all.filter(({ service_types }) => service_types.length === 0)
  if (all.length > 0 && own.length === 0 && open.length === 0)
    throw fault('IpAddressGenerationFailureNoMatchingSubnet', network_id, device_owner)
  return own.length > 0 ? own : open
}

/** Addresses that are given out, and the subnets they are of. */
type Taken = Map<string, string>

function takenOn(neutron: Neutron, networkId: string, exceptPort?: string): Taken {
  const taken: Taken = new Map()
  for (const port of neutron.store.ports.by('network_id', networkId))
    if (port.id !== exceptPort) for (const { ip_address, subnet_id } of port.fixed_ips) taken.set(ip_address, subnet_id)
  return taken
}

/** The subnet an asked-for address belongs to; undefined where the port makes its own address there. */
function placed(
  neutron: Neutron,
  port: Addressee,
  wanted: WantedIp,
  subnets: readonly Subnet[],
): { subnet: Subnet; ip_address: string | undefined } | undefined {
  const subnet = subnetFor(neutron, port, wanted, subnets)
  if (!isAutoAddressed(subnet) || routerOwners.includes(port.device_owner)) return { subnet, ip_address: wanted.ip_address }
  if (wanted.ip_address !== undefined && wanted.ip_address !== eui64(parseCidr(subnet.cidr)!, port.mac_address))
    throw fault('AllocationOnAutoAddressSubnet', wanted.ip_address, subnet.id)
  return undefined
}

function subnetFor(neutron: Neutron, port: Addressee, { subnet_id, ip_address }: WantedIp, subnets: readonly Subnet[]): Subnet {
  if (subnets.length === 0) throw invalidInput('IP allocation requires subnets for network')
  if (subnet_id !== undefined) {
    const subnet = subnets.find(({ id }) => id === subnet_id)
    if (!subnet) {
      if (!neutron.store.subnets.get(subnet_id)) throw fault('SubnetNotFound', subnet_id)
      throw invalidInput(`Failed to create port on network ${port.network_id}, because fixed_ips included invalid subnet ${subnet_id}`)
    }
    if (ip_address !== undefined && !isOn(subnet, ip_address, port.device_owner)) throw fault('InvalidIpForSubnet', ip_address)
    return subnet
  }
  if (ip_address === undefined) throw invalidInput('IP allocation requires subnet_id or ip_address')
  const subnet = subnets.find((one) => isOn(one, ip_address, port.device_owner))
  if (!subnet) throw fault('InvalidIpForNetwork', ip_address)
  return subnet
}

/** Not the network or broadcast address in IPv4, nor the router's anycast address in IPv6 for others than routers. */
function isOn(subnet: Subnet, address: string, owner: string): boolean {
  const cidr = parseCidr(subnet.cidr)!
  const ip = parseIp(address)
  if (!ip || !holds(cidr, ip)) return false
  if (cidr.version === 4) return ip.value !== cidr.first && ip.value !== cidr.last
  return ip.value !== cidr.first || owner === '' || routerOwners.includes(owner)
}

/** One address of the first subnet that has one, or the address asked for. */
function take(port: Addressee, subnets: readonly Subnet[], address: string | undefined, taken: Taken): FixedIp {
  if (address !== undefined) return claim({ subnet_id: subnets[0]!.id, ip_address: address }, taken)
  for (const subnet of subnets) {
    const ip_address = firstFree(subnet, taken)
    if (ip_address) return claim({ subnet_id: subnet.id, ip_address }, taken)
  }
  throw fault('IpAddressGenerationFailure', port.network_id)
}

function claim(fixed: FixedIp, taken: Taken): FixedIp {
  if (taken.has(fixed.ip_address)) throw fault('IpAddressAlreadyAllocated', fixed.ip_address, fixed.subnet_id)
  taken.set(fixed.ip_address, fixed.subnet_id)
  return fixed
}

/**
 * A free address of the pools. The search starts behind as many as the pool has given out, so that a full subnet is not walked through for
 * each port. Neutron picks at random from a window; neither promises an order.
 */
function firstFree({ id, allocation_pools }: Subnet, taken: Taken): string | undefined {
  let given = 0n
  for (const subnetId of taken.values()) if (subnetId === id) given++
  for (const pool of allocation_pools) {
    const { version, first, last } = poolRange(pool)
    const size = last - first + 1n
    for (let step = 0n; step < size; step++) {
      const address = formatIp(version, first + ((given + step) % size))
      if (!taken.has(address)) return address
    }
  }
  return undefined
}

function freely(port: Addressee, subnets: readonly Subnet[], taken: Taken): FixedIp[] {
  const families = [
    subnets.filter(({ ip_version }) => ip_version === 4),
    subnets.filter((subnet) => subnet.ip_version === 6 && !isAutoAddressed(subnet)),
  ]
  return families.filter((family) => family.length > 0).map((family) => take(port, family, undefined, taken))
}

function selfMade({ device_owner, mac_address }: Addressee, subnets: readonly Subnet[], except: readonly string[]): FixedIp[] {
  if (routerOwners.includes(device_owner)) return []
  return subnets
    .filter((subnet) => isAutoAddressed(subnet) && !except.includes(subnet.id))
    .map((subnet) => ({ subnet_id: subnet.id, ip_address: eui64(parseCidr(subnet.cidr)!, mac_address) }))
}

/** Whether an address lies in the pools from which ports are served. */
export const inPools = ({ allocation_pools }: Subnet, ip: Ip): boolean => allocation_pools.some((pool) => holds(poolRange(pool), ip))

/** The addresses of a network that ports may have, as default pools: all but the network's, the broadcast and the gateway's. */
export function hostRange({ version, prefixlen, first, last }: Cidr): Range {
  if (first === last) return { version, first, last }
  if (version === 6) return { version, first: first + 1n, last }
  return prefixlen <= 30 ? { version, first: first + 1n, last: last - 1n } : { version, first, last }
}
