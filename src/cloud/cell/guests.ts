/** What a hypervisor finds on its host when it starts: the guests that the database knows there. */
import type { Server } from '../../stores/cell/servers.ts'
import { type PowerState, power } from '../drivers/hypervisor.ts'
import type { CellParts } from './parts.ts'
import { guestOf } from './server.ts'

const order = [{ column: 'id', direction: 'asc' as const }]

/** Nova's fake driver forgets its guests; this one takes them over. */
export async function adoptGuests({ cell, hosts }: CellParts): Promise<void> {
  const servers = await cell.servers.list({ deleted: false, softDeleted: true, anyOf: { host: [...hosts.keys()] } }, { order })
  for (const server of servers) if (isGuest(server)) hosts.get(server.host!)!.hypervisor.adopt(guestOf(server), stateOf(server))
}

const unbuilt = new Set(['building', 'deleted', 'shelved_offloaded'])
const isGuest = ({ vmState, launchedAt }: Server): boolean => !unbuilt.has(vmState ?? '') && launchedAt !== null

const stateOf = ({ powerState, vmState }: Server): PowerState =>
  powerState === power.shutdown || (powerState === power.nostate && vmState === 'stopped') ? power.shutdown : power.running
