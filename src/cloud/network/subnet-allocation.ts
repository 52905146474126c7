/** Networks for subnets out of subnet pools. neutron/ipam/subnet_alloc.py */
import { type Cidr, cidrOf, cidrsOf, covers, parseCidr, subtract } from './addresses.ts'
import type { Network, SubnetPool } from './documents.ts'
import { fault } from './faults.ts'
import { find } from './resource.ts'
import type { Neutron, Operation } from './state.ts'
import { subnetPools } from './subnetpools.ts'

export interface CidrWish {
  readonly project_id: string
  readonly ip_version: 4 | 6
  readonly cidr?: string | null
  readonly prefixlen?: number
  readonly subnetpool_id?: string | null
  readonly use_default_subnetpool?: boolean
}

/** The pool that a subnet is to come from, or undefined. */
export function poolOf(values: CidrWish, operation: Operation): SubnetPool | undefined {
  if (values.use_default_subnetpool && values.subnetpool_id)
    throw fault('BadRequest', 'subnets', 'subnetpool_id and use_default_subnetpool cannot both be specified')
  if (values.subnetpool_id) return find(subnetPools, values.subnetpool_id, operation)
  if (!values.use_default_subnetpool) return undefined
  const version = values.cidr ? parseCidr(values.cidr)!.version : values.ip_version
  const pool = defaultPool(operation.neutron, version)
  if (!pool) throw fault('BadRequest', 'subnets', `No default subnetpool found for IPv${version}`)
  return pool
}

export const defaultPool = (neutron: Neutron, version: 4 | 6): SubnetPool | undefined =>
  neutron.store.subnetPools.find((pool) => pool.is_default && pool.ip_version === version)

/** The CIDR asked for, or the first free one of the wanted length. */
export function allocateCidr(neutron: Neutron, pool: SubnetPool, values: CidrWish): Cidr {
  if (values.ip_version !== pool.ip_version)
    throw fault('BadRequest', 'subnets', `Cannot allocate IPv${values.ip_version} subnet from IPv${pool.ip_version} subnet pool`)
  const wanted = values.cidr ? parseCidr(values.cidr)! : undefined
  const prefixlen = wanted?.prefixlen ?? values.prefixlen ?? pool.default_prefixlen
  if (prefixlen > pool.max_prefixlen) throw fault('MaxPrefixSubnetAllocationError', prefixlen, pool.max_prefixlen)
  if (prefixlen < pool.min_prefixlen) throw fault('MinPrefixSubnetAllocationError', prefixlen, pool.min_prefixlen)
  checkPoolQuota(neutron, pool, values.project_id, prefixlen)
  const free = freePrefixes(neutron, pool)
  if (wanted) {
    if (free.some((prefix) => covers(prefix, wanted))) return wanted
    throw fault('SubnetAllocationError', 'Cannot allocate requested subnet from the available set of prefixes')
  }
  const prefix = free.find((one) => one.prefixlen <= prefixlen)
  if (!prefix) throw fault('SubnetAllocationError', `Insufficient prefix space to allocate subnet size /${prefixlen}`)
  return cidrOf({ version: prefix.version, value: prefix.first }, prefixlen)
}

/** The smallest first, so that large ones stay whole. */
function freePrefixes(neutron: Neutron, pool: SubnetPool): Cidr[] {
  const taken = neutron.store.subnets.by('subnetpool_id', pool.id).map(({ cidr }) => parseCidr(cidr)!)
  const free = subtract(
    pool.prefixes.map((prefix) => parseCidr(prefix)!),
    taken,
  )
  return free.flatMap(cidrsOf).sort((a, b) => b.prefixlen - a.prefixlen)
}

/** A pool's own quota counts addresses in IPv4 and /64 networks in IPv6. */
function checkPoolQuota(neutron: Neutron, pool: SubnetPool, projectId: string, prefixlen: number): void {
  if (!pool.default_quota) return
  const units = (length: number) => 2 ** ((pool.ip_version === 4 ? 32 : 64) - length)
  const own = neutron.store.subnets.by('subnetpool_id', pool.id).filter(({ project_id }) => project_id === projectId)
  const used = own.reduce((sum, { cidr }) => sum + units(parseCidr(cidr)!.prefixlen), 0)
  if (used + units(prefixlen) > pool.default_quota) throw fault('SubnetPoolQuotaExceeded')
}

/** Subnets of one family on one network come from one pool, or from pools of one address scope. */
export function checkPoolAffinity(neutron: Neutron, network: Network, version: 4 | 6, pool: SubnetPool | undefined): void {
  const others = neutron.store.subnets.by('network_id', network.id).filter((subnet) => subnet.ip_version === version)
  const scope = others
    .map((subnet) => neutron.store.subnetPools.get(subnet.subnetpool_id ?? '')?.address_scope_id)
    .find((id) => id !== null && id !== undefined)
  if (scope && pool && pool.address_scope_id !== scope) throw fault('NetworkAddressScopeAffinityError')
  for (const other of others) {
    if (pool ? other.subnetpool_id !== pool.id && !scope : other.subnetpool_id !== null) throw fault('NetworkSubnetPoolAffinityError')
  }
}
