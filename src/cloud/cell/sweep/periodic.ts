/** What nova-compute does from time to time whether or not anything went wrong. */
import { adminContext } from '../../../oslo/context.ts'
import { fromDateTime } from '../../../oslo/database/datetime.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import { deleteServer } from '../compute/delete.ts'
import { verbs } from '../compute/index.ts'
import { perform } from '../compute/method.ts'
import { isGone } from '../errors.ts'
import { networkInfo } from '../network/info.ts'
import { type CellParts, hostsUp } from '../parts.ts'
import { systemMetadataOf } from '../server.ts'

const inOrder = { order: [{ column: 'id', direction: 'asc' as const }] }

const own = (parts: CellParts, vmState: string): Promise<Server[]> =>
  parts.cell.servers.list({ deleted: false, softDeleted: true, exact: { vm_state: vmState }, anyOf: { host: hostsUp(parts) } }, inOrder)

/** Soft-deleted servers whose time is over. nova/compute/manager.py ComputeManager._reclaim_queued_deletes */
export async function reclaim(parts: CellParts): Promise<void> {
  const { settings, clock, hosts, ids } = parts
  if (settings.reclaimSeconds <= 0) return
  for (const server of await own(parts, 'soft-delete')) {
    const since = server.deletedAt ?? server.updatedAt
    if (server.taskState !== null || (since !== null && clock.now() - fromDateTime(since) < settings.reclaimSeconds * 1000)) continue
    await alone(parts, server, (fresh) => deleteServer(hosts.get(fresh.host!)!, adminContext(`req-${ids.uuid()}`), fresh))
  }
}

/** Shelved servers that may stay on their hosts for a while only. nova/compute/manager.py ComputeManager._poll_shelved_instances */
export async function offloadShelved(parts: CellParts): Promise<void> {
  const { settings, clock, cell, hosts, ids } = parts
  if (settings.shelvedOffloadSeconds <= 0) return
  for (const server of await own(parts, 'shelved')) {
    const { shelved_at: at } = await systemMetadataOf(cell, server.uuid)
    if (server.taskState !== null || !at || clock.now() - fromDateTime(at) < settings.shelvedOffloadSeconds * 1000) continue
    await alone(parts, server, async ({ uuid, host }) => {
      await cell.servers.update(uuid, { taskState: 'shelving_offloading' }, { taskState: [null] })
      const order = { uuid, context: adminContext(`req-${ids.uuid()}`), args: {}, again: false }
      await perform(hosts.get(host!)!, 'shelve_offload_instance', verbs.shelve_offload_instance, order)
    })
  }
}

async function alone({ work, cell, log }: CellParts, { uuid }: Server, run: (server: Server) => Promise<void>): Promise<void> {
  await work
    .on([uuid], () =>
      work.inTurn(uuid, async () => {
        const server = await cell.servers.find(uuid)
        if (server?.host && server.taskState === null) await run(server)
      }),
    )
    .catch((error) => {
      if (!isGone(error)) log.error('A periodic task failed', { error, instance: uuid })
    })
}

/**
 * Looks at the network of one server after the other, in case something changed and nobody said so; one a call.
 * nova/compute/manager.py ComputeManager._heal_instance_info_cache
 */
export function healer(parts: CellParts): () => Promise<void> {
  let waiting: string[] = []
  return async () => {
    const { cell, work, log } = parts
    if (waiting.length === 0) {
      const servers = await cell.servers.list({ deleted: false, anyOf: { host: hostsUp(parts) } }, inOrder)
      waiting = servers.filter(({ vmState, taskState }) => vmState !== 'building' && taskState !== 'deleting').map(({ uuid }) => uuid)
    }
    const uuid = waiting.shift()
    if (uuid === undefined || work.isBusy(uuid)) return
    try {
      await networkInfo(parts, { uuid }, { all: true })
    } catch (error) {
      if (!isGone(error)) log.warning('The network of the server could not be looked at', { error, instance: uuid })
    }
  }
}
