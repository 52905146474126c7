/** Interfaces of servers: their ports, and attaching and detaching them. */
import type { RequestContext } from '../../oslo/context.ts'
import type { NeutronPort } from '../../peers/neutron.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { Backends } from '../backends.ts'
import { Fault, type FaultKind } from '../faults.ts'
import { ask, refusalOf } from './ask.ts'
import { isAcceleratorPort, portAcceleratorText, refuseLocked } from './checks.ts'
import { detailsOf } from './details.ts'
import { inCellOr } from './in-cell.ts'
import { recordAction } from './record-action.ts'
import { checkState } from './states.ts'
import { startTask, toCompute } from './task.ts'
import { usual } from './to-wire.ts'

export type Port = NeutronPort

export const portsOf = ({ peers }: Backends, context: RequestContext, { uuid }: Server): Promise<NeutronPort[]> =>
  peers.neutron.as(context).list('ports', { device_id: uuid })

/** The tags that ports were attached with, by port; a server that no cell holds yet has none. */
export async function tagsOfPorts(backends: Backends, server: Server): Promise<Map<string, string | null>> {
  const rows = await inCellOr(backends, server, [], (cell) => cell.virtualInterfaces.of(server.uuid))
  return new Map(rows.map((row) => [row.uuid!, row.tag]))
}

/** A port that is the server's. Throws `missing` and `forbidden`. */
export async function findPort(backends: Backends, context: RequestContext, { uuid }: Server, id: string): Promise<NeutronPort> {
  const port = await showPort(backends, context, id)
  if (port.device_id !== uuid) throw new Fault('missing', `Instance ${uuid} does not have a port with id ${id}`)
  return port
}

async function showPort({ peers }: Backends, context: RequestContext, id: string): Promise<NeutronPort> {
  const port = await peers.neutron.as(context).show('ports', id)
  if (!port) throw new Fault('missing', `Port id ${id} could not be found.`)
  return port
}

export interface Attachment {
  readonly networkId: string | null
  readonly portId: string | null
  readonly address: string | null
  readonly tag: string | null
}

/** What computes refuse with. */
const refusals: Readonly<Record<string, FaultKind>> = {
  AttachInterfaceNotSupported: 'badRequest',
  ExtendedResourceRequestOldCompute: 'badRequest',
  FixedIpAlreadyInUse: 'conflict',
  ForbiddenPortsWithAccelerator: 'badRequest',
  ForbiddenWithRemoteManagedPorts: 'badRequest',
  InstanceIsLocked: 'conflict',
  InterfaceAttachFailedNoNetwork: 'badRequest',
  InterfaceAttachPciClaimFailed: 'badRequest',
  InterfaceAttachResourceAllocationFailed: 'badRequest',
  NetworkAmbiguous: 'badRequest',
  NetworkInterfaceTaggedAttachNotSupported: 'badRequest',
  NetworkNotFound: 'missing',
  NetworksWithQoSPolicyNotSupported: 'badRequest',
  NoMoreFixedIps: 'badRequest',
  PortInUse: 'conflict',
  PortLimitExceeded: 'forbidden',
  PortNotFound: 'missing',
  PortNotUsable: 'badRequest',
  SecurityGroupCannotBeApplied: 'badRequest',
  InterfaceAttachFailed: 'attachFailed',
}

/** Waits for the compute; the id of the port. */
export async function attachInterface(
  backends: Backends,
  context: RequestContext,
  server: Server,
  { networkId, portId, address, tag }: Attachment,
): Promise<string> {
  refuseLocked(context, server)
  checkState(server, 'attachInterface')
  await recordAction(backends, context, server, 'attach_interface')
  if (portId) await refuseAcceleratorPort(backends, context, portId)
  const args = { network_id: networkId, port_id: portId, requested_ip: address, tag }
  try {
    return (await ask(backends, context, server, 'attach_interface', args)).id
  } catch (error) {
    throw refusalOf(error, refusals)
  }
}

/** Looked at with the caller's token, but as an admin: a port that is not to be seen is not there. The compute then looks as itself. */
async function refuseAcceleratorPort(backends: Backends, context: RequestContext, id: string): Promise<void> {
  const port = await showPort(backends, { ...context, isAdmin: true }, id)
  if (isAcceleratorPort(port['binding:vnic_type'])) throw new Fault('badRequest', portAcceleratorText)
}

export async function detachInterface(backends: Backends, context: RequestContext, server: Server, portId: string): Promise<void> {
  refuseLocked(context, server)
  checkState(server, 'detachInterface')
  if (server.networkInfo?.some((vif) => vif.id === portId && isAcceleratorPort(vif.vnic_type)))
    throw new Fault('badRequest', portAcceleratorText)
  const details = detailsOf(backends, server)
  await startTask(backends, context, details, {
    action: 'detach_interface',
    fields: [...usual, 'device_metadata'],
    send: toCompute(backends, context, details, 'detach_interface', { port_id: portId }),
  })
}
