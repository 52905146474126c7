/** Networks: shared, external and with provider attributes. neutron/db/db_base_plugin_v2.py, neutron/plugins/ml2/plugin.py, neutron/db/external_net_db.py */
import { type Attributes, common } from './attributes.ts'
import { dnsDomain, listOf, nonNegative, text, toBoolean, toInteger, toLowerCase } from './checks.ts'
import type { Network, Port } from './documents.ts'
import { fault, invalidInput, notBuilt } from './faults.ts'
import { deletePort } from './port-lifecycle.ts'
import { changedSegment, largestMtu, newSegment, type ProviderValues, providerAttributes } from './provider.ts'
import { ownedBy, type Resource } from './resource.ts'
import { externalAction, forgetGrants, grantOf, grantToAll, isGranted, isShared, shareAction } from './sharing.ts'
import { changed, type Neutron, newborn, type Operation } from './state.ts'

export interface NetworkValues extends ProviderValues {
  readonly project_id: string
  readonly name: string
  readonly description: string
  readonly admin_state_up: boolean
  readonly shared: boolean
  readonly 'router:external': boolean
  readonly is_default: boolean
  readonly mtu: number
  readonly port_security_enabled: boolean
  readonly dns_domain: string
  readonly availability_zone_hints: readonly string[]
  readonly segments?: readonly unknown[]
}

/** Ports that go with their network instead of keeping it. neutron/common/_constants.py AUTO_DELETE_PORT_OWNERS */
export const autoDeletedOwners: readonly string[] = ['network:dhcp', 'network:distributed']

const scopeOf =
  (version: 4 | 6) =>
  (network: Network, { neutron }: Operation) => {
    const pools = neutron.store.subnets
      .by('network_id', network.id)
      .map((subnet) => neutron.store.subnetPools.get(subnet.subnetpool_id ?? ''))
    return pools.find((pool) => pool?.ip_version === version)?.address_scope_id ?? null
  }

const attributes: Attributes<Network> = {
  ...common,
  admin_state_up: { post: true, put: true, default: true, convert: toBoolean, filter: true, sort: true },
  mtu: { post: true, put: true, default: 0, convert: toInteger, check: nonNegative, guarded: true, filter: true, sort: true },
  status: { filter: true, sort: true },
  subnets: { show: (network, { neutron }) => neutron.store.subnets.by('network_id', network.id).map(({ id }) => id) },
  shared: {
    post: true,
    put: true,
    default: false,
    convert: toBoolean,
    guarded: true,
    filter: true,
    show: (network, { neutron, caller }) => isShared(neutron, 'network', network.id, caller.projectId),
  },
  'router:external': {
    post: true,
    put: true,
    default: false,
    convert: toBoolean,
    guarded: true,
    filter: true,
    show: ({ external }) => external,
  },
  // Only external networks have it.
  is_default: {
    post: true,
    put: true,
    default: false,
    convert: toBoolean,
    guarded: true,
    filter: true,
    show: ({ external, is_default }) => (external ? is_default : undefined),
  },
  availability_zone_hints: { post: true, default: [], check: listOf(text(255)), sort: true },
  availability_zones: { show: () => [] },
  ipv4_address_scope: { show: scopeOf(4) },
  ipv6_address_scope: { show: scopeOf(6) },
  port_security_enabled: { post: true, put: true, default: true, convert: toBoolean, guarded: true },
  dns_domain: { post: true, put: true, default: '', convert: toLowerCase, check: dnsDomain },
  tags: {},
  segments: { post: true, put: true, default: undefined, guarded: true, show: false },
  ...providerAttributes,
}

export const networks: Resource<Network, NetworkValues> = {
  name: 'network',
  collection: 'networks',
  path: 'networks',
  attributes,
  table: (store) => store.networks,
  missing: (id) => fault('NetworkNotFound', id),
  visible: (network, operation) =>
    ownedBy(network, operation) ||
    isShared(operation.neutron, 'network', network.id, operation.caller.projectId) ||
    isGranted(operation.neutron, network.id, externalAction, operation.caller.projectId),
  target: (network, { neutron, caller }) => ({
    ...network,
    shared: isShared(neutron, 'network', network.id, caller.projectId),
    'router:external': network.external,
  }),
  used: (store, projectId) => store.networks.by('project_id', projectId).length,
  create: (values, operation) => createNetwork(operation.neutron, values),
  update: updateNetwork,
  remove: (network, { neutron }) => deleteNetwork(neutron, network),
}

export function createNetwork(neutron: Neutron, values: Partial<NetworkValues> & Pick<NetworkValues, 'project_id' | 'name'>): Network {
  refuseSegments(values)
  const segment = newSegment(neutron, values)
  const external = values['router:external'] ?? false
  const network: Network = {
    ...newborn(neutron, values, 1),
    name: values.name,
    admin_state_up: values.admin_state_up ?? true,
    status: 'ACTIVE',
    external,
    is_default: external && (values.is_default ?? false),
    mtu: mtuOf(values.mtu, largestMtu(segment)),
    port_security_enabled: values.port_security_enabled ?? true,
    dns_domain: values.dns_domain ?? '',
    availability_zone_hints: checkedZones(values.availability_zone_hints ?? []),
    segment,
  }
  grantToAll(neutron, grantOf('network', network, shareAction), values.shared ?? false)
  grantToAll(neutron, grantOf('network', network, externalAction), external)
  if (network.is_default) becomeOnlyDefault(neutron, network)
  return neutron.store.networks.put(network)
}

function refuseSegments(values: { readonly segments?: readonly unknown[] }): void {
  if (values.segments?.length) throw notBuilt('networks of several segments (attribute segments)')
}

/** The zones that hints name must be there; this service has one. */
export function checkedZones(hints: readonly string[]): readonly string[] {
  const unknown = hints.find((zone) => zone !== 'nova')
  if (unknown !== undefined) throw fault('AvailabilityZoneNotFound', unknown)
  return hints
}

/** 0 asks for the largest. */
function mtuOf(wanted: number | undefined, most: number): number {
  if (!wanted) return most
  if (wanted > most) throw invalidInput(`Requested MTU is too big, maximum is ${most}`)
  return wanted
}

function becomeOnlyDefault(neutron: Neutron, { id }: Network): void {
  const other = neutron.store.networks.find((network) => network.is_default && network.id !== id)
  if (other) throw fault('DefaultExternalExists', other.id)
}

function updateNetwork(network: Network, values: Partial<NetworkValues>, { neutron }: Operation): Network {
  refuseSegments(values)
  const { shared, 'router:external': external = network.external, is_default = network.is_default, ...rest } = values
  if (shared !== undefined) setShared(neutron, network, shared)
  if (external !== network.external) setExternal(neutron, network, external)
  const segment = changedSegment(neutron, network, values)
  const plain = Object.fromEntries(Object.entries(rest).filter(([key]) => !key.startsWith('provider:')))
  const mtu = values.mtu === undefined ? network.mtu : mtuOf(values.mtu, largestMtu(segment))
  checkMtuForSubnets(neutron, network, mtu)
  const after = changed(neutron, network, { ...plain, external, is_default: external && is_default, segment, mtu })
  if (after.is_default && !network.is_default) becomeOnlyDefault(neutron, after)
  return after === network ? network : neutron.store.networks.put(after)
}

function checkMtuForSubnets(neutron: Neutron, { id }: Network, mtu: number): void {
  for (const { ip_version } of neutron.store.subnets.by('network_id', id)) {
    const least = ip_version === 6 ? 1280 : 68
    if (mtu < least) throw fault('NetworkMTUSubnetConflict', id, least)
  }
}

/** No longer sharing is refused while other projects have ports or subnets there. */
function setShared(neutron: Neutron, network: Network, shared: boolean): void {
  if (!shared) {
    const allowed = new Set(neutron.store.rbacPolicies.by('object_id', network.id).map(({ target_tenant }) => target_tenant)).add(
      network.project_id,
    )
    allowed.delete('*')
    if (usersOf(neutron, network).some((projectId) => !allowed.has(projectId))) throw fault('InvalidSharedSetting', network.name)
  }
  grantToAll(neutron, grantOf('network', network, shareAction), shared)
}

const usersOf = (neutron: Neutron, { id }: Network): string[] => [
  ...portsOn(neutron, id)
    .filter((port) => !port.device_owner.startsWith('network:'))
    .map(({ project_id }) => project_id),
  ...neutron.store.subnets.by('network_id', id).map(({ project_id }) => project_id),
]

const portsOn = (neutron: Neutron, networkId: string): readonly Port[] => neutron.store.ports.by('network_id', networkId)

function setExternal(neutron: Neutron, network: Network, external: boolean): void {
  if (!external && portsOn(neutron, network.id).some((port) => port.device_owner === 'network:router_gateway'))
    throw fault('ExternalNetworkInUse', network.id)
  grantToAll(neutron, grantOf('network', network, externalAction), external)
}

/** Goes with its subnets and the ports that serve it; any other port keeps it. */
export function deleteNetwork(neutron: Neutron, network: Network): void {
  const ports = portsOn(neutron, network.id)
  const keeping = ports.filter((port) => !autoDeletedOwners.includes(port.device_owner) && !isUnusedFloating(neutron, port))
  if (keeping.length > 0) {
    const ids = keeping.map(({ id }) => id).join(',')
    const reason = `There are one or more ports still in use on the network, id for these ports is: ${ids}`
    throw fault('NetworkInUse', network.id, reason)
  }
  for (const port of ports) {
    neutron.store.floatingIps.remove(port.device_id)
    deletePort(neutron, port)
  }
  for (const { id } of neutron.store.subnets.by('network_id', network.id)) neutron.store.subnets.remove(id)
  forgetGrants(neutron, network.id)
  neutron.store.networks.remove(network.id)
}

/** Floating IPs that serve no port go with their external network. neutron/db/l3_db.py delete_disassociated_floatingips */
const isUnusedFloating = (neutron: Neutron, port: Port): boolean =>
  port.device_owner === 'network:floatingip' && neutron.store.floatingIps.get(port.device_id)?.port_id === null
