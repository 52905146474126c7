/** Ports of a server that changes its host: where they are bound, and where they may be while a live migration is under way. */
import type { NeutronPort } from '../../../peers/neutron.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import { nova } from '../errors.ts'
import type { CellParts } from '../parts.ts'
import { networkInfoOf } from '../server.ts'

type Moving = Pick<Server, 'uuid' | 'projectId' | 'availabilityZone' | 'networkInfo'>

const portsOf = ({ neutron }: CellParts, { uuid, projectId }: Moving): Promise<NeutronPort[]> =>
  neutron.own.list('ports', { device_id: uuid, tenant_id: projectId ?? '' })

/** Binds the server's ports to a host. nova/network/neutron.py API._update_port_binding_for_instance */
export async function bindTo(parts: CellParts, server: Moving, host: string): Promise<void> {
  for (const port of await portsOf(parts, server)) {
    const { migrating_to, ...profile } = port['binding:profile'] ?? {}
    const lost = port['binding:vif_type'] === 'unbound' || port['binding:vif_type'] === 'binding_failed'
    if (port['binding:host_id'] === host && !lost) continue
    await parts.neutron.own.update('ports', port.id, {
      'binding:host_id': host,
      device_owner: `compute:${server.availabilityZone}`,
      ...(migrating_to !== undefined && { 'binding:profile': profile }),
    })
  }
}

/** Whether ports can wait for a host while they are bound to another. */
const hasWaitingBindings = ({ neutron }: CellParts): Promise<boolean> => neutron.has('binding-extended')

/** Lets the ports wait for a host to which the server may go. Undone when one of them cannot. nova/network/neutron.py API.bind_ports_to_host */
export async function prepareBindings(parts: CellParts, server: Moving, host: string): Promise<void> {
  const { own } = parts.neutron
  const done: string[] = []
  for (const { id, vnic_type, profile } of networkInfoOf(server)) {
    try {
      if (!(await own.binding(id!, host))) await own.bind(id!, { host, vnic_type, profile: profile ?? {} })
      done.push(id!)
    } catch {
      for (const port of done) await own.unbind(port, host)
      throw nova('PortBindingFailed', { port_id: id })
    }
  }
}

/** The waiting bindings come into force. nova/network/neutron.py API.migrate_instance_start */
export async function activateBindings(parts: CellParts, server: Moving, host: string): Promise<void> {
  const { own } = parts.neutron
  for (const { id } of networkInfoOf(server)) {
    const binding = await own.binding(id!, host)
    if (!binding) return
    if (binding.status !== 'ACTIVE') await own.activate(id!, host)
  }
}

/** Takes away what waits for a host, or was left behind there. */
export async function dropBindings(parts: CellParts, server: Moving, host: string): Promise<void> {
  if (!(await hasWaitingBindings(parts))) return
  const { own } = parts.neutron
  for (const { id } of networkInfoOf(server)) {
    const binding = await own.binding(id!, host)
    if (binding && binding.status !== 'ACTIVE') await own.unbind(id!, host)
  }
}
