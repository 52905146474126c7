/** Floating IPs. neutron/db/l3_db.py */
import { type Attributes, common } from './attributes.ts'
import * as checks from './checks.ts'
import type { FloatingIp, Port, Subnet } from './documents.ts'
import { fault } from './faults.ts'
import { floatingOwner } from './ipam.ts'
import { networks } from './networks.ts'
import { deletePort, makePort, tellChanged } from './port-lifecycle.ts'
import { ports } from './ports.ts'
import { find, ownedBy, type Resource } from './resource.ts'
import { gatewayPort, interfacePorts } from './routers.ts'
import { changed, type Neutron, newborn, type Operation } from './state.ts'

interface FloatingIpValues {
  readonly project_id: string
  readonly description: string
  readonly floating_network_id: string
  readonly floating_ip_address: string | null
  readonly subnet_id: string | null
  readonly port_id: string | null
  readonly fixed_ip_address: string | null
  readonly dns_name: string
  readonly dns_domain: string
}

const listed = { filter: true, sort: true } as const
const address = { post: true, default: null, convert: checks.toCanonicalIp, check: checks.orNull(checks.ipAddress), ...listed } as const
const { id, project_id, tenant_id, description, created_at, updated_at, revision_number } = common

const attributes: Attributes<FloatingIp> = {
  id,
  project_id,
  tenant_id,
  floating_ip_address: { ...address, guarded: true },
  subnet_id: { post: true, default: null, check: checks.orNull(checks.uuid), show: false },
  floating_network_id: { post: true, check: checks.uuid, ...listed },
  router_id: listed,
  port_id: { post: true, put: true, default: null, check: checks.orNull(checks.uuid), filter: true },
  fixed_ip_address: { ...address, put: true },
  status: listed,
  port_details: { show: ({ port_id }, { neutron }) => detailsOf(neutron.store.ports.get(port_id ?? '')) },
  dns_name: { post: true, default: '', convert: checks.toLowerCase, check: checks.relativeDnsName },
  dns_domain: { post: true, default: '', convert: checks.toLowerCase, check: checks.dnsDomain },
  description,
  created_at,
  updated_at,
  revision_number,
  tags: {},
}

function detailsOf(port: Port | undefined): unknown {
  if (!port) return null
  const { name, network_id, mac_address, admin_state_up, status, device_id, device_owner } = port
  return { name, network_id, mac_address, admin_state_up, status, device_id, device_owner }
}

export const floatingIps: Resource<FloatingIp, FloatingIpValues> = {
  name: 'floatingip',
  collection: 'floatingips',
  path: 'floatingips',
  attributes,
  table: (store) => store.floatingIps,
  missing: (fipId) => fault('FloatingIPNotFound', fipId),
  visible: ownedBy,
  indexed: ['port_id'],
  used: (store, projectId) => store.floatingIps.by('project_id', projectId).length,
  create: createFloatingIp,
  update: updateFloatingIp,
  remove: (fip, { neutron }) => deleteFloatingIp(neutron, fip),
}

const refuse = (message: string) => fault('BadRequest', 'floatingip', message)

function createFloatingIp(values: FloatingIpValues, operation: Operation): FloatingIp {
  const { neutron } = operation
  const network = find(networks, values.floating_network_id, operation)
  if (!network.external) throw refuse(`Network ${network.id} is not a valid external network`)
  if (!neutron.store.subnets.by('network_id', network.id).some(({ ip_version }) => ip_version === 4))
    throw refuse(`Network ${network.id} does not contain any IPv4 subnet`)
  const base = newborn(neutron, values)
  const port = externalPort(neutron, base.id, values)
  const ip = port.fixed_ips.find(({ ip_address }) => !ip_address.includes(':'))
  if (!ip) throw fault('ExternalIpAddressExhausted', network.id)
  const fip: FloatingIp = {
    ...base,
    floating_network_id: network.id,
    floating_ip_address: ip.ip_address,
    floating_port_id: port.id,
    port_id: null,
    fixed_ip_address: null,
    router_id: null,
    status: 'DOWN',
    dns_name: values.dns_name,
    dns_domain: values.dns_domain,
  }
  const after = { ...fip, ...association(fip, values, operation) }
  neutron.store.floatingIps.put(after)
  tellPort(neutron, after.port_id)
  return after
}

/** The port that holds the address on the external network. It belongs to no project. */
function externalPort(neutron: Neutron, fipId: string, { floating_network_id, floating_ip_address, subnet_id }: FloatingIpValues): Port {
  const wanted = { ...(subnet_id && { subnet_id }), ...(floating_ip_address && { ip_address: floating_ip_address }) }
  return makePort(neutron, {
    project_id: '',
    network_id: floating_network_id,
    name: '',
    admin_state_up: true,
    device_id: fipId,
    device_owner: floatingOwner,
    status: 'N/A',
    ...(Object.keys(wanted).length > 0 && { fixed_ips: [wanted] }),
  })
}

type Association = Pick<FloatingIp, 'port_id' | 'fixed_ip_address' | 'router_id' | 'status'>
type Wish = Partial<Pick<FloatingIpValues, 'port_id' | 'fixed_ip_address'>>

const nowhere: Association = { port_id: null, fixed_ip_address: null, router_id: null, status: 'DOWN' }

/** Where the floating IP leads after the wish: a port's fixed address behind a router of its external network. */
function association(fip: FloatingIp, wish: Wish, operation: Operation): Association {
  const { neutron } = operation
  if (wish.fixed_ip_address && !wish.port_id) throw refuse('fixed_ip_address cannot be specified without a port_id')
  if (wish.port_id === undefined)
    return { port_id: fip.port_id, fixed_ip_address: fip.fixed_ip_address, router_id: fip.router_id, status: fip.status }
  if (!wish.port_id) return nowhere
  const port = find(ports, wish.port_id, operation)
  const fixed = fixedAddress(port, fip, wish.fixed_ip_address ?? null, operation)
  const subnet = neutron.store.subnets.get(fixed.subnet_id)!
  const router_id = routerFor(neutron, port, subnet, fip.floating_network_id)
  const rival = neutron.store.floatingIps
    .by('port_id', port.id)
    .find(
      (other) =>
        other.id !== fip.id && other.fixed_ip_address === fixed.ip_address && other.floating_network_id === fip.floating_network_id,
    )
  if (rival)
    throw fault('FloatingIPPortAlreadyAssociated', fip.floating_ip_address, fip.id, port.id, fixed.ip_address, fip.floating_network_id)
  return { port_id: port.id, fixed_ip_address: fixed.ip_address, router_id, status: 'ACTIVE' }
}

function fixedAddress(port: Port, fip: FloatingIp, wanted: string | null, { caller }: Operation): Port['fixed_ips'][number] {
  if (port.project_id !== fip.project_id && !caller.isAdmin)
    throw refuse(`Cannot process floating IP association with Port ${port.id}, since that port is owned by a different project`)
  if (wanted) {
    if (wanted.includes(':')) throw refuse(`Cannot process floating IP association with ${wanted}, since that is not an IPv4 address`)
    const fixed = port.fixed_ips.find(({ ip_address }) => ip_address === wanted)
    if (!fixed) throw refuse(`Port ${port.id} does not have fixed ip ${wanted}`)
    return fixed
  }
  const [first, second] = port.fixed_ips.filter(({ ip_address }) => !ip_address.includes(':'))
  if (!first) throw refuse(`Cannot add floating IP to port ${port.id} that has no fixed IPv4 addresses`)
  if (second)
    throw refuse(`Port ${port.id} has multiple fixed IPv4 addresses.  Must provide a specific IPv4 address when assigning a floating IP`)
  return first
}

/** The router between the subnet and the external network; the one that holds the subnet's gateway address comes first. */
function routerFor(neutron: Neutron, port: Port, subnet: Subnet, externalId: string): string {
  const candidates = neutron.store.routers
    .filter((router) => gatewayPort(router, neutron)?.network_id === externalId)
    .flatMap((router) => interfacePorts(neutron, router).flatMap(({ fixed_ips }) => fixed_ips.map((fixed) => ({ router, fixed }))))
    .filter(({ fixed }) => fixed.subnet_id === subnet.id)
  const found = candidates.find(({ fixed }) => fixed.ip_address === subnet.gateway_ip) ?? candidates[0]
  if (!found) throw fault('ExternalGatewayForFloatingIPNotFound', externalId, subnet.id, port.id)
  return found.router.id
}

function updateFloatingIp(fip: FloatingIp, values: Partial<FloatingIpValues>, operation: Operation): FloatingIp {
  const { neutron } = operation
  const after = changed(neutron, fip, {
    ...association(fip, values, operation),
    ...(values.description !== undefined && { description: values.description }),
  })
  if (after === fip) return fip
  neutron.store.floatingIps.put(after)
  if (fip.port_id !== after.port_id || fip.fixed_ip_address !== after.fixed_ip_address)
    for (const portId of new Set([fip.port_id, after.port_id])) tellPort(neutron, portId)
  return after
}

function tellPort(neutron: Neutron, portId: string | null): void {
  const port = portId === null ? undefined : neutron.store.ports.get(portId)
  if (port) tellChanged(neutron, port)
}

function deleteFloatingIp(neutron: Neutron, fip: FloatingIp): void {
  neutron.store.floatingIps.remove(fip.id)
  const external = neutron.store.ports.get(fip.floating_port_id)
  if (external) deletePort(neutron, external)
  tellPort(neutron, fip.port_id)
}
