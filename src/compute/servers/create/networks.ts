/** The networks and ports that new servers ask for: whether they are there and free, and for how many servers there is room. */
import type { RequestContext } from '../../../oslo/context.ts'
import { PeerError } from '../../../oslo/keystoneauth/errors.ts'
import { type NeutronClient, type NeutronNetwork, type NeutronPort, neutronText } from '../../../peers/neutron.ts'
import type { Backends } from '../../backends.ts'
import { Fault } from '../../faults.ts'
import type { WantedNetworks, WantedNic } from './wanted.ts'

/** Throws what cannot be shared by several servers: ports and addresses. nova/compute/api.py API.create */
export function checkShareable(networks: WantedNetworks | null, max: number): void {
  if (max === 1 || !networks || typeof networks === 'string') return
  if (networks.some(({ networkId, address }) => networkId !== null && address !== null))
    throw new Fault('launchFailed', 'max_count cannot be greater than 1 if an fixed_ip is specified.')
  if (networks.some(({ portId }) => portId !== null))
    throw new Fault(
      'launchFailed',
      'Unable to launch multiple instances with a single configured port ID. Please launch your instance one by one with different ports.',
    )
}

/** How many of so many servers the project's quota of ports has room for. Throws what is wrong with the networks. nova/network/neutron.py validate_networks */
export async function serversWithPorts(
  { peers }: Backends,
  context: RequestContext,
  networks: WantedNetworks | null,
  max: number,
): Promise<number> {
  if (networks === 'none') return max
  const neutron = peers.neutron.as(context)
  const projectId = context.projectId ?? ''
  const each =
    Array.isArray(networks) && networks.length > 0 ? await checkNics(neutron, networks) : await checkOnly(neutron, projectId, networks)
  return each === 0 ? max : roomFor(neutron, projectId, each, max)
}

/** One port, on the only network that there is for the project. Returns the number of new ports. */
async function checkOnly(neutron: NeutronClient, projectId: string, networks: WantedNetworks | null): Promise<number> {
  const [own, shared] = await Promise.all([
    neutron.list('networks', { tenant_id: projectId, shared: false }),
    neutron.list('networks', { shared: true }),
  ])
  const count = own.length + shared.length
  if (count > 1) throw new Fault('networkAmbiguous')
  if (count === 0 && networks === 'auto' && !(await neutron.canAutoAllocate(projectId))) throw new Fault('cannotAutoAllocate', projectId)
  return 1
}

async function checkNics(neutron: NeutronClient, nics: readonly WantedNic[]): Promise<number> {
  const portIds = nics.flatMap(({ portId }) => portId ?? [])
  const networkIds = nics.flatMap(({ portId, networkId }) => (portId === null && networkId !== null ? networkId : []))
  const [ports, inUse, networks] = await Promise.all([
    portIds.length === 0 ? [] : neutron.list('ports', { id: portIds }),
    Promise.all(nics.map((nic) => addressInUse(neutron, nic))),
    networkIds.length === 0 ? [] : neutron.list('networks', { id: [...new Set(networkIds)] }),
  ])
  for (const [i, { portId, address }] of nics.entries()) {
    if (portId !== null)
      checkPort(
        portId,
        ports.find(({ id }) => id === portId),
      )
    else if (inUse[i] !== undefined) throw new Fault('fixedIpInUse', address, inUse[i])
  }
  checkNetworks(networkIds, networks)
  return networkIds.length
}

function checkPort(id: string, port: NeutronPort | undefined): void {
  if (!port) throw new Fault('portNotFound', id)
  if (port.device_id) throw new Fault('portInUse', id)
  // One that gets its address later, or never, is fine without
  const later = port.ip_allocation === 'deferred' || port.ip_allocation === 'none'
  if (!later && port.fixed_ips.length === 0) throw new Fault('portRequiresFixedIp', id)
}

/** The server that has the address already; undefined when nobody has. */
async function addressInUse(neutron: NeutronClient, { portId, networkId, address }: WantedNic): Promise<string | undefined> {
  if (portId !== null || networkId === null || address === null) return undefined
  const [port] = await neutron.list('ports', { network_id: networkId, fixed_ips: `ip_address=${address}`, fields: 'device_id' })
  return port?.device_id
}

function checkNetworks(wanted: readonly string[], networks: readonly NeutronNetwork[]): void {
  const found = new Map(networks.map((network) => [network.id, network]))
  for (const id of wanted) if (found.get(id)?.subnets.length === 0) throw new Fault('networkRequiresSubnet', id)
  const lost = [...new Set(wanted)].filter((id) => !found.has(id))
  if (lost.length > 0) throw new Fault('networkNotFound', lost.join(', '))
}

/** Ports are made by the computes, so nobody else has asked whether there is room for them. */
async function roomFor(neutron: NeutronClient, projectId: string, each: number, max: number): Promise<number> {
  const { port: limit = -1 } = await neutron.quota(projectId)
  if (limit === -1) return max
  const used = (await neutron.list('ports', { tenant_id: projectId, fields: 'id' })).length
  if (limit < used) throw new Fault('overQuota', `The number of defined ports: ${used} is over the limit: ${limit}`)
  return Math.min(max, Math.floor((limit - used) / each))
}

/** What Neutron does not let the caller do is told in its words (nova/network/neutron.py ClientWrapper); anything else is an error of ours. */
export function refusedByNeutron(error: unknown): never {
  if (error instanceof PeerError && error.status === 403) throw new Fault('forbidden', neutronText(error))
  throw error
}
