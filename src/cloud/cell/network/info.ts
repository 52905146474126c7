/** The network of a server as the cell remembers it: Nova's own model of its interfaces, built from what Neutron says. */
import type { NeutronClient, NeutronNetwork, NeutronPort } from '../../../peers/neutron.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import type { FixedIP, IP, Network, NetworkInfo, Subnet, VIF } from '../../../stores/objects/network-info.ts'
import type { CellParts } from '../parts.ts'
import { loadServer, networkInfoOf } from '../server.ts'

export interface Refresh {
  /** All ports of the server, in the order in which they were given to it, instead of those that are remembered. */
  readonly all?: boolean
  /** This port alone: it is added, refreshed or, when it is gone, left out. */
  readonly port?: string
  /** Ports that come after those that are remembered. */
  readonly added?: readonly string[]
  /** Ports that outlive the server, beside those that are remembered as such. */
  readonly preserved?: readonly string[]
}

/** Asks Neutron, remembers the answer and returns it. nova/network/neutron.py API.get_instance_nw_info */
export function networkInfo(parts: CellParts, { uuid }: Pick<Server, 'uuid'>, refresh: Refresh = {}): Promise<NetworkInfo> {
  return parts.work.inTurn(`network-info ${uuid}`, async () => {
    const server = await loadServer(parts.cell, uuid)
    const before = networkInfoOf(server)
    const after = await refreshed(parts, server, before, refresh)
    await remember(parts, uuid, before, after)
    return after
  })
}

/** Forgets the server's network, or one port of it. */
export function forgetNetwork(parts: CellParts, { uuid }: Pick<Server, 'uuid'>, port?: string): Promise<void> {
  return parts.work.inTurn(`network-info ${uuid}`, async () => {
    const server = await parts.cell.servers.find(uuid)
    const before = server ? networkInfoOf(server) : []
    const after = port === undefined ? [] : before.filter(({ id }) => id !== port)
    await remember(parts, uuid, before, after)
  })
}

async function remember({ cell }: CellParts, uuid: string, before: NetworkInfo, after: NetworkInfo): Promise<void> {
  const text = JSON.stringify(after)
  if (text !== JSON.stringify(before)) await cell.networkInfo.set(uuid, text)
}

async function refreshed(parts: CellParts, server: Server, before: NetworkInfo, refresh: Refresh): Promise<NetworkInfo> {
  const { all = false, port, added = [], preserved = [] } = refresh
  const known = before.map(({ id }) => id!)
  const wanted = [...known.filter((id) => !added.includes(id)), ...added]
  if (!all && port === undefined && wanted.length === 0) return []
  const ports = await parts.neutron.own.list('ports', { tenant_id: server.projectId ?? '', device_id: server.uuid })
  const order = all ? await givenOrder(parts, server.uuid, ports) : wanted
  const lasting = new Set([...preserved, ...preservedPorts(before)])
  if (port !== undefined) {
    const fresh = await describe(
      parts,
      ports.filter(({ id }) => id === port),
      lasting,
    )
    if (!known.includes(port)) return [...before, ...fresh]
    return before.flatMap((vif) => (vif.id === port ? fresh : [vif]))
  }
  const found = order.flatMap((id) => ports.find((one) => one.id === id) ?? [])
  return describe(parts, found, lasting)
}

/** Ports that the user made, and that are only let go of. */
export const preservedPorts = (info: NetworkInfo): string[] => info.flatMap((vif) => (vif.preserve_on_delete ? [vif.id!] : []))

/** nova/network/neutron.py API._get_ordered_port_list */
async function givenOrder({ cell }: CellParts, uuid: string, ports: readonly NeutronPort[]): Promise<string[]> {
  const given = (await cell.virtualInterfaces.of(uuid)).map((row) => row.uuid!).filter((id) => ports.some((port) => port.id === id))
  const others = ports.map(({ id }) => id).filter((id) => !given.includes(id))
  return [...given, ...others]
}

interface NeutronSubnet {
  readonly id: string
  readonly network_id: string
  readonly cidr: string
  readonly ip_version: number
  readonly gateway_ip: string | null
  readonly enable_dhcp: boolean
  readonly ipv6_address_mode?: string | null
  readonly dns_nameservers?: readonly string[]
  readonly host_routes?: readonly { destination: string; nexthop: string }[]
}

interface FloatingIp {
  readonly port_id: string | null
  readonly fixed_ip_address: string | null
  readonly floating_ip_address: string
}

/** What the descriptions of some ports need, in a number of requests that does not depend on how many they are. */
interface Surroundings {
  readonly networks: ReadonlyMap<string, NeutronNetwork>
  readonly subnets: readonly NeutronSubnet[]
  readonly dhcp: readonly NeutronPort[]
  readonly floating: readonly FloatingIp[]
}

const distinct = (values: readonly string[]): string[] => [...new Set(values)]

async function surroundings(own: NeutronClient, ports: readonly NeutronPort[]): Promise<Surroundings> {
  const networkIds = distinct(ports.map(({ network_id }) => network_id))
  const subnetIds = distinct(ports.flatMap(({ fixed_ips }) => fixed_ips.map(({ subnet_id }) => subnet_id)))
  const [networks, subnets, dhcp, floating] = await Promise.all([
    own.list('networks', { id: networkIds }),
    subnetIds.length === 0 ? [] : own.list('subnets', { id: subnetIds }),
    own.list('ports', { network_id: networkIds, device_owner: 'network:dhcp' }),
    own.list('floatingips', { port_id: ports.map(({ id }) => id) }),
  ])
  return {
    networks: new Map(networks.map((network) => [network.id, network])),
    subnets: subnets as unknown as NeutronSubnet[],
    dhcp,
    floating: floating as unknown as FloatingIp[],
  }
}

async function describe(
  { neutron, settings }: CellParts,
  ports: readonly NeutronPort[],
  lasting: ReadonlySet<string>,
): Promise<NetworkInfo> {
  if (ports.length === 0) return []
  const around = await surroundings(neutron.own, ports)
  return ports.map((port) => vifOf(port, around, settings.bridge, lasting.has(port.id)))
}

/** As far as Linux lets names of interfaces go. nova/network/model.py NIC_NAME_LEN */
const nameLength = 14

// nova/network/neutron.py API._build_vif_model
function vifOf(port: NeutronPort, around: Surroundings, bridge: string, preserve: boolean): VIF {
  const type = port['binding:vif_type'] ?? null
  const details = port['binding:vif_details'] ?? {}
  const isOvs = type === 'ovs'
  return {
    id: port.id,
    address: port.mac_address,
    network: networkOf(port, around, isOvs ? String(details.bridge_name ?? bridge).slice(0, nameLength) : null),
    type,
    details,
    devname: `tap${port.id}`.slice(0, nameLength),
    ovs_interfaceid: isOvs ? port.id : null,
    qbh_params: null,
    qbg_params: null,
    active: !port.admin_state_up || port.status === 'ACTIVE',
    vnic_type: port['binding:vnic_type'] ?? 'normal',
    profile: port['binding:profile'] ?? {},
    preserve_on_delete: preserve,
    delegate_create: true,
    meta: {},
  }
}

const tunnels = new Set(['vxlan', 'gre', 'geneve'])

function networkOf(port: NeutronPort, around: Surroundings, bridge: string | null): Network {
  const network = around.networks.get(port.network_id)
  const type = network?.['provider:network_type']
  const subnetIds = port.fixed_ips.map(({ subnet_id }) => subnet_id)
  return {
    id: port.network_id,
    bridge,
    label: network?.name ?? null,
    subnets: around.subnets.filter(({ id }) => subnetIds.includes(id)).map((subnet) => subnetOf(subnet, port, around)),
    meta: {
      injected: false,
      tenant_id: network?.tenant_id ?? port.tenant_id,
      mtu: network?.mtu ?? null,
      physical_network: (network?.['provider:physical_network'] as string | null | undefined) ?? null,
      tunneled: typeof type === 'string' && tunnels.has(type),
    },
  }
}

function subnetOf(subnet: NeutronSubnet, port: NeutronPort, { dhcp, floating }: Surroundings): Subnet {
  const server = dhcp.flatMap(({ fixed_ips }) => fixed_ips).find(({ subnet_id }) => subnet_id === subnet.id)
  return {
    cidr: subnet.cidr,
    dns: (subnet.dns_nameservers ?? []).map((address) => ipOf(address, 'dns')),
    gateway: ipOf(subnet.gateway_ip, 'gateway'),
    ips: port.fixed_ips
      .filter(({ subnet_id }) => subnet_id === subnet.id)
      .map(({ ip_address }) =>
        fixedIpOf(
          ip_address,
          floating.filter((ip) => ip.port_id === port.id && ip.fixed_ip_address === ip_address),
        ),
      ),
    routes: (subnet.host_routes ?? []).map(({ destination, nexthop }) => ({
      cidr: destination,
      gateway: ipOf(nexthop, 'gateway'),
      interface: null,
      meta: {},
    })),
    version: subnet.ip_version,
    meta: {
      enable_dhcp: subnet.enable_dhcp,
      ...(subnet.ipv6_address_mode && { ipv6_address_mode: subnet.ipv6_address_mode }),
      ...(server && { dhcp_server: server.ip_address }),
    },
  }
}

const fixedIpOf = (address: string, floating: readonly FloatingIp[]): FixedIP => ({
  ...ipOf(address, 'fixed'),
  floating_ips: floating.map((ip) => ipOf(ip.floating_ip_address, 'floating')),
})

const ipOf = (address: string | null, type: string): IP => ({
  address,
  type,
  version: address === null ? null : address.includes(':') ? 6 : 4,
  meta: {},
})
