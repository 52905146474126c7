/** Whose address it is that asks: what Neutron says of its ports. */
import type { NeutronClient } from '../../peers/neutron.ts'

export interface Owner {
  readonly serverId: string
  readonly projectId: string
}

/** How many servers' ports have the address; one means that it says something. */
class AmbiguousAddress extends Error {
  override readonly name = 'AmbiguousAddress'
}

/** The server with this fixed address. Undefined when there is none, `AmbiguousAddress` when there are several. nova/network/neutron.py get_fixed_ip_by_address */
export async function serverAt(neutron: NeutronClient, address: string): Promise<string | undefined> {
  const ports = await neutron.list('ports', { fixed_ips: `ip_address=${address}` })
  const ids = ports.flatMap(({ device_id }) => (device_id ? [device_id] : []))
  if (ids.length > 1) throw new AmbiguousAddress(`More than one instance is associated with fixed IP address '${address}'.`)
  return ids[0]
}

/** Networks that are asked for at once: more would make the address too long (nova/api/metadata/handler.py MAX_QUERY_NETWORKS). */
const networksBatch = 160

/** The networks that a metadata provider is connected to: a load balancer that is the same for all of them. */
export async function networksOfProvider(neutron: NeutronClient, provider: string): Promise<string[]> {
  const subnets = await neutron.list('subnets', { advanced_service_providers: [provider], fields: ['network_id'] })
  return subnets.map((subnet) => String(subnet.network_id))
}

/** The owners of ports with this fixed address in any of the networks. */
export async function ownersAt(neutron: NeutronClient, address: string, networks: readonly string[]): Promise<Owner[]> {
  const owners: Owner[] = []
  for (let from = 0; from < networks.length; from += networksBatch) {
    const ports = await neutron.list('ports', {
      fixed_ips: `ip_address=${address}`,
      network_id: networks.slice(from, from + networksBatch),
      fields: ['device_id', 'tenant_id'],
    })
    owners.push(...ports.map(({ device_id, tenant_id }) => ({ serverId: device_id, projectId: tenant_id })))
  }
  return owners
}
