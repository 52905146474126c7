/** What a guest needs to set up its network without DHCP: network_data.json (nova/virt/netutils.py get_network_metadata). */
import type { NetworkInfo, Subnet, VIF } from '../../stores/objects/network-info.ts'
import { parseCidr } from './cidr.ts'

export interface NetworkData {
  readonly links: readonly Link[]
  readonly networks: readonly GuestNetwork[]
  readonly services: readonly Service[]
}

export interface Link {
  readonly id: string
  readonly vif_id: string | null
  readonly type: string
  readonly mtu: unknown
  readonly ethernet_mac_address: string | null
}

export interface GuestNetwork {
  readonly id: string
  readonly type: string
  readonly link: string
  readonly ip_address?: string | null
  /** Of version 4 and 6 alike a mask, not a length. */
  readonly netmask?: string
  readonly routes?: readonly Route[]
  readonly network_id: string | null
  readonly services?: readonly Service[]
}

export interface Route {
  readonly network: string
  readonly netmask: string
  readonly gateway: string | null | undefined
}

export interface Service {
  readonly type: 'dns'
  readonly address: string | null
}

/** Null for a server without interfaces. Of each network only the first subnet of each version counts, as in Nova. */
export function networkData(info: NetworkInfo): NetworkData | null {
  if (info.length === 0) return null
  const links: Link[] = []
  const networks: GuestNetwork[] = []
  const services: Service[] = []
  for (const [index, vif] of info.filter((vif) => vif.network && vif.network.subnets.length > 0).entries()) {
    const subnets = [firstSubnet(vif, 4), firstSubnet(vif, 6)].filter((subnet) => subnet !== undefined)
    if (subnets.length === 0) continue
    const link = linkOf(vif, index)
    links.push(link)
    for (const subnet of subnets) {
      if (subnet.ips.length === 0) continue
      networks.push(networkOf(vif, subnet, `network${networks.length}`, link.id))
      services.push(...servicesOf(subnet).filter((service) => !services.some(({ address }) => address === service.address)))
    }
  }
  return { links, networks, services }
}

export const firstSubnet = (vif: VIF, version: 4 | 6): Subnet | undefined =>
  vif.network!.subnets.find((subnet) => subnet.version === version)

/** The types that guests know from before Neutron; all others are physical to them (nova/network/model.py LEGACY_EXPOSED_VIF_TYPES). */
const shownTypes: readonly unknown[] = ['bridge', 'dvs', 'hw_veb', 'hyperv', 'ovs', 'tap', 'vhostuser', 'vif']

const linkOf = (vif: VIF, index: number): Link => ({
  id: vif.devname || `interface${index}`,
  vif_id: vif.id,
  type: shownTypes.includes(vif.type) ? vif.type! : 'phy',
  mtu: mtuOf(vif),
  ethernet_mac_address: vif.address,
})

/** Where there is DHCP it tells the MTU. */
const mtuOf = ({ network }: VIF): unknown => (network!.subnets.some(({ meta }) => meta.dhcp_server) ? null : (network!.meta.mtu ?? null))

function networkOf(vif: VIF, subnet: Subnet, id: string, link: string): GuestNetwork {
  const { meta, cidr, version } = subnet
  const network_id = vif.network!.id
  const mode = meta.ipv6_address_mode ?? null
  if (mode === null && ((meta.dhcp_server ?? null) !== null || meta.enable_dhcp))
    return { id, type: `ipv${version}_dhcp`, link, network_id }
  return {
    id,
    type: `ipv${version}${mode === null ? '' : `_${mode}`}`,
    link,
    ip_address: subnet.ips[0]!.address,
    netmask: parseCidr(cidr!).netmask,
    routes: [...defaultRoute(subnet), ...subnet.routes.map(routeOf)],
    network_id,
    services: servicesOf(subnet),
  }
}

function defaultRoute({ gateway, version }: Subnet): Route[] {
  if (!gateway?.address) return []
  const any = version === 4 ? '0.0.0.0' : '::'
  return [{ network: any, netmask: any, gateway: gateway.address }]
}

function routeOf({ cidr, gateway }: Subnet['routes'][number]): Route {
  const { network, netmask } = parseCidr(cidr!)
  return { network, netmask, gateway: gateway?.address }
}

const servicesOf = ({ dns }: Subnet): Service[] => dns.map(({ address }) => ({ type: 'dns', address }))
