/** Moves that are not over and that nobody works on. */
import { adminContext } from '../../../oslo/context.ts'
import { fromDateTime } from '../../../oslo/database/datetime.ts'
import type { Migration } from '../../../stores/cell/migrations.ts'
import { endStates } from '../../../stores/cell/occupancy.ts'
import { leave } from '../compute/live-migration.ts'
import { confirmMove } from '../compute/settle.ts'
import type { CellParts } from '../parts.ts'
import { isUp } from '../services.ts'

const over = endStates.filter((status) => status !== 'done')

export async function sweepMigrations(parts: CellParts, since: number): Promise<void> {
  const { cell, work } = parts
  for (const migration of await cell.migrations.otherThan(over)) {
    const uuid = migration.instanceUuid!
    const changed = migration.updatedAt ?? migration.createdAt
    if (work.isBusy(uuid) || (changed !== null && fromDateTime(changed) >= since)) continue
    await work.on([uuid], () => work.inTurn(uuid, () => settle(parts, migration)))
  }
}

async function settle(parts: CellParts, { id, instanceUuid, ...migration }: Migration): Promise<void> {
  const { cell, hosts, settings, clock, ids } = parts
  const server = await cell.servers.find(instanceUuid!)
  if (migration.migrationType === 'evacuation' && migration.status === 'done')
    return cleanSource(parts, id, instanceUuid!, migration.sourceCompute)
  if (!server) return void (await cell.migrations.update(id, { status: 'error' }))
  // what is in work is the server's own affair, see interrupted.ts
  if (server.taskState !== null) return
  const source = hosts.get(migration.sourceCompute ?? '')
  if (server.vmState === 'resized') {
    const age = clock.now() - fromDateTime(migration.updatedAt ?? migration.createdAt!)
    // nova/compute/manager.py ComputeManager._poll_unconfirmed_resizes
    const isDue = settings.confirmSeconds > 0 && migration.status === 'finished' && age > settings.confirmSeconds * 1000
    if (source && (migration.status === 'confirming' || isDue)) await confirmMove(source, server, (await cell.migrations.find(id))!)
    return
  }
  if (migration.status === 'finished') return
  const isThere = migration.migrationType === 'live-migration' && migration.status === 'running' && server.host === migration.destCompute
  if (isThere && source) return leave(source, { context: adminContext(`req-${ids.uuid()}`), server }, { id, instanceUuid, ...migration })
  await cell.migrations.update(id, { status: isThere ? 'completed' : 'error' })
}

/** A host that is back gives up the guests that were evacuated from it. nova/compute/manager.py ComputeManager._destroy_evacuated_instances */
async function cleanSource({ cell, hosts, clock, settings }: CellParts, id: number, uuid: string, source: string | null): Promise<void> {
  const host = hosts.get(source ?? '')
  if (!host || !isUp(await cell.services.find(host.name, 'nova-compute'), clock, settings.serviceDownSeconds)) return
  if ((await cell.servers.find(uuid))?.host !== host.name) await host.hypervisor.destroy(uuid)
  await cell.migrations.update(id, { status: 'completed' })
}
