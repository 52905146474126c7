/** Subnets of both families, from a CIDR or from a subnet pool. neutron/db/db_base_plugin_v2.py, neutron/db/ipam_backend_mixin.py */
import { repr, str } from '../../oslo/python.ts'
import { type Cidr, eui64, formatIp, formatRange, holds, overlap, parseCidr, parseIp, type Range, subtract } from './addresses.ts'
import { type Attributes, common } from './attributes.ts'
import * as checks from './checks.ts'
import type { Network, Pool, Port, Route, Subnet } from './documents.ts'
import { badRequest, fault, invalidInput, notBuilt } from './faults.ts'
import { hostRange, isAutoAddressed, poolRange, routerGateway, routerInterface } from './ipam.ts'
import { autoDeletedOwners, networks } from './networks.ts'
import { setFixedIps } from './port-lifecycle.ts'
import { find, ownedBy, type Resource } from './resource.ts'
import { isShared } from './sharing.ts'
import { changed, type Neutron, newborn, type Operation, touched } from './state.ts'
import { allocateCidr, checkPoolAffinity, poolOf } from './subnet-allocation.ts'
import { checkSubnet } from './subnet-checks.ts'

export interface SubnetValues {
  readonly project_id: string
  readonly name: string
  readonly description: string
  readonly network_id: string
  readonly ip_version: 4 | 6
  readonly cidr?: string | null
  readonly prefixlen?: number
  readonly subnetpool_id?: string | null
  readonly use_default_subnetpool?: boolean
  readonly gateway_ip?: string | null
  readonly enable_dhcp: boolean
  readonly ipv6_ra_mode?: string
  readonly ipv6_address_mode?: string
  readonly allocation_pools?: readonly Pool[]
  readonly dns_nameservers?: readonly string[]
  readonly host_routes?: readonly Route[]
  readonly service_types?: readonly string[]
}

const modes = ['dhcpv6-stateful', 'dhcpv6-stateless', 'slaac']
const ownerPrefixes = ['network:', 'compute:', 'baremetal:', 'trunk:', 'neutron:', 'manila:']

function checkServiceTypes(value: unknown): undefined {
  if (!value) return undefined
  if (!Array.isArray(value)) throw badRequest('Subnet service types must be a list.')
  for (const type of value) {
    if (typeof type !== 'string') throw fault('InvalidInputSubnetServiceType', str(type))
    if (!ownerPrefixes.some((prefix) => type.startsWith(prefix))) throw fault('InvalidSubnetServiceType', type)
  }
  return undefined
}

const networkOf = (subnet: Subnet, { neutron }: Operation): Network => neutron.store.networks.get(subnet.network_id)!

const listed = { filter: true, sort: true } as const
const attributes: Attributes<Subnet> = {
  ...common,
  ip_version: { post: true, convert: checks.toInteger, check: checks.oneOf([4, 6]), ...listed },
  network_id: { post: true, check: checks.uuid, ...listed },
  subnetpool_id: {
    post: true,
    default: undefined,
    check: (value) => (value === null || value === 'prefix_delegation' ? undefined : checks.uuid(value)),
    ...listed,
  },
  use_default_subnetpool: { post: true, default: false, convert: checks.toBoolean, show: false },
  prefixlen: { post: true, default: undefined, convert: checks.toInteger, check: checks.nonNegative, show: false },
  cidr: { post: true, default: undefined, convert: (value) => (value === null ? null : checks.toCanonicalCidr(value)), ...listed },
  gateway_ip: {
    post: true,
    put: true,
    default: undefined,
    convert: checks.toCanonicalIp,
    check: checks.orNull(checks.ipAddress),
    ...listed,
  },
  allocation_pools: { post: true, put: true, default: undefined, convert: checks.toCanonicalPools, check: checks.ipPools },
  dns_nameservers: { post: true, put: true, default: undefined, convert: checks.nullToList, check: checks.nameservers },
  host_routes: { post: true, put: true, default: undefined, convert: checks.nullToList, check: checks.hostRoutes },
  enable_dhcp: { post: true, put: true, default: true, convert: checks.toBoolean, ...listed },
  ipv6_ra_mode: { post: true, default: undefined, check: checks.oneOf(modes), ...listed },
  ipv6_address_mode: { post: true, default: undefined, check: checks.oneOf(modes), ...listed },
  service_types: { post: true, put: true, default: undefined, check: checkServiceTypes },
  'router:external': { filter: true, convert: checks.toBoolean, show: (subnet, operation) => networkOf(subnet, operation).external },
  shared: {
    show: false,
    filter: (values, { neutron, caller }) => {
      const wanted = values.map((value) => checks.toBoolean(value))
      return (subnet) => wanted.includes(isShared(neutron, 'network', subnet.network_id, caller.projectId))
    },
  },
  tags: {},
}

export const subnets: Resource<Subnet, SubnetValues> = {
  name: 'subnet',
  collection: 'subnets',
  path: 'subnets',
  attributes,
  table: (store) => store.subnets,
  missing: (id) => fault('SubnetNotFound', id),
  visible: (subnet, operation) => ownedBy(subnet, operation) || networks.visible(networkOf(subnet, operation), operation),
  target: (subnet, operation) => ({ ...subnet, 'router:external': networkOf(subnet, operation).external }),
  indexed: ['network_id'],
  beforeCreate: (values, operation) => void find(networks, values.network_id, operation),
  used: (store, projectId) => store.subnets.by('project_id', projectId).length,
  create: createSubnet,
  update: updateSubnet,
  remove: (subnet, { neutron }) => deleteSubnet(neutron, subnet),
}

export function createSubnet(values: SubnetValues, operation: Operation): Subnet {
  const { neutron } = operation
  if (values.cidr && values.prefixlen !== undefined)
    throw fault('BadRequest', 'subnets', 'cidr and prefixlen must not be supplied together')
  if (values.subnetpool_id === 'prefix_delegation') throw notBuilt('IPv6 prefix delegation')
  const pool = poolOf(values, operation)
  if (!pool && !values.cidr) throw fault('BadRequest', 'subnets', 'a subnetpool must be specified in the absence of a cidr')
  if (pool && !values.cidr && values.allocation_pools)
    throw fault('BadRequest', 'subnets', 'allocation_pools allowed only for specific subnet requests.')
  checkSubnet(neutron, values)
  const network = find(networks, values.network_id, operation)
  checkMtu(network, values.ip_version)
  const cidr = pool ? allocateCidr(neutron, pool, values) : parseCidr(values.cidr)!
  const gateway_ip = values.gateway_ip === undefined ? firstGateway(cidr) : values.gateway_ip
  const pools = values.allocation_pools ? checkedPools(values.allocation_pools, cidr) : defaultPools(cidr, gateway_ip)
  if (values.allocation_pools) refuseGatewayInPools(gateway_ip, pools)
  if (cidr.prefixlen === 0) throw invalidInput('0 is not allowed as CIDR prefix length')
  checkOverlap(neutron, network, cidr)
  checkPoolAffinity(neutron, network, values.ip_version, pool)
  const subnet: Subnet = {
    ...newborn(neutron, values),
    name: values.name,
    network_id: network.id,
    ip_version: values.ip_version,
    cidr: `${formatIp(cidr.version, cidr.first)}/${cidr.prefixlen}`,
    subnetpool_id: pool?.id ?? null,
    gateway_ip,
    enable_dhcp: values.enable_dhcp,
    ipv6_ra_mode: values.ipv6_ra_mode ?? null,
    ipv6_address_mode: values.ipv6_address_mode ?? null,
    allocation_pools: pools.map(asPool),
    dns_nameservers: values.dns_nameservers ?? [],
    host_routes: values.host_routes ?? [],
    service_types: values.service_types ?? [],
  }
  neutron.store.subnets.put(subnet)
  neutron.store.networks.put(touched(neutron, network))
  if (isAutoAddressed(subnet)) addressPorts(neutron, subnet)
  return subnet
}

function checkMtu({ id, mtu }: Network, version: 4 | 6): void {
  const least = version === 6 ? 1280 : 68
  if (mtu < least) throw fault('NetworkMTUSubnetConflict', id, least)
}

/** The first host of an IPv4 network; the routers' anycast address of an IPv6 one. neutron/db/ipam_backend_mixin.py _gateway_ip_str */
function firstGateway(cidr: Cidr): string {
  if (cidr.version === 6) return formatIp(6, cidr.first)
  const gateway = formatIp(4, cidr.first + 1n)
  if (cidr.prefixlen === 31) throw fault('IpamValueInvalid', gateway, `${formatIp(4, cidr.first)}/31`)
  return gateway
}

const asPool = (range: Range): Pool => ({ start: formatIp(range.version, range.first), end: formatIp(range.version, range.last) })

function defaultPools(cidr: Cidr, gateway: string | null): Range[] {
  const ip = gateway ? parseIp(gateway)! : undefined
  return subtract([hostRange(cidr)], ip && cidr.first !== cidr.last ? [{ version: ip.version, first: ip.value, last: ip.value }] : [])
}

function checkedPools(pools: readonly Pool[], cidr: Cidr): Range[] {
  const ranges = pools.map((pool) => {
    const range = poolRange(pool)
    if (parseIp(pool.end)!.version !== range.version || range.last < range.first) throw fault('InvalidAllocationPool', repr(pool))
    return range
  })
  const host = hostRange(cidr)
  for (const range of ranges) {
    if (range.version !== cidr.version) throw fault('InvalidAllocationPool', formatRange(range))
    if (range.first < host.first || range.last > host.last)
      throw fault('OutOfBoundsAllocationPool', formatRange(range), `${formatIp(cidr.version, cidr.first)}/${cidr.prefixlen}`)
  }
  for (const [i, left] of ranges.entries())
    for (const right of ranges.slice(i + 1))
      if (overlap(left, right))
        throw fault(
          'OverlappingAllocationPools',
          formatRange(left),
          formatRange(right),
          `${formatIp(cidr.version, cidr.first)}/${cidr.prefixlen}`,
        )
  return ranges
}

function refuseGatewayInPools(gateway: string | null, pools: readonly Range[]): void {
  const ip = gateway ? parseIp(gateway) : undefined
  const pool = ip && pools.find((range) => holds(range, ip))
  if (pool) throw fault('GatewayConflictWithAllocationPools', gateway!, formatRange(pool))
}

function checkOverlap(neutron: Neutron, network: Network, cidr: Cidr): void {
  for (const other of neutron.store.subnets.by('network_id', network.id))
    if (overlap(parseCidr(other.cidr)!, cidr)) {
      const text = `${formatIp(cidr.version, cidr.first)}/${cidr.prefixlen}`
      throw invalidInput(`Requested subnet with cidr: ${text} for network: ${network.id} overlaps with another subnet`)
    }
}

/** Ports that are already there get an address on a new subnet whose hosts make their own. */
function addressPorts(neutron: Neutron, subnet: Subnet): void {
  const prefix = parseCidr(subnet.cidr)!
  for (const port of neutron.store.ports.by('network_id', subnet.network_id))
    if (port.device_owner !== routerInterface && port.device_owner !== routerGateway)
      setFixedIps(neutron, port, [...port.fixed_ips, { subnet_id: subnet.id, ip_address: eui64(prefix, port.mac_address) }])
}

function updateSubnet(subnet: Subnet, values: Partial<SubnetValues>, { neutron }: Operation): Subnet {
  const cidr = parseCidr(subnet.cidr)!
  checkSubnet(neutron, { ...values, ip_version: subnet.ip_version, cidr: subnet.cidr }, subnet)
  const pools = values.allocation_pools ? checkedPools(values.allocation_pools, cidr) : subnet.allocation_pools.map(poolRange)
  const gateway_ip = values.gateway_ip === undefined ? subnet.gateway_ip : values.gateway_ip
  if (gateway_ip !== subnet.gateway_ip || values.allocation_pools) refuseGatewayInPools(gateway_ip, pools)
  const after = changed(neutron, subnet, { ...(values as Partial<Subnet>), gateway_ip, allocation_pools: pools.map(asPool) })
  return after === subnet ? subnet : neutron.store.subnets.put(after)
}

/** Refused while ports have addresses there, except those that serve the network or make their own address. */
function deleteSubnet(neutron: Neutron, subnet: Subnet): void {
  const isOn = (port: Port) => port.fixed_ips.some(({ subnet_id }) => subnet_id === subnet.id)
  const ports = neutron.store.ports.by('network_id', subnet.network_id).filter(isOn)
  const keeps = (port: Port) => {
    if (port.device_owner === routerInterface) return true
    return !isAutoAddressed(subnet) && !autoDeletedOwners.includes(port.device_owner)
  }
  if (ports.some(keeps)) throw fault('SubnetInUse', subnet.id, 'One or more ports have an IP allocation from this subnet')
  for (const port of ports)
    setFixedIps(
      neutron,
      port,
      port.fixed_ips.filter(({ subnet_id }) => subnet_id !== subnet.id),
    )
  neutron.store.subnets.remove(subnet.id)
  neutron.store.networks.put(touched(neutron, neutron.store.networks.get(subnet.network_id)!))
}
