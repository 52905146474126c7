/** Floating addresses of Neutron, as the compute API shows and makes them until 2.35. */
import type { RequestContext } from '../../oslo/context.ts'
import { PeerError } from '../../oslo/keystoneauth/errors.ts'
import { type NeutronClient, neutronFault, neutronText } from '../../peers/neutron.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { floatingIps, forgetFloatingIp, refusedPlainly, serverWithFloatingIp } from '../servers/floating-ips.ts'
import { neutronSays } from './neutron-says.ts'

export interface FloatingIp {
  readonly id: string
  readonly address: string
  readonly fixedAddress: string | null
  /** The name of the network that it is from or, where that has none, its id. */
  readonly pool: string
  readonly serverId: string | null
}

/** As Neutron has it. The port's details come along where it has the extension fip-port-details. */
interface Told {
  readonly id: string
  readonly floating_ip_address: string
  readonly floating_network_id: string
  readonly fixed_ip_address: string | null
  readonly port_id: string | null
  readonly port_details?: { readonly device_id?: string } | null
}

/** Those of the caller's project. Throws `networkNotFound` when one is of a network that the caller does not see. */
export async function listFloatingIps({ peers }: Backends, context: RequestContext): Promise<FloatingIp[]> {
  const neutron = peers.neutron.as(context)
  const tenant = { tenant_id: context.projectId ?? '' }
  const found = await neutronSays(() => floatingIps<Told>(neutron, tenant))
  if (found.length === 0) return []
  const ids = [...new Set(found.map((each) => each.floating_network_id))]
  const [networks, ports] = await Promise.all([
    neutron.list('networks', { id: ids }),
    found.some(({ port_details }) => port_details === undefined) ? neutron.list('ports', tenant) : [],
  ])
  return found.map((told) => {
    const network = networks.find(({ id }) => id === told.floating_network_id)
    if (!network) throw new Fault('networkNotFound', told.floating_network_id)
    const port = told.port_details === undefined ? ports.find(({ id }) => id === told.port_id) : told.port_details
    return shown(told, network, port)
  })
}

/** Throws `missing`. */
export async function findFloatingIp({ peers }: Backends, context: RequestContext, id: string): Promise<FloatingIp> {
  const neutron = peers.neutron.as(context)
  const told = (await neutronSays(() => neutron.show('floatingips', id))) as Told | undefined
  if (!told) throw new Fault('missing', `Floating IP not found for ID ${id}`)
  return complete(neutron, told)
}

/** A new one from a pool, by its name or id. Throws `missing`, `overQuota` and `badRequest`. */
export async function allocateFloatingIp(
  { peers, settings }: Backends,
  context: RequestContext,
  wanted: string | undefined,
): Promise<FloatingIp> {
  const neutron = peers.neutron.as(context)
  const pool = await poolNamed(neutron, wanted || settings.neutron.defaultFloatingPool)
  try {
    const made = await neutron.create('floatingips', { floating_network_id: pool })
    return await complete(neutron, made as unknown as Told)
  } catch (error) {
    throw allocationFault(error, wanted)
  }
}

/** Gives it back, and takes it off the server that had it. Throws `missing` and, where several have the address, `conflict`. */
export async function releaseFloatingIp(backends: Backends, context: RequestContext, id: string): Promise<void> {
  const neutron = backends.peers.neutron.as(context)
  const { address } = await findFloatingIp(backends, context, id)
  const server = await serverWithFloatingIp(backends, context, address)
  if (!(await refusedPlainly(() => neutron.remove('floatingips', id))))
    throw new Fault('missing', `Floating IP not found for address ${address}.`)
  if (server) await forgetFloatingIp(backends, server, address)
}

async function complete(neutron: NeutronClient, told: Told): Promise<FloatingIp> {
  const { floating_network_id, port_id, port_details } = told
  const [network, port] = await Promise.all([
    neutron.show('networks', floating_network_id),
    port_details === undefined && port_id ? neutron.show('ports', port_id) : port_details,
  ])
  if (!network) throw new Fault('missing', `Floating IP not found for ID ${told.id}`)
  return shown(told, network, port)
}

const shown = (
  { id, floating_ip_address, fixed_ip_address }: Told,
  network: { readonly id: string; readonly name: string },
  port: { readonly device_id?: string } | null | undefined,
): FloatingIp => ({
  id,
  address: floating_ip_address,
  fixedAddress: fixed_ip_address,
  pool: network.name || network.id,
  serverId: port?.device_id ?? null,
})

const uuidForm = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i

async function poolNamed(neutron: NeutronClient, pool: string): Promise<string> {
  const named: Readonly<Record<string, string>> = uuidForm.test(pool) ? { id: pool } : { name: pool }
  const found = await neutronSays(() => neutron.list('networks', { 'router:external': true, fields: 'id', ...named }))
  if (!found[0]) throw new Fault('missing', 'Floating IP pool not found.')
  if (found.length > 1) throw new Error(`several floating address pools are named ${pool}`)
  return found[0].id
}

/** Nova tells Neutron's refusals in words of its own. nova/api/openstack/compute/floating_ips.py FloatingIPController.create */
function allocationFault(error: unknown, pool: string | undefined): unknown {
  if (!(error instanceof PeerError)) return error
  const fault = neutronFault(error)
  if (fault === 'IpAddressGenerationFailure' || fault === 'ExternalIpAddressExhausted')
    return new Fault('missing', pool ? `No more floating IPs in pool ${pool}.` : 'No more floating IPs available.')
  if (fault === 'OverQuota') return new Fault('overQuota', pool ? `IP allocation over quota in pool ${pool}.` : 'IP allocation over quota.')
  if (error.status === 403) return new Fault('forbidden', neutronText(error))
  return error.status === 400 ? new Fault('badRequest', neutronText(error)) : error
}
