/**
 * The network configuration of guests on networks that are marked as injected ([DEFAULT] flat_injected of the computes), in the form of Debian's
 * /etc/network/interfaces (nova/virt/netutils.py get_injected_network_template with Nova's own template).
 */
import type { NetworkInfo, Subnet, VIF } from '../../stores/objects/network-info.ts'
import { parseCidr } from './cidr.ts'
import { firstSubnet } from './network-data.ts'

/** Whether this is Nova's own template, wherever its package lies; others need Jinja, which is not there. */
export const isOwnTemplate = (template: string): boolean => /(^|\/)nova\/virt\/interfaces\.template$/.test(template)

/** The text of the file; null when no interface is to be configured so. */
export function injectedNetwork(info: NetworkInfo): string | null {
  const interfaces = info
    .filter((vif) => vif.network && vif.network.subnets.length > 0)
    .map((vif, index) => interfaceOf(vif, `eth${index}`))
    .filter((each) => each !== null)
  if (interfaces.length === 0) return null
  return (
    heading +
    interfaces
      .map(({ name, blocks }) => `\nauto ${name}\n${blocks.map((lines) => lines.join('\n')).join('\n')}${blocks.length > 0 ? '\n' : ''}`)
      .join('')
  )
}

const heading = `# Injected by Nova on instance boot
#
# This file describes the network interfaces available on your system
# and how to activate them. For more information, see interfaces(5).

# The loopback network interface
auto lo
iface lo inet loopback
`

interface Interface {
  readonly name: string
  /** One for each version of addresses. */
  readonly blocks: readonly (readonly string[])[]
}

/** Null when it is not to be injected, or has DHCP. */
function interfaceOf(vif: VIF, name: string): Interface | null {
  if (!vif.network!.meta.injected) return null
  const subnets = [firstSubnet(vif, 4), firstSubnet(vif, 6)].filter((subnet) => subnet !== undefined)
  if (subnets.some(({ meta }) => (meta.dhcp_server ?? null) !== null)) return null
  return { name, blocks: subnets.filter(({ ips }) => ips.length > 0).map((subnet) => blockOf(vif, subnet, name)) }
}

function blockOf(vif: VIF, { cidr, version, ips, gateway, dns }: Subnet, name: string): string[] {
  const { netmask, prefix, broadcast } = parseCidr(cidr!)
  const servers = dns.map(({ address }) => address).join(' ')
  return [
    `iface ${name} ${version === 4 ? 'inet' : 'inet6'} static`,
    `    hwaddress ether ${vif.address}`,
    `    address ${ips[0]!.address}`,
    `    netmask ${version === 4 ? netmask : prefix}`,
    ...(version === 4 ? [`    broadcast ${broadcast}`] : []),
    ...(gateway?.address ? [`    gateway ${gateway.address}`] : []),
    ...(servers ? [`    dns-nameservers ${servers}`] : []),
  ]
}
