/** `add_router_interface` and `remove_router_interface`. neutron/db/l3_db.py */
import { holds, parseCidr, parseIp } from './addresses.ts'
import { isDictionary, uuid } from './checks.ts'
import type { Port, Router, Subnet } from './documents.ts'
import { fault } from './faults.ts'
import { inPools, reallocate, routerInterface } from './ipam.ts'
import { changePort, deletePort, makePort, setFixedIps } from './port-lifecycle.ts'
import { ports } from './ports.ts'
import { find } from './resource.ts'
import { interfacePorts, refuseOverlap } from './routers.ts'
import { isShared } from './sharing.ts'
import { type Neutron, type Operation, touched } from './state.ts'
import { subnets } from './subnets.ts'

interface InterfaceInfo {
  readonly port_id?: string
  readonly subnet_id?: string
}

const refuse = (message: string) => fault('BadRequest', 'router', message)

function infoOf(body: unknown): InterfaceInfo {
  const { port_id, subnet_id } = isDictionary(body) ? body : {}
  if (port_id === undefined && subnet_id === undefined) throw refuse('Either subnet_id or port_id must be specified')
  for (const id of [port_id, subnet_id]) {
    const reason = id === undefined ? undefined : uuid(id)
    if (reason) throw refuse(reason)
  }
  return { port_id, subnet_id } as InterfaceInfo
}

/** What both actions answer. */
const outcome = (router: Router, port: Port, [first, ...rest]: readonly Subnet[]): Record<string, unknown> => ({
  id: router.id,
  project_id: port.project_id,
  port_id: port.id,
  network_id: port.network_id,
  subnet_id: first?.id,
  subnet_ids: [first, ...rest].map((subnet) => subnet?.id),
})

export function addInterface(router: Router, body: unknown, operation: Operation): Record<string, unknown> {
  const { neutron } = operation
  const { port_id, subnet_id } = infoOf(body)
  if (port_id !== undefined && subnet_id !== undefined) throw refuse('Cannot specify both subnet-id and port-id')
  const [port, added] = port_id !== undefined ? addPort(router, port_id, operation) : addSubnet(router, subnet_id!, operation)
  if (added.length === port.fixed_ips.length) neutron.store.routers.put(touched(neutron, router))
  return outcome(router, port, added)
}

/** A port of the project becomes an interface, with the addresses it has. */
function addPort(router: Router, portId: string, operation: Operation): [Port, Subnet[]] {
  const { neutron } = operation
  const port = find(ports, portId, operation)
  if (port.device_id !== '') throw fault('PortInUse', port.id, port.network_id, port.device_id)
  if (port.fixed_ips.length === 0) throw refuse('Router port must have at least one fixed IP')
  const joined = port.fixed_ips.map(({ subnet_id }) => neutron.store.subnets.get(subnet_id)!)
  for (const subnet of joined) checkAddressMode(subnet)
  refuseSecondIpv6Port(neutron, router, port)
  refuseOverlap(neutron, router, joined)
  if (joined.filter(({ ip_version }) => ip_version === 4).length > 1) throw refuse('Cannot have multiple IPv4 subnets on router port')
  for (const [i, { ip_address }] of port.fixed_ips.entries())
    if (!operation.caller.isAdmin && joined[i]!.project_id !== operation.caller.projectId && !inPools(joined[i]!, parseIp(ip_address)!))
      throw refuse(
        `Cannot add interface to router because specified port ${port.id} has an IP address out of the allocation pool of subnet ${joined[i]!.id}, which is not owned by the project making the request`,
      )
  const changes = {
    device_id: router.id,
    device_owner: routerInterface,
    status: 'ACTIVE',
    security_groups: [],
    port_security_enabled: false,
  }
  return [changePort(neutron, port, changes), joined]
}

/** IPv6 subnets of one network share a port. */
function refuseSecondIpv6Port(neutron: Neutron, router: Router, port: Port): void {
  if (!hasIpv6(port)) return
  const other = interfacePorts(neutron, router).find((one) => one.network_id === port.network_id && hasIpv6(one))
  // Two dots at the end, as Neutron has them.
  if (other)
    throw refuse(
      `Router already contains IPv6 port ${other.id} belonging to network id ${other.network_id}. Only one IPv6 port from the same network subnet can be connected to a router.`,
    )
}

const hasIpv6 = ({ fixed_ips }: Port): boolean => fixed_ips.some(({ ip_address }) => ip_address.includes(':'))

function checkAddressMode({ id, ip_version, ipv6_ra_mode: ra, ipv6_address_mode: mode }: Subnet): void {
  if (ip_version === 6 && ra === null && mode !== null)
    throw refuse(`IPv6 subnet ${id} configured to receive RAs from an external router cannot be added to Neutron Router.`)
}

/** The router takes the gateway address of the subnet. */
function addSubnet(router: Router, subnetId: string, operation: Operation): [Port, Subnet[]] {
  const { neutron, caller } = operation
  const subnet = find(subnets, subnetId, operation)
  if (!subnet.gateway_ip) throw refuse('Subnet for router interface must have a gateway IP')
  const granted = neutron.store.rbacPolicies
    .by('object_id', subnet.network_id)
    .some(({ target_tenant }) => target_tenant === caller.projectId)
  const sharedByName = granted && isShared(neutron, 'network', subnet.network_id, caller.projectId)
  if (subnet.project_id !== caller.projectId && !caller.isAdmin && !sharedByName)
    throw refuse(`Cannot add interface to router because subnet ${subnet.id} is not owned by project making the request`)
  checkAddressMode(subnet)
  refuseOverlap(neutron, router, [subnet])
  const fixed = { subnet_id: subnet.id, ip_address: subnet.gateway_ip }
  const sharing =
    subnet.ip_version === 6
      ? interfacePorts(neutron, router).find((port) => port.network_id === subnet.network_id && hasIpv6(port))
      : undefined
  if (sharing) return [setFixedIps(neutron, sharing, reallocate(neutron, sharing, [...sharing.fixed_ips, fixed])), [subnet]]
  const port = makePort(neutron, {
    project_id: router.project_id,
    network_id: subnet.network_id,
    name: '',
    admin_state_up: true,
    device_id: router.id,
    device_owner: routerInterface,
    status: 'ACTIVE',
    fixed_ips: [fixed],
  })
  return [port, [subnet]]
}

export function removeInterface(router: Router, body: unknown, operation: Operation): Record<string, unknown> {
  const { neutron } = operation
  const info = infoOf(body)
  const [port, removed] =
    info.port_id !== undefined ? removePort(router, info, operation) : removeSubnet(router, info.subnet_id!, operation)
  neutron.store.routers.put(touched(neutron, router))
  return outcome(router, port, removed)
}

function removePort(router: Router, { port_id, subnet_id }: InterfaceInfo, { neutron }: Operation): [Port, Subnet[]] {
  const port = interfacePorts(neutron, router).find(({ id }) => id === port_id)
  if (!port) throw fault('RouterInterfaceNotFound', router.id, port_id!)
  if (subnet_id !== undefined && !port.fixed_ips.some((fixed) => fixed.subnet_id === subnet_id))
    throw fault('SubnetMismatchForPort', port.id, subnet_id)
  const left = port.fixed_ips.map((fixed) => neutron.store.subnets.get(fixed.subnet_id)!)
  for (const subnet of left) refuseUsed(neutron, router, subnet)
  deletePort(neutron, port)
  return [port, left]
}

function removeSubnet(router: Router, subnetId: string, operation: Operation): [Port, Subnet[]] {
  const { neutron } = operation
  const subnet = find(subnets, subnetId, operation)
  const port = interfacePorts(neutron, router).find(({ fixed_ips }) => fixed_ips.some(({ subnet_id }) => subnet_id === subnet.id))
  if (!port) throw fault('RouterInterfaceNotFoundForSubnet', router.id, subnet.id)
  refuseUsed(neutron, router, subnet)
  const others = port.fixed_ips.filter(({ subnet_id }) => subnet_id !== subnet.id)
  if (others.length > 0) return [setFixedIps(neutron, port, others), [subnet]]
  deletePort(neutron, port)
  return [port, [subnet]]
}

/** Routes through the subnet and floating IPs that lead into it keep the interface. */
function refuseUsed(neutron: Neutron, router: Router, subnet: Subnet): void {
  const cidr = parseCidr(subnet.cidr)!
  if (router.routes.some(({ nexthop }) => holds(cidr, parseIp(nexthop)!))) throw fault('RouterInterfaceInUseByRoute', subnet.id, router.id)
  const fips = neutron.store.floatingIps.by('router_id', router.id)
  if (fips.some(({ fixed_ip_address: ip }) => ip && holds(cidr, parseIp(ip)!)))
    throw fault('RouterInterfaceInUseByFloatingIP', subnet.id, router.id)
}
