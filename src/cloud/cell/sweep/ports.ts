/** Ports of servers that are gone, or never came to be. */
import type { NeutronPort } from '../../../peers/neutron.ts'
import { findHome } from '../home.ts'
import { letGo } from '../network/release.ts'
import type { CellParts } from '../parts.ts'

const isServersPort = ({ device_id, device_owner }: NeutronPort): boolean =>
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(device_id) && (device_owner === '' || device_owner.startsWith('compute:'))

/**
 * A port that was made for its server goes with it. One that its user made is only let go of; where that cannot be told, it counts as the user's: it is
 * theirs if it is older than the server.
 */
export async function sweepPorts(parts: CellParts, since: number): Promise<void> {
  const { neutron, cell, cell0, api, work, log } = parts
  const fields = ['id', 'name', 'device_id', 'device_owner', 'created_at']
  const ports = (await neutron.own.list('ports', { fields })).filter(isServersPort)
  const devices = [...new Set(ports.map(({ device_id }) => device_id))]
  const present = await cell.interruptions.present(devices)
  for (const uuid of devices.filter((device) => !present.has(device) && !work.isBusy(device))) {
    // a server of another cell, or one that is still to come
    const [mapping] = await api.serverMappings.of([uuid])
    const home = await findHome(parts, uuid)
    if (home && home.cell !== cell) continue
    if (!home && mapping && mapping.cellId !== cell0.id && mapping.cellId !== null) continue
    if (await api.requests.find(uuid)) continue
    const server = (await cell.servers.find(uuid, { deletedToo: true })) ?? (await cell0.servers.find(uuid, { deletedToo: true }))
    const born = server?.createdAt ?? mapping?.createdAt
    // never of this cloud: somebody else's device
    if (!born) continue
    for (const port of ports.filter(({ device_id }) => device_id === uuid)) {
      const made = String(port.created_at ?? '')
        .replace('T', ' ')
        .replace('Z', '')
      if (Date.parse(`${made.replace(' ', 'T')}Z`) >= since) continue
      log.warning(`Clearing up the port ${port.id} of a server that is gone`, { instance: uuid })
      const isOurs = port.device_owner === '' || (port.name === '' && made.slice(0, 19) > born.slice(0, 19))
      if (isOurs) await neutron.own.remove('ports', port.id)
      else await letGo(parts, uuid, [port.id])
    }
  }
}
