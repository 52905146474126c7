/** Floating addresses on servers, until 2.43: a port of Neutron's is told, and what the cell remembers of the network follows. */
import { isIPv4 } from 'node:net'
import type { RequestContext } from '../../oslo/context.ts'
import { isStatus, PeerError } from '../../oslo/keystoneauth/errors.ts'
import { type NeutronClient, neutronText } from '../../peers/neutron.ts'
import type { Server, Vif } from '../../stores/cell/servers.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { isExpired } from '../refused-elsewhere.ts'
import { findServer } from './find.ts'
import { inCell } from './in-cell.ts'

interface FloatingIp {
  readonly id: string
  readonly floating_ip_address: string
  readonly port_id: string | null
}

/** Puts an address on one of the server's own, the first IPv4 one unless `fixed` says which. */
export async function addFloatingIp(
  backends: Backends,
  context: RequestContext,
  server: Server,
  address: string,
  fixed: string | undefined,
): Promise<void> {
  const target = fixedAddress(server, address, fixed)
  const neutron = backends.peers.neutron.as(context)
  const before = await associate(neutron, server, address, target).catch((error: unknown) => {
    throw associationFault(error, server, address, target)
  })
  await remember(backends, server, (vifs) => withFloating(vifs, target, address))
  if (before) await forgetElsewhere(backends, context, server, before, address)
}

/** The port that had the address until then. */
async function associate(neutron: NeutronClient, server: Server, address: string, fixed: string): Promise<string | null> {
  const port = await portWith(neutron, server, fixed)
  const floating = await only(neutron, address)
  await neutron.update('floatingips', floating.id, { port_id: port, fixed_ip_address: fixed })
  return floating.port_id
}

/** nova/api/openstack/compute/floating_ips.py FloatingIPActionController._add_floating_ip: whatever goes wrong is a bad request, even a token */
function associationFault(error: unknown, { uuid }: Server, address: string, fixed: string): unknown {
  if (error instanceof Fault && error.kind === 'missing') return new Fault('missing', 'floating IP not found')
  if (!(error instanceof Fault || error instanceof PeerError)) return error
  const why = error instanceof PeerError ? wordsOf(error) : error.message
  const status = error instanceof PeerError ? error.status : undefined
  if (status === 403) return new Fault('forbidden', why)
  if (status === 409) return new Fault('badRequest', why)
  return new Fault('badRequest', `Unable to associate floating IP ${address} to fixed IP ${fixed} for instance ${uuid}. Error: ${why}`)
}

/** nova/network/neutron.py ClientWrapper */
function wordsOf(error: PeerError): string {
  if (error.status !== 401) return neutronText(error)
  return isExpired(error) ? 'Not authorized.' : 'Networking client is experiencing an unauthorized exception.'
}

/** The server that had the address does not show it any longer. nova/network/neutron.py API._update_inst_info_cache_for_disassociated_fip: nothing fails with it */
async function forgetElsewhere(
  backends: Backends,
  context: RequestContext,
  server: Server,
  portId: string,
  address: string,
): Promise<void> {
  try {
    const port = await backends.peers.neutron.as(context).show('ports', portId)
    if (port?.device_id && port.device_id !== server.uuid)
      await forgetFloatingIp(backends, await findServer(backends, context, port.device_id), address)
  } catch (error) {
    backends.log.warning(`The server that had ${address} before may still show it: ${(error as Error).message}`, { context })
  }
}

function fixedAddress({ networkInfo, uuid }: Server, address: string, fixed: string | undefined): string {
  if (!networkInfo || networkInfo.length === 0) throw new Fault('badRequest', 'Instance network is not ready yet')
  const addresses = networkInfo.flatMap((vif) => vif.network.subnets.flatMap((subnet) => subnet.ips.map((ip) => ip.address)))
  if (addresses.length === 0) throw new Fault('badRequest', 'No fixed IPs associated to instance')
  if (fixed !== undefined && !addresses.includes(fixed)) throw new Fault('badRequest', 'Specified fixed address not assigned to instance')
  const target = fixed || addresses.find((each) => isIPv4(each))
  if (!target)
    throw new Fault(
      'badRequest',
      `Unable to associate floating IP ${address} to any fixed IPs for instance ${uuid}. Instance has no fixed IPv4 addresses to associate.`,
    )
  return target
}

/** Of several on networks of their own, the last. nova/network/neutron.py API._get_port_id_by_fixed_address */
async function portWith(neutron: NeutronClient, { uuid, availabilityZone }: Server, fixed: string): Promise<string> {
  const ports = await neutron.list('ports', { device_id: uuid, device_owner: `compute:${availabilityZone ?? 'None'}` })
  const found = ports.findLast((port) => port.fixed_ips.some((ip) => ip.ip_address === fixed))
  if (!found) throw new Fault('badRequest', `Fixed IP not found for address ${fixed}.`)
  return found.id
}

/** A Neutron without routers has none. nova/network/neutron.py API._safe_get_floating_ips */
export async function floatingIps<T>(neutron: NeutronClient, query: Readonly<Record<string, string>>): Promise<T[]> {
  try {
    return (await neutron.list('floatingips', query)) as unknown as T[]
  } catch (error) {
    if (isStatus(error, 404)) return []
    throw error
  }
}

/** Throws `missing` and, where several have the address, `conflict`. */
async function only(neutron: NeutronClient, address: string): Promise<FloatingIp> {
  const found = await floatingIps<FloatingIp>(neutron, { floating_ip_address: address })
  if (!found[0]) throw new Fault('missing', `Floating IP not found for address ${address}.`)
  if (found.length > 1) throw new Fault('conflict', `Multiple floating IPs are found for address ${address}.`)
  return found[0]
}

/** The server that has a floating address, if any: a rule is asked about it before anything is changed. */
export async function serverWithFloatingIp(backends: Backends, context: RequestContext, address: string): Promise<Server | undefined> {
  const neutron = backends.peers.neutron.as(context)
  const { port_id } = await only(neutron, address)
  const port = port_id ? await neutron.show('ports', port_id) : undefined
  return port?.device_id ? findServer(backends, context, port.device_id) : undefined
}

/** Takes an address off the server. */
export async function removeFloatingIp(backends: Backends, context: RequestContext, server: Server, address: string): Promise<void> {
  const neutron = backends.peers.neutron.as(context)
  await refusedPlainly(async () => {
    const floating = await only(neutron, address)
    await neutron.update('floatingips', floating.id, { port_id: null })
  })
  await forgetFloatingIp(backends, server, address)
}

/** Of taking addresses away Neutron's refusals are told without its words. nova/api/openstack/compute/floating_ips.py disassociate_floating_ip */
export async function refusedPlainly<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw isStatus(error, 403) ? new Fault('forbidden', 'Access was denied to this resource.') : error
  }
}

/** An address that Neutron no longer has on the server goes from what the cell remembers of it. */
export const forgetFloatingIp = (backends: Backends, server: Server, address: string): Promise<void> =>
  remember(backends, server, (vifs) => withoutFloating(vifs, address))

/** The cache as it will be once the computes have looked; until then lists would show the old addresses. */
async function remember(backends: Backends, server: Server, change: (vifs: readonly Vif[]) => readonly Vif[]): Promise<void> {
  await inCell(backends, server, async (cell) => {
    const now = await cell.servers.find(server.uuid)
    if (now?.networkInfo) await cell.networkInfo.set(server.uuid, JSON.stringify(change(now.networkInfo)))
  })
}

type Ips = Vif['network']['subnets'][number]['ips']

const withIps = (vifs: readonly Vif[], change: (ips: Ips) => Ips): Vif[] =>
  vifs.map((vif) => ({
    ...vif,
    network: { ...vif.network, subnets: vif.network.subnets.map((subnet) => ({ ...subnet, ips: change(subnet.ips) })) },
  }))

const withoutFloating = (vifs: readonly Vif[], address: string): Vif[] =>
  withIps(vifs, (ips) =>
    ips.map((ip) => (ip.floating_ips ? { ...ip, floating_ips: ip.floating_ips.filter((each) => each.address !== address) } : ip)),
  )

const withFloating = (vifs: readonly Vif[], fixed: string, address: string): Vif[] =>
  withIps(withoutFloating(vifs, address), (ips) =>
    ips.map((ip) =>
      ip.address === fixed
        ? { ...ip, floating_ips: [...(ip.floating_ips ?? []), { address, type: 'floating', version: 4, meta: {} }] }
        : ip,
    ),
  )
