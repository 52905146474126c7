/** Deletes a server: its guest, its ports, its volumes, then itself. nova/compute/manager.py ComputeManager._delete_instance */
import type { RequestContext } from '../../../oslo/context.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import { isGone } from '../errors.ts'
import { deallocate } from '../network/release.ts'
import type { Host } from '../parts.ts'
import { save, timeNow } from '../server.ts'
import { releaseVolumes } from '../volume/leave.ts'
import type { Verb } from './method.ts'

/** Again and again until it is gone: each step finds what is left. */
export const terminate: Verb = {
  async run(host, { context, server }) {
    try {
      await deleteServer(host, context, server)
    } catch (error) {
      if (isGone(error)) return
      await host.cell.servers.update(server.uuid, { vmState: 'error' })
      throw error
    }
  },
}

export async function deleteServer(host: Host, context: RequestContext, server: Server): Promise<void> {
  const { cell, hosts, clock, usage, scheduler } = host
  const { uuid } = server
  await host.hypervisor.destroy(uuid)
  // one that was moving has something on the other side
  for (const other of hosts.values()) if (other.hypervisor.guests().includes(uuid)) await other.hypervisor.destroy(uuid)
  await deallocate(host, server)
  await releaseVolumes(host, context, uuid)
  await save(host, server, { vmState: 'deleted', taskState: null, powerState: 0, terminatedAt: timeNow(clock) })
  await cell.consoleTokens.removeOf(uuid)
  await cell.servers.destroy(uuid)
  scheduler.settled(uuid)
  for (const name of hosts.keys()) usage.touch(name)
}
