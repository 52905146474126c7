/** Gives a server its ports: those that it asked for, or new ones on the networks that it asked for or may use. nova/network/neutron.py API.allocate_for_instance */
import type { RequestContext } from '../../../oslo/context.ts'
import { type NeutronClient, type NeutronNetwork, type NeutronPort, neutronFault } from '../../../peers/neutron.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import type { NetworkInfo } from '../../../stores/objects/network-info.ts'
import type { NetworkRequest } from '../../../stores/objects/network-request.ts'
import { nova } from '../errors.ts'
import type { Host } from '../parts.ts'
import { clientOf } from './client.ts'
import { networkInfo } from './info.ts'
import { deletePorts, letGo } from './release.ts'

/** What a server asked for; null is nothing in particular. */
export type Requested = readonly NetworkRequest[] | null

export interface Allocation {
  readonly context: RequestContext
  readonly server: Server
  readonly requested: Requested
  /** Names or ids, for ports that are made. */
  readonly securityGroups?: readonly string[]
}

/** `networks: none`. nova/objects/network_request.py NetworkRequestList.no_allocate */
const wantsNone = (requested: Requested): boolean => requested?.length === 1 && requested[0]!.network_id === 'none'
const wantsAuto = (requested: Requested): boolean => requested?.length === 1 && requested[0]!.network_id === 'auto'

/** The interfaces that came to it, remembered. What had been done when it fails is undone. */
export async function allocate(host: Host, { context, server, requested, securityGroups = [] }: Allocation): Promise<NetworkInfo> {
  if (wantsNone(requested)) return []
  const client = clientOf(host, context)
  const { ports, wishes } = await requestedPorts(host, server, requested)
  const networks = await networksFor({ client, context, server, requested, wishes })
  if (networks.size === 0) return []
  const groups = await securityGroupIds(client, server, securityGroups)
  const claims = await createPorts(client, server, wishes, networks, groups)
  const made = claims.flatMap(({ created }) => created ?? [])
  const lasting = claims.flatMap(({ wish, created }) => (created ? [] : [wish.port_id!]))
  try {
    await takePorts(host, { client, server, claims, networks, ports })
  } catch (error) {
    await letGo(host, server.uuid, lasting)
    await deletePorts(host, made)
    for (const port of [...made, ...lasting]) await host.cell.virtualInterfaces.remove(server.uuid, port)
    throw error
  }
  const added = claims.map(({ wish, created }) => created ?? wish.port_id!)
  const info = await networkInfo(host, server, { added, preserved: lasting })
  return info.filter(({ id }) => added.includes(id!))
}

/** Its ports that exist, and one wish for each interface, with its network. nova/network/neutron.py API._validate_requested_port_ids */
async function requestedPorts(
  { neutron }: Host,
  server: Server,
  requested: Requested,
): Promise<{ ports: Map<string, NeutronPort>; wishes: NetworkRequest[] }> {
  const ports = new Map<string, NeutronPort>()
  const wishes: NetworkRequest[] = []
  if (!requested || wantsAuto(requested)) return { ports, wishes }
  for (const wish of requested) {
    if (!wish.port_id) {
      if (wish.network_id) wishes.push(wish)
      continue
    }
    const port = await neutron.own.show('ports', wish.port_id)
    if (!port) throw nova('PortNotFound', { port_id: wish.port_id })
    if (port.tenant_id !== server.projectId) throw nova('PortNotUsable', { port_id: port.id, instance: server.uuid })
    if (port.device_id) throw nova('PortInUse', { port_id: port.id })
    const name = port.dns_name
    if (name && name !== server.hostname)
      throw nova('PortNotUsableDNS', { port_id: port.id, instance: server.uuid, value: name, hostname: server.hostname })
    refuseFailedBinding(port)
    ports.set(port.id, port)
    wishes.push({ ...wish, network_id: port.network_id })
  }
  return { ports, wishes }
}

function refuseFailedBinding(port: NeutronPort): void {
  if (port['binding:vif_type'] === 'binding_failed') throw nova('PortBindingFailed', { port_id: port.id })
}

interface Choice {
  readonly client: NeutronClient
  readonly context: RequestContext
  readonly server: Server
  readonly requested: Requested
  /** One is added when a network is chosen for a server that named none. */
  readonly wishes: NetworkRequest[]
}

/** nova/network/neutron.py API._validate_requested_network_ids */
async function networksFor({ client, context, server, requested, wishes }: Choice): Promise<Map<string, NeutronNetwork>> {
  const auto = wantsAuto(requested)
  const ids = wishes.map(({ network_id }) => network_id!)
  let found = await available(client, server.projectId!, ids, auto)
  if (found.length === 0) {
    if (auto) found = [await autoAllocated(client, server.projectId!)]
    else {
      const missing = wishes.find(({ port_id }) => !port_id)
      if (missing) throw nova('NetworkNotFound', { network_id: missing.network_id })
      // nova/objects/network_request.py is_single_unspecified: an interface is wanted, and there is no network for it
      if (requested?.some(isUnspecified)) throw nova('InterfaceAttachFailedNoNetwork', { project_id: server.projectId })
      return new Map()
    }
  }
  if (!requested?.length || auto || (requested.length === 1 && isUnspecified(requested[0]!))) {
    if (found.length > 1) throw nova('NetworkAmbiguous')
    wishes.push({ ...requested?.[0], network_id: found[0]!.id })
  }
  const forbidden = context.isAdmin ? undefined : found.find((network) => network['router:external'] && !network.shared)
  if (forbidden) throw nova('ExternalNetworkAttachForbidden', { network_uuid: forbidden.id })
  return new Map(found.map((network) => [network.id, network]))
}

const isUnspecified = ({ network_id, port_id }: NetworkRequest): boolean => !network_id && !port_id

/** Those with these ids, or all that a project may use: its own and the shared ones. nova/network/neutron.py API._get_available_networks */
async function available(client: NeutronClient, projectId: string, ids: readonly string[], auto: boolean): Promise<NeutronNetwork[]> {
  if (ids.length > 0) return client.list('networks', { id: ids })
  const [own, shared] = await Promise.all([
    client.list('networks', { tenant_id: projectId, shared: false, ...(auto && { admin_state_up: true }) }),
    client.list('networks', { shared: true }),
  ])
  return [...own, ...shared]
}

async function autoAllocated(client: NeutronClient, projectId: string): Promise<NeutronNetwork> {
  try {
    const network = await client.show('networks', await client.autoAllocatedTopology(projectId))
    if (network) return network
  } catch (error) {
    if (neutronFault(error) === undefined) throw error
  }
  throw nova('UnableToAutoAllocateNetwork', { project_id: projectId })
}

/** The default group alone is what Neutron gives by itself. nova/network/neutron.py API._process_security_groups */
async function securityGroupIds(client: NeutronClient, server: Server, wanted: readonly string[]): Promise<string[]> {
  if (wanted.length === 0 || (wanted.length === 1 && wanted[0] === 'default')) return []
  const fields = ['id', 'name']
  const groups = await client.list('security-groups', { fields, tenant_id: server.projectId! })
  const known = (group: string) => groups.some(({ id, name }) => id === group || name === group)
  if (!wanted.every(known)) groups.push(...(await client.list('security-groups', { fields, shared: true })))
  return wanted.map((group) => {
    if (groups.some(({ id }) => id === group)) return group
    const named = groups.filter(({ name }) => name === group)
    if (named.length > 1) throw nova('NoUniqueMatch', { name: group })
    if (named.length === 0) throw nova('SecurityGroupNotFound', { security_group_id: group })
    return named[0]!.id
  })
}

/** An interface of the server: a port that was made for it, or the one that it asked for. */
interface Claim {
  readonly wish: NetworkRequest
  readonly created: string | null
}

/** nova/network/neutron.py API._create_ports_for_instance */
async function createPorts(
  client: NeutronClient,
  server: Server,
  wishes: readonly NetworkRequest[],
  networks: ReadonlyMap<string, NeutronNetwork>,
  groups: readonly string[],
): Promise<Claim[]> {
  const claims: Claim[] = []
  try {
    for (const wish of wishes) {
      const network = networks.get(wish.network_id!)
      if (!network) continue
      const secured = network.port_security_enabled ?? true
      if (secured ? network.subnets.length === 0 : groups.length > 0) throw nova('SecurityGroupCannotBeApplied')
      claims.push({ wish, created: wish.port_id ? null : await createPort(client, server, wish, groups) })
    }
  } catch (error) {
    for (const { created } of claims) if (created) await client.remove('ports', created)
    throw error
  }
  return claims
}

async function createPort(client: NeutronClient, server: Server, wish: NetworkRequest, groups: readonly string[]): Promise<string> {
  const { network_id, address } = wish
  try {
    const port = await client.create('ports', {
      device_id: server.uuid,
      ...(address && { fixed_ips: [{ ip_address: address }] }),
      network_id,
      admin_state_up: true,
      tenant_id: server.projectId,
      ...(groups.length > 0 && { security_groups: groups }),
    })
    refuseFailedBinding(port)
    return port.id
  } catch (error) {
    switch (neutronFault(error)) {
      case 'InvalidIpForNetwork':
      case 'InvalidIpForSubnet':
        throw nova('InvalidInput', { reason: `Fixed IP ${address} is not a valid ip address for network ${network_id}.` })
      case 'IpAddressInUse':
      case 'IpAddressAlreadyAllocated':
        throw nova('FixedIpAlreadyInUse', { address })
      case 'OverQuota':
        throw nova('PortLimitExceeded')
      case 'IpAddressGenerationFailure':
        throw nova('NoMoreFixedIps', { net: network_id })
      default:
        throw error
    }
  }
}

interface Taking {
  readonly client: NeutronClient
  readonly server: Server
  readonly claims: readonly Claim[]
  readonly networks: ReadonlyMap<string, NeutronNetwork>
  /** Those that were there before. */
  readonly ports: ReadonlyMap<string, NeutronPort>
}

/** The ports become the server's, on its host. nova/network/neutron.py API._update_ports_for_instance */
async function takePorts({ neutron, cell, name }: Host, { client, server, claims, networks, ports }: Taking): Promise<void> {
  const hasDns = await neutron.has('dns-integration')
  for (const { wish, created } of claims) {
    const id = created ?? wish.port_id!
    const hasDomain = Boolean(networks.get(wish.network_id!)!.dns_domain)
    const profile = ports.get(id)?.['binding:profile']
    const port = await updatePort(neutron.own, id, {
      device_id: server.uuid,
      device_owner: `compute:${server.availabilityZone}`,
      'binding:host_id': name,
      ...(profile && Object.keys(profile).length > 0 && { 'binding:profile': profile }),
      ...(hasDns && !hasDomain && { dns_name: server.hostname }),
    })
    await cell.virtualInterfaces.create({
      instanceUuid: server.uuid,
      uuid: id,
      address: `${port.mac_address}/${id}`,
      tag: wish.tag ?? null,
    })
    if (hasDns && hasDomain) await client.update('ports', id, { dns_name: server.hostname })
  }
}

async function updatePort(own: NeutronClient, id: string, values: object): Promise<NeutronPort> {
  try {
    const port = await own.update('ports', id, values)
    refuseFailedBinding(port)
    return port
  } catch (error) {
    switch (neutronFault(error)) {
      case 'MacAddressInUse':
        throw nova('PortInUse', { port_id: id })
      case 'HostNotCompatibleWithFixedIps':
        throw nova('FixedIpInvalidOnHost', { port_id: id })
      default:
        throw error
    }
  }
}
