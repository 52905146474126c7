/** Ports of servers that no compute takes care of. */
import type { RequestContext } from '../../oslo/context.ts'
import { PeerError } from '../../oslo/keystoneauth/errors.ts'
import { profileWithoutDevice } from '../../peers/neutron.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { Backends } from '../backends.ts'
import { inCell } from './in-cell.ts'

/** Deletes the ports that were made for a server and sets free those that were there before. nova/network/neutron.py API.deallocate_for_instance */
export async function releasePorts(backends: Backends, context: RequestContext, server: Server): Promise<void> {
  const { peers } = backends
  const neutron = peers.neutron.as(context)
  const ports = await neutron.list('ports', { device_id: server.uuid })
  const kept = new Set((server.networkInfo ?? []).filter((vif) => vif.preserve_on_delete).map(({ id }) => id))
  for (const id of kept) await setFree(backends, context, id)
  const failures: unknown[] = []
  for (const { id } of ports) if (!kept.has(id)) await neutron.remove('ports', id).catch((error) => failures.push(error))
  if (failures.length > 0) throw failures[0]
  await inCell(backends, server, async (cell) => {
    await cell.virtualInterfaces.remove(server.uuid)
    await cell.networkInfo.set(server.uuid, '[]')
  })
}

/** A failure is only told to the log: the server goes anyway. nova/network/neutron.py API._unbind_ports */
async function setFree({ peers, log }: Backends, context: RequestContext, id: string): Promise<void> {
  const neutron = peers.neutron.as(context)
  try {
    const port = await neutron.show('ports', id)
    if (!port) return
    const network = port.network_id ? await neutron.show('networks', port.network_id) : undefined
    const named = await peers.neutron.has('dns-integration')
    // Where the network has a domain, the names are the owner's
    const ownersName = named && Boolean(network?.dns_domain)
    await peers.neutron.own.update('ports', id, {
      'binding:host_id': null,
      device_id: '',
      device_owner: '',
      'binding:profile': profileWithoutDevice(port),
      ...(named && !ownersName && { dns_name: '' }),
    })
    if (ownersName) await neutron.update('ports', id, { dns_name: '' })
  } catch (error) {
    if (!(error instanceof PeerError)) throw error
    log.warning(`The port ${id} could not be set free: ${error.message}`, { context })
  }
}
