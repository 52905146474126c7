/** Takes ports from a server again: those that were made for it go, those that its user made are only let go of. */
import { profileWithoutDevice } from '../../../peers/neutron.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import type { CellParts } from '../parts.ts'
import { networkInfoOf } from '../server.ts'
import type { Requested } from './allocate.ts'
import { forgetNetwork, networkInfo, preservedPorts } from './info.ts'

/** Everything that names the server as its device. nova/network/neutron.py API.deallocate_for_instance */
export async function deallocate(parts: CellParts, server: Server, requested: Requested = null): Promise<void> {
  const ports = (await parts.neutron.own.list('ports', { device_id: server.uuid })).map(({ id }) => id)
  const asked = requested?.flatMap(({ port_id }) => port_id ?? []) ?? []
  const lasting = [...new Set([...asked, ...preservedPorts(networkInfoOf(server))])]
  await letGo(parts, server.uuid, lasting)
  await deletePorts(
    parts,
    ports.filter((id) => !lasting.includes(id)),
  )
  await parts.cell.virtualInterfaces.remove(server.uuid)
  await forgetNetwork(parts, server)
}

/** One port. nova/network/neutron.py API.deallocate_port_for_instance */
export async function deallocatePort(parts: CellParts, server: Server, port: string): Promise<void> {
  if (preservedPorts(networkInfoOf(server)).includes(port)) await letGo(parts, server.uuid, [port])
  else await deletePorts(parts, [port])
  await parts.cell.virtualInterfaces.remove(server.uuid, port)
  await networkInfo(parts, server)
}

export interface LetGo {
  /** Off the host, yet still the server's. */
  readonly keepDevice?: boolean
}

/** Unbinds ports that are the server's; what is gone or is somebody else's by now is passed over. nova/network/neutron.py API._unbind_ports */
export async function letGo(
  { neutron }: CellParts,
  server: string,
  ports: readonly string[],
  { keepDevice = false }: LetGo = {},
): Promise<void> {
  if (ports.length === 0) return
  const { own } = neutron
  const hasDns = await neutron.has('dns-integration')
  for (const id of ports) {
    const port = await own.show('ports', id)
    if (!port || port.device_id !== server) continue
    await own.update('ports', id, {
      'binding:host_id': null,
      'binding:profile': profileWithoutDevice(port),
      ...(!keepDevice && { device_id: '', device_owner: '', ...(hasDns && { dns_name: '' }) }),
    })
  }
}

/** One that is gone already is no error. */
export async function deletePorts({ neutron }: CellParts, ports: readonly string[]): Promise<void> {
  for (const port of ports) await neutron.own.remove('ports', port)
}
