/** How many addresses networks have and use. neutron/db/network_ip_availability_db.py */
import { parseCidr, parseIp } from './addresses.ts'
import type { Attributes } from './attributes.ts'
import type { Network, Subnet } from './documents.ts'
import { fault } from './faults.ts'
import { hostRange, inPools, poolRange } from './ipam.ts'
import { networks } from './networks.ts'
import type { Resource } from './resource.ts'
import type { Neutron, Operation } from './state.ts'

interface Counts {
  readonly total_ips_in_subnet: bigint
  readonly total_ips_in_allocation_pool: bigint
  readonly used_ips_in_subnet: bigint
  readonly used_ips_in_allocation_pool: bigint
}
type Count = keyof Counts

/** A whole number of any size in JSON: an IPv6 network has more addresses than a number of this language counts. */
const exactly = (count: bigint): unknown => (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(count))
const shown = (counts: Counts): Record<string, unknown> =>
  Object.fromEntries(Object.entries(counts).map(([key, count]) => [key, exactly(count as bigint)]))

function countsOf(neutron: Neutron, subnet: Subnet): Counts {
  const size = ({ first, last }: { first: bigint; last: bigint }) => last - first + 1n
  const addresses = neutron.store.ports
    .by('network_id', subnet.network_id)
    .flatMap(({ fixed_ips }) => fixed_ips.filter(({ subnet_id }) => subnet_id === subnet.id).map(({ ip_address }) => ip_address))
  return {
    total_ips_in_subnet: size(hostRange(parseCidr(subnet.cidr)!)),
    total_ips_in_allocation_pool: subnet.allocation_pools.reduce((sum, pool) => sum + size(poolRange(pool)), 0n),
    used_ips_in_subnet: BigInt(addresses.length),
    used_ips_in_allocation_pool: BigInt(addresses.filter((address) => inPools(subnet, parseIp(address)!)).length),
  }
}

const subnetView = (neutron: Neutron, subnet: Subnet): Record<string, unknown> => {
  const counts = countsOf(neutron, subnet)
  return {
    subnet_id: subnet.id,
    ip_version: subnet.ip_version,
    cidr: subnet.cidr,
    subnet_name: subnet.name,
    used_ips: exactly(counts.used_ips_in_subnet),
    total_ips: exactly(counts.total_ips_in_allocation_pool),
    ip_availability_details: shown(counts),
  }
}

function sums(network: Network, { neutron }: Operation): Counts {
  const all = neutron.store.subnets.by('network_id', network.id).map((subnet) => countsOf(neutron, subnet))
  const sum = (key: Count) => all.reduce((total, counts) => total + counts[key], 0n)
  return {
    total_ips_in_subnet: sum('total_ips_in_subnet'),
    total_ips_in_allocation_pool: sum('total_ips_in_allocation_pool'),
    used_ips_in_subnet: sum('used_ips_in_subnet'),
    used_ips_in_allocation_pool: sum('used_ips_in_allocation_pool'),
  }
}

const attributes: Attributes<Network> = {
  network_id: { filter: true, sort: true, show: ({ id }) => id },
  network_name: { filter: true, show: ({ name }) => name },
  project_id: { filter: true },
  tenant_id: { filter: true, show: ({ project_id }) => project_id },
  ip_version: {
    show: false,
    filter:
      (values, { neutron }) =>
      (network) =>
        neutron.store.subnets.by('network_id', network.id).some(({ ip_version }) => values.includes(String(ip_version))),
  },
  subnet_ip_availability: {
    show: (network, { neutron }) => neutron.store.subnets.by('network_id', network.id).map((subnet) => subnetView(neutron, subnet)),
  },
  used_ips: { show: (network, operation) => exactly(sums(network, operation).used_ips_in_subnet) },
  total_ips: { show: (network, operation) => exactly(sums(network, operation).total_ips_in_allocation_pool) },
  ip_availability_details: { show: (network, operation) => shown(sums(network, operation)) },
}

export const networkIpAvailabilities: Resource<Network> = {
  name: 'network_ip_availability',
  collection: 'network_ip_availabilities',
  path: 'network-ip-availabilities',
  attributes,
  table: (store) => store.networks,
  missing: (id) => fault('NetworkNotFound', id),
  visible: networks.visible,
}
