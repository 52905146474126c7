/** Ports: addresses, bindings, filters. neutron/plugins/ml2/plugin.py, neutron/db/db_base_plugin_v2.py */
import { type Attributes, common, type FilterBy } from './attributes.ts'
import { activeBinding, rebound, vnicTypes } from './binding.ts'
import * as checks from './checks.ts'
import type { AddressPair, DhcpOption, Port } from './documents.ts'
import { fault } from './faults.ts'
import { reallocate, remade, routerInterface, type WantedIp } from './ipam.ts'
import { networks } from './networks.ts'
import { isService } from './policy.ts'
import { changePort, deletePort, isTrusted, makePort, refuseTakenMac } from './port-lifecycle.ts'
import { find, ownedBy, type Resource, seesAll } from './resource.ts'
import { defaultGroupId, groupsForPort } from './security-groups.ts'
import { isShared } from './sharing.ts'
import type { Neutron, Operation } from './state.ts'

export interface PortValues {
  readonly project_id: string
  readonly name: string
  readonly description: string
  readonly network_id: string
  readonly admin_state_up: boolean
  readonly mac_address?: string | null
  readonly fixed_ips?: readonly WantedIp[]
  readonly device_id: string
  readonly device_owner: string
  readonly security_groups?: readonly string[]
  readonly port_security_enabled?: boolean
  readonly allowed_address_pairs?: readonly (Omit<AddressPair, 'mac_address'> & Partial<AddressPair>)[]
  readonly extra_dhcp_opts?: readonly DhcpWish[] | null
  readonly 'binding:vnic_type': string
  readonly 'binding:host_id'?: string | null
  readonly 'binding:profile'?: Readonly<Record<string, unknown>> | null
  readonly numa_affinity_policy: string | null
  readonly device_profile: string | null
  readonly propagate_uplink_status: boolean
  readonly dns_name: string
  readonly tags: readonly string[]
}

type DhcpWish = Omit<DhcpOption, 'opt_value' | 'ip_version'> & { readonly opt_value: string | null; readonly ip_version?: number | string }

const listed = { filter: true, sort: true } as const
const numaPolicies = ['required', 'preferred', 'legacy', 'socket', null]

/** `fixed_ips=ip_address=10.0.0.5&fixed_ips=subnet_id=…`, and `ip_address_substr`. */
const byFixedIp: FilterBy<Port> = (values) => {
  const wanted = checks.keyValues(values)
  const matches = (port: Port, key: 'ip_address' | 'subnet_id') =>
    !wanted[key] || port.fixed_ips.some((fixed) => wanted[key]!.includes(fixed[key]))
  const parts = wanted.ip_address_substr
  return (port) =>
    matches(port, 'ip_address') &&
    matches(port, 'subnet_id') &&
    (!parts || port.fixed_ips.some(({ ip_address }) => parts.some((part) => ip_address.includes(part))))
}

const attributes: Attributes<Port> = {
  ...common,
  network_id: { post: true, check: checks.uuid, ...listed },
  admin_state_up: { post: true, put: true, default: true, convert: checks.toBoolean, ...listed },
  mac_address: {
    post: true,
    put: true,
    default: undefined,
    convert: checks.toCanonicalMac,
    check: checks.orNull(checks.macAddress),
    guarded: true,
    ...listed,
  },
  fixed_ips: {
    post: true,
    put: true,
    default: undefined,
    convert: checks.toCanonicalFixedIps,
    check: checks.fixedIps,
    guarded: ['subnet_id', 'ip_address'],
    filter: byFixedIp,
  },
  device_id: { post: true, put: true, default: '', check: checks.text(255), guarded: true, ...listed },
  device_owner: { post: true, put: true, default: '', check: checks.text(255), guarded: true, ...listed },
  status: listed,
  security_groups: {
    post: true,
    put: true,
    default: undefined,
    convert: checks.nullToList,
    check: checks.listOf(checks.uuid),
    filter: (values) => (port) => port.security_groups.some((id) => values.includes(id)),
  },
  port_security_enabled: { post: true, put: true, default: undefined, convert: checks.toBoolean, guarded: true },
  allowed_address_pairs: {
    post: true,
    put: true,
    default: undefined,
    convert: checks.nullToList,
    check: checks.addressPairs,
    guarded: ['mac_address', 'ip_address'],
  },
  extra_dhcp_opts: { post: true, put: true, default: undefined, check: checks.dhcpOptions },
  'binding:vnic_type': {
    post: true,
    put: true,
    default: 'normal',
    check: checks.oneOf(vnicTypes),
    guarded: true,
    show: (port) => activeBinding(port).vnic_type,
  },
  'binding:host_id': { post: true, put: true, default: undefined, guarded: true, filter: true, show: (port) => activeBinding(port).host },
  'binding:profile': {
    post: true,
    put: true,
    default: undefined,
    check: checks.orNull(checks.dictionary),
    guarded: true,
    show: (port) => activeBinding(port).profile,
  },
  'binding:vif_type': { guarded: true, show: (port) => activeBinding(port).vif_type },
  'binding:vif_details': { guarded: true, show: shownDetails },
  numa_affinity_policy: { post: true, put: true, default: null, check: checks.oneOf(numaPolicies) },
  device_profile: { post: true, default: null, check: checks.orNull(checks.text(255)) },
  propagate_uplink_status: { post: true, put: true, default: true, convert: checks.toBoolean },
  dns_name: { post: true, put: true, default: '', convert: checks.toLowerCase, check: checks.dnsName },
  dns_assignment: { show: dnsAssignment },
  tags: { post: true, default: [], check: checks.listOf(checks.text(255)) },
}

/** The binding's details and which driver bound it. */
function shownDetails(port: Port): unknown {
  const { host, vif_details } = activeBinding(port)
  return host ? { ...vif_details, bound_drivers: { '0': 'embedded' } } : {}
}

/** The names of a port's addresses in the cloud's own domain. neutron/plugins/ml2/extensions/dns_integration.py */
function dnsAssignment({ dns_name, fixed_ips }: Port, { neutron }: Operation): unknown {
  const { dnsDomain } = neutron.settings
  return fixed_ips.map(({ ip_address }) => {
    const hostname = dns_name.split('.')[0] || `host-${ip_address.replace(/[.:]/g, '-')}`
    return { hostname, ip_address, fqdn: dns_name.endsWith('.') ? dns_name : `${dns_name || hostname}.${dnsDomain}` }
  })
}

export const ports: Resource<Port, PortValues> = {
  name: 'port',
  collection: 'ports',
  path: 'ports',
  attributes,
  table: (store) => store.ports,
  missing: (id) => fault('PortNotFound', id),
  visible: (port, operation) =>
    ownedBy(port, operation) || operation.neutron.store.networks.get(port.network_id)?.project_id === operation.caller.projectId,
  indexed: ['device_id', 'network_id'],
  beforeCreate: checkNetwork,
  used: (store, projectId) => store.ports.by('project_id', projectId).length,
  create: createPort,
  update: updatePort,
  remove: removePort,
}

// neutron/pecan_wsgi/hooks/ownership_validation.py
function checkNetwork({ network_id, project_id }: PortValues, operation: Operation): void {
  const network = find(networks, network_id, operation)
  if (seesAll(operation) || network.project_id === project_id) return
  if (!isShared(operation.neutron, 'network', network_id, operation.caller.projectId))
    throw fault('HTTPForbidden', `Tenant ${project_id} not allowed to create port on this network`)
}

function createPort(values: PortValues, operation: Operation): Port {
  const { neutron } = operation
  const network = find(networks, values.network_id, operation)
  refuseForeignRouter(values, values.project_id, operation)
  const trusted = isTrusted(values)
  const secure = !trusted && (values.port_security_enabled ?? network.port_security_enabled)
  if (!secure && values.allowed_address_pairs?.length) throw fault('AddressPairAndPortSecurityRequired')
  if (!secure && values.security_groups?.length) throw fault('PortSecurityAndIPRequiredForSecurityGroups')
  const given = trusted ? undefined : values.security_groups
  const security_groups = given ? groupsForPort(given, values.project_id, operation) : secure ? defaultGroups(values, operation) : []
  const port = makePort(neutron, {
    ...values,
    mac_address: values.mac_address ?? undefined,
    security_groups,
    port_security_enabled: secure,
    binding: {
      host: values['binding:host_id'] ?? '',
      vnic_type: values['binding:vnic_type'],
      profile: values['binding:profile'] ?? {},
    },
  })
  const after = {
    ...port,
    allowed_address_pairs: withMacs(values.allowed_address_pairs ?? [], port.mac_address),
    extra_dhcp_opts: mergedOptions([], values.extra_dhcp_opts ?? []),
  }
  return neutron.store.ports.put(after)
}

const defaultGroups = ({ project_id }: PortValues, operation: Operation): string[] => {
  const id = defaultGroupId(project_id, operation)
  return id ? [id] : []
}

const withMacs = (pairs: NonNullable<PortValues['allowed_address_pairs']>, mac: string): AddressPair[] =>
  pairs.map(({ ip_address, mac_address }) => ({ ip_address, mac_address: mac_address ? String(checks.toCanonicalMac(mac_address)) : mac }))

/** New values for old ones of the same name and family; null removes. */
function mergedOptions(before: readonly DhcpOption[], wishes: readonly DhcpWish[]): DhcpOption[] {
  const key = (name: string, version: number) => `${version} ${name}`
  const options = new Map(before.map((option) => [key(option.opt_name, option.ip_version), option]))
  for (const { opt_name, opt_value, ip_version = 4 } of wishes) {
    const version = Number(ip_version)
    if (opt_value === null) options.delete(key(opt_name, version))
    else options.set(key(opt_name, version), { opt_name, opt_value, ip_version: version })
  }
  return [...options.values()]
}

/** A port may not pretend to be an interface of somebody else's router. */
function refuseForeignRouter(port: Pick<Port, 'device_owner' | 'device_id'>, projectId: string, { neutron, caller }: Operation): void {
  if (port.device_owner !== routerInterface || caller.isAdmin) return
  const router = neutron.store.routers.get(port.device_id)
  if (router && router.project_id !== projectId) throw fault('DeviceIDNotOwnedByTenant', port.device_id)
}

function updatePort(port: Port, values: Partial<PortValues>, operation: Operation): Port {
  const { neutron } = operation
  const device_owner = values.device_owner ?? port.device_owner
  const device_id = values.device_id ?? port.device_id
  refuseForeignRouter({ device_owner, device_id }, port.project_id, operation)
  const binding = activeBinding(port)
  if (values['binding:vnic_type'] && values['binding:vnic_type'] !== binding.vnic_type && binding.vif_type !== 'unbound')
    throw fault('PortInUse', port.id, port.network_id, port.device_id)
  checkNuma(port, values)
  const mac_address = changedMac(neutron, port, values)
  const moved = { ...port, device_owner, mac_address }
  const fixed_ips = values.fixed_ips
    ? changedIps(neutron, moved, values.fixed_ips)
    : mac_address === port.mac_address
      ? port.fixed_ips
      : remade(neutron, moved)
  const next = rebound(binding, {
    ...('binding:host_id' in values && { host: values['binding:host_id'] ?? '' }),
    ...(values['binding:vnic_type'] && { vnic_type: values['binding:vnic_type'] }),
    ...('binding:profile' in values && { profile: values['binding:profile'] ?? {} }),
  })
  const rebinding = next !== binding
  const changes = {
    ...plainChanges(values),
    ...securityChanges(port, values, operation),
    device_id,
    device_owner,
    mac_address,
    fixed_ips,
    extra_dhcp_opts: mergedOptions(port.extra_dhcp_opts, values.extra_dhcp_opts ?? []),
    bindings: port.bindings.map((one) => (one === binding ? next : one)).filter((one) => one === next || one.host !== next.host),
    status: rebinding ? (next.host ? 'ACTIVE' : 'DOWN') : port.status,
  }
  return changePort(neutron, port, changes, rebinding)
}

const plain = [
  'name',
  'description',
  'admin_state_up',
  'numa_affinity_policy',
  'propagate_uplink_status',
  'dns_name',
] as const satisfies readonly (keyof PortValues & keyof Port)[]

const plainChanges = (values: Partial<PortValues>): Partial<Port> =>
  Object.fromEntries(plain.filter((key) => key in values).map((key) => [key, values[key]]))

function checkNuma(port: Port, { numa_affinity_policy: wanted }: Partial<PortValues>): void {
  const { host } = activeBinding(port)
  if (wanted !== undefined && wanted !== port.numa_affinity_policy && host)
    throw fault('PortBoundNUMAAffinityPolicy', port.id, host, String(wanted ?? 'None'))
}

function changedMac(neutron: Neutron, port: Port, { mac_address: wanted, device_owner }: Partial<PortValues>): string {
  if (!wanted || wanted === port.mac_address) return port.mac_address
  const { vif_type } = activeBinding(port)
  if (vif_type !== 'unbound') throw fault('PortBound', port.id, vif_type, port.mac_address, wanted)
  const owner = device_owner ?? port.device_owner
  if (owner.startsWith('network:')) throw fault('UnsupportedPortDeviceOwner', 'mac address update', owner, port.id)
  refuseTakenMac(neutron, port.network_id, wanted)
  return wanted
}

function changedIps(neutron: Neutron, port: Port, wanted: readonly WantedIp[]): Port['fixed_ips'] {
  const [fip] = neutron.store.floatingIps.by('port_id', port.id)
  if (fip?.fixed_ip_address && !wanted.some(({ ip_address }) => ip_address === fip.fixed_ip_address))
    throw fault(
      'BadRequest',
      'port',
      `Cannot update the fixed_ips of the port ${port.id}, because its original fixed_ip has been associated to a floating ip`,
    )
  const ips = reallocate(neutron, port, wanted)
  if (port.device_owner === routerInterface && neutron.store.routers.get(port.device_id)) refuseIpv4Change(port, ips)
  return ips
}

/** The IPv4 address of a router's interface stays (l3-port-ip-change-not-allowed). */
function refuseIpv4Change(port: Port, ips: Port['fixed_ips']): void {
  const of4 = (list: Port['fixed_ips']) => JSON.stringify(list.map(({ ip_address }) => ip_address).filter((ip) => !ip.includes(':')))
  if (of4(port.fixed_ips) !== of4(ips)) throw fault('BadRequest', 'ports', `IP updates for port ${port.id} are not allowed`)
}

/** Security groups, address pairs and port security, which depend on each other. ML2's _portsec_ext_port_update_processing */
function securityChanges(port: Port, values: Partial<PortValues>, operation: Operation): Partial<Port> {
  const secure = values.port_security_enabled ?? port.port_security_enabled
  const pairs = values.allowed_address_pairs
  const groups = values.security_groups
  if (!secure) {
    if ((pairs ?? port.allowed_address_pairs).length > 0) throw fault('AddressPairAndPortSecurityRequired')
    if (groups?.length) throw fault('PortSecurityAndIPRequiredForSecurityGroups')
    if (!groups && port.security_groups.length > 0) throw fault('PortSecurityPortHasSecurityGroup')
  }
  return {
    port_security_enabled: secure,
    ...(pairs && { allowed_address_pairs: withMacs(pairs, values.mac_address ?? port.mac_address) }),
    ...(groups && { security_groups: isTrusted(port) ? [] : groupsForPort(groups, port.project_id, operation) }),
  }
}

// neutron/db/l3_db.py prevent_l3_port_deletion, disassociate_floatingips
function removePort(port: Port, { neutron, caller }: Operation): void {
  const isServed = isTrusted(port) && (neutron.store.routers.get(port.device_id) ?? neutron.store.floatingIps.get(port.device_id))
  if (isServed) throw fault('ServicePortInUse', port.id, `has device owner ${port.device_owner}`)
  const fips = neutron.store.floatingIps.by('port_id', port.id)
  if (!caller.isAdmin && !isService(caller) && fips.some(({ project_id }) => project_id !== caller.projectId))
    throw fault('FipAssociated', port.id)
  deletePort(neutron, port)
}
