/** Subnet pools: prefixes from which subnets are cut. neutron/db/db_base_plugin_v2.py, neutron/ipam/subnet_alloc.py SubnetPoolReader */
import { addressScopes } from './address-scopes.ts'
import { bitsOf, cidrsOf, covers, formatNetwork, merge, overlap, parseCidr, subtract } from './addresses.ts'
import { type Attributes, common } from './attributes.ts'
import * as checks from './checks.ts'
import type { SubnetPool } from './documents.ts'
import { fault, invalidInput } from './faults.ts'
import { find, ownedBy, type Resource, seesAll } from './resource.ts'
import { forgetGrants, grantOf, grantToAll, isShared, shareAction } from './sharing.ts'
import { changed, type Neutron, newborn, type Operation } from './state.ts'

export interface SubnetPoolValues {
  readonly project_id: string
  readonly name: string
  readonly description: string
  readonly prefixes: readonly string[]
  readonly default_quota?: number
  readonly default_prefixlen?: number
  readonly min_prefixlen?: number
  readonly max_prefixlen?: number
  readonly is_default: boolean
  readonly shared: boolean
  readonly address_scope_id?: string | null
}

const listed = { filter: true, sort: true } as const
const length = { post: true, put: true, default: undefined, convert: checks.toInteger, check: checks.nonNegative, ...listed } as const
/** Lengths are shown as text, as Neutron does. */
const shownLength = (key: 'default_prefixlen' | 'min_prefixlen' | 'max_prefixlen') => ({
  ...length,
  show: (pool: SubnetPool) => String(pool[key]),
})

const attributes: Attributes<SubnetPool> = {
  ...common,
  name: { post: true, put: true, check: checks.notEmptyText(), ...listed },
  prefixes: { post: true, put: true, check: checks.listOf(checks.ipSubnet) },
  default_quota: length,
  ip_version: listed,
  default_prefixlen: shownLength('default_prefixlen'),
  min_prefixlen: shownLength('min_prefixlen'),
  max_prefixlen: shownLength('max_prefixlen'),
  is_default: { post: true, put: true, default: false, convert: checks.toBoolean, guarded: true, ...listed },
  shared: {
    post: true,
    default: false,
    convert: checks.toBoolean,
    guarded: true,
    show: (pool, { neutron, caller }) => isShared(neutron, 'subnetpool', pool.id, caller.projectId),
    ...listed,
  },
  address_scope_id: { post: true, put: true, default: undefined, check: checks.orNull(checks.uuid), ...listed },
  tags: {},
}

export const subnetPools: Resource<SubnetPool, SubnetPoolValues> = {
  name: 'subnetpool',
  collection: 'subnetpools',
  path: 'subnetpools',
  attributes,
  table: (store) => store.subnetPools,
  missing: (id) => fault('SubnetPoolNotFound', id),
  visible: (pool, operation) => ownedBy(pool, operation) || isShared(operation.neutron, 'subnetpool', pool.id, operation.caller.projectId),
  target: (pool, { neutron, caller }) => ({ ...pool, shared: isShared(neutron, 'subnetpool', pool.id, caller.projectId) }),
  used: (store, projectId) => store.subnetPools.by('project_id', projectId).length,
  create: createSubnetPool,
  update: updateSubnetPool,
  remove: deleteSubnetPool,
}

export function createSubnetPool(values: SubnetPoolValues, operation: Operation): SubnetPool {
  const { neutron } = operation
  const { version, prefixes } = joined(values.prefixes)
  const pool: SubnetPool = {
    ...newborn(neutron, values),
    name: values.name,
    prefixes,
    ip_version: version,
    ...checkedLengths(version, values),
    default_quota: values.default_quota ?? null,
    address_scope_id: values.address_scope_id ?? null,
    is_default: values.is_default,
  }
  checkDefault(neutron, pool)
  checkScope(pool, operation)
  grantToAll(neutron, grantOf('subnetpool', pool, shareAction), values.shared)
  return neutron.store.subnetPools.put(pool)
}

/** The prefixes of one family, neighbours joined. */
function joined(prefixes: readonly string[]): { version: 4 | 6; prefixes: string[] } {
  const cidrs = prefixes.map((prefix) => parseCidr(prefix)!)
  const version = cidrs[0]?.version
  if (!version) throw fault('EmptySubnetPoolPrefixList')
  if (cidrs.some((cidr) => cidr.version !== version)) throw fault('PrefixVersionMismatch')
  return { version, prefixes: merge(cidrs).flatMap(cidrsOf).map(formatNetwork) }
}

type Lengths = Pick<SubnetPool, 'default_prefixlen' | 'min_prefixlen' | 'max_prefixlen'>

function checkedLengths(version: 4 | 6, given: Partial<Lengths>): Lengths {
  const most = bitsOf(version)
  const min_prefixlen = given.min_prefixlen ?? (version === 4 ? 8 : 64)
  const max_prefixlen = given.max_prefixlen ?? most
  const default_prefixlen = given.default_prefixlen ?? min_prefixlen
  const bounds: [name: string, value: number, base: string, baseValue: number, wrong: boolean][] = [
    ['min_prefixlen', min_prefixlen, 'max_prefixlen', max_prefixlen, min_prefixlen > max_prefixlen],
    ['max_prefixlen', max_prefixlen, 'ip_version_max', most, max_prefixlen > most],
    ['default_prefixlen', default_prefixlen, 'min_prefixlen', min_prefixlen, default_prefixlen < min_prefixlen],
    ['default_prefixlen', default_prefixlen, 'max_prefixlen', max_prefixlen, default_prefixlen > max_prefixlen],
  ]
  for (const [name, value, base, baseValue, wrong] of bounds)
    if (wrong) throw fault('IllegalSubnetPoolPrefixBounds', name, value, base, baseValue)
  return { min_prefixlen, max_prefixlen, default_prefixlen }
}

function checkDefault(neutron: Neutron, pool: SubnetPool): void {
  const other = neutron.store.subnetPools.find((one) => one.is_default && one.ip_version === pool.ip_version && one.id !== pool.id)
  if (pool.is_default && other)
    throw invalidInput('A default subnetpool for this IP family has already been set. Only one default may exist per IP family')
}

/** Pools of one address scope are of its family and do not overlap. */
function checkScope(pool: SubnetPool, operation: Operation): void {
  if (!pool.address_scope_id) return
  const scope = find(addressScopes, pool.address_scope_id, operation)
  if (scope.ip_version !== pool.ip_version)
    throw fault('IllegalSubnetPoolIpVersionAssociationToAddressScope', pool.id, scope.id, scope.ip_version)
  const ranges = pool.prefixes.map((prefix) => parseCidr(prefix)!)
  for (const other of operation.neutron.store.subnetPools.by('address_scope_id', scope.id))
    if (other.id !== pool.id && other.prefixes.some((prefix) => ranges.some((range) => overlap(range, parseCidr(prefix)!))))
      throw fault('AddressScopePrefixConflict')
}

function updateSubnetPool(pool: SubnetPool, values: Partial<SubnetPoolValues>, operation: Operation): SubnetPool {
  const { neutron } = operation
  if (values.prefixes) refuseNarrower(pool, values.prefixes)
  const prefixes = values.prefixes ? joined(values.prefixes).prefixes : pool.prefixes
  const after = changed(neutron, pool, {
    ...(values as Partial<SubnetPool>),
    prefixes,
    ...checkedLengths(pool.ip_version, { ...pool, ...values }),
  })
  if (after.is_default && !pool.is_default) checkDefault(neutron, after)
  if (pool.address_scope_id && !seesAll(operation)) checkOwnScope(pool, operation)
  checkScope(after, operation)
  return after === pool ? pool : neutron.store.subnetPools.put(after)
}

function refuseNarrower(pool: SubnetPool, prefixes: readonly string[]): void {
  const wanted = merge(prefixes.map((prefix) => parseCidr(prefix)!))
  if (!pool.prefixes.every((prefix) => wanted.some((range) => covers(range, parseCidr(prefix)!))))
    throw fault('IllegalSubnetPoolPrefixUpdate', 'Existing prefixes must be a subset of the new prefixes')
}

function checkOwnScope(pool: SubnetPool, { neutron, caller }: Operation): void {
  if (neutron.store.addressScopes.get(pool.address_scope_id!)?.project_id === caller.projectId) return
  throw fault(
    'IllegalSubnetPoolUpdate',
    `subnetpool ${pool.id} cannot be updated when associated with shared address scope ${pool.address_scope_id}`,
  )
}

function deleteSubnetPool(pool: SubnetPool, { neutron }: Operation): void {
  if (neutron.store.subnets.by('subnetpool_id', pool.id).length > 0)
    throw fault('SubnetPoolDeleteError', 'Subnet pool has existing allocations')
  forgetGrants(neutron, pool.id)
  neutron.store.subnetPools.remove(pool.id)
}

/** `add_prefixes` and `remove_prefixes`; what subnets use stays. neutron/extensions/subnetpool_prefix_ops.py */
export function changePrefixes(
  pool: SubnetPool,
  body: unknown,
  operation: Operation,
  verb: 'add' | 'remove',
): { prefixes: readonly string[] } {
  const given = checks.isDictionary(body) ? body.prefixes : undefined
  const reason = checks.listOf(checks.ipSubnet)(given)
  if (reason) throw invalidInput(reason)
  const named = given as string[]
  if (named.length === 0) return { prefixes: pool.prefixes }
  if (verb === 'add') return { prefixes: updateSubnetPool(pool, { prefixes: [...pool.prefixes, ...named] }, operation).prefixes }
  const cut = named.map((prefix) => parseCidr(prefix)!)
  const { neutron } = operation
  const used = neutron.store.subnets.by('subnetpool_id', pool.id).map(({ cidr }) => parseCidr(cidr)!)
  if (used.some((cidr) => cut.some((one) => overlap(one, cidr))))
    throw fault('IllegalSubnetPoolPrefixUpdate', 'One or more the prefixes to be removed is in use by a subnet.')
  const left = subtract(
    pool.prefixes.map((prefix) => parseCidr(prefix)!),
    cut,
  )
  const prefixes = left.flatMap(cidrsOf).map(formatNetwork)
  neutron.store.subnetPools.put(changed(neutron, pool, { prefixes }))
  return { prefixes }
}
