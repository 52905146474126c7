/** Moves a running server to another host of the cell. nova/compute/manager.py ComputeManager.live_migration and what it calls on both sides */
import type { RequestContext } from '../../../oslo/context.ts'
import type { Migration } from '../../../stores/cell/migrations.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import { isGone, nova } from '../errors.ts'
import { closeEvent, recorded, type Step } from '../events.ts'
import { networkInfo } from '../network/info.ts'
import { activateBindings, bindTo, dropBindings, prepareBindings } from '../network/moves.ts'
import type { Host } from '../parts.ts'
import { zoneOf } from '../scheduler/hosts.ts'
import { guestOf, save } from '../server.ts'
import type { Connecting } from '../volume/connect.ts'
import { connectDestination, connectSource, dropOthers, type Former } from '../volume/move.ts'
import { refuseGroupViolation } from './groups.ts'
import { type Job, type Verb, withFault } from './method.ts'
import { migrationOf } from './resize.ts'

interface Move {
  readonly context: RequestContext
  readonly server: Server
  readonly migration: Migration
  readonly destination: Host
  readonly again: boolean
  /** How the source's volumes were connected; undefined where a crash has forgotten it. */
  former?: Former | undefined
}

/** On the host that has the server. The event is over once the move is queued: how it ends is told by the migration and by the other side's events. */
export const liveMigrate: Verb = {
  keepsTask: true,
  event: null,
  faultless: true,
  during: ['migrating'],
  async leftovers(host, job) {
    await closeEvent(host.cell, queueing(host, job))
    const migration = await migrationOf(host, job)
    if (migration.status === 'running' && job.server.host === migration.destCompute) await leave(host, job, migration)
  },
  async run(host, job) {
    const { cell } = host
    const migration = await migrationOf(host, job)
    const destination = host.hosts.get(job.args.dest as string)
    if (!destination || migration.status === 'completed') return
    const move: Move = { ...job, migration, destination, former: job.again ? undefined : new Map() }
    const at = (status: string) => cell.migrations.update(migration.id, { status })
    try {
      if (migration.status === 'accepted') await recorded(cell, queueing(host, job), () => at('queued'))
      else await closeEvent(cell, queueing(host, job))
      await at('preparing')
      await onDestination(move, 'compute_pre_live_migration', async () => {
        await refuseGroupViolation(destination, job.server.uuid)
        await networkInfo(destination, job.server)
        const former = await connectDestination(destination, job)
        if (!job.again) move.former = former
      })
      if (isAborted(host, migration)) return await rollBack(host, move, 'cancelled')
      await at('running')
      await carryOver(host, move)
    } catch (error) {
      if (isGone(error)) throw error
      await rollBack(host, move, 'error')
      throw error
    } finally {
      host.moveOrders.forget(migration.id)
      for (const name of host.hosts.keys()) host.usage.touch(name)
    }
  },
}

const queueing = ({ name }: Host, { server: { uuid }, context, again }: Job): Step => ({
  uuid,
  event: 'compute_live_migration',
  host: name,
  context,
  again,
})

/** A step on the other side, which is an event there, with a fault when it fails. */
const onDestination = <T>({ destination, server, context, again }: Move, event: string, run: () => Promise<T>): Promise<T> =>
  recorded(destination.cell, { uuid: server.uuid, event, host: destination.name, context, again }, () =>
    withFault(destination, server, run),
  )

async function carryOver(host: Host, move: Move): Promise<void> {
  const { server, migration, destination } = move
  const { uuid } = server
  // after a crash the memory may be on the other side already
  const isThere = destination.hypervisor.guests().includes(uuid)
  const moved = isThere
    ? destination.hypervisor.powerOf(uuid)
    : await host.moveOrders.orElse(migration.id, host.hypervisor.moveMemory(uuid))
  if (isAborted(host, migration)) return rollBack(host, move, 'cancelled')
  // without its memory when it was told to complete: a guest that is paused has nothing more to copy
  const state = moved ?? host.hypervisor.powerOf(uuid)
  await activateBindings(host, server, destination.name)
  await onDestination(move, 'compute_post_live_migration_at_destination', async () => {
    const availabilityZone = await zoneOf(destination, destination.name)
    await bindTo(destination, { ...server, availabilityZone }, destination.name)
    const interfaces = await networkInfo(destination, server)
    destination.hypervisor.adopt(guestOf(server, interfaces), state)
    const place = { host: destination.name, node: destination.name, computeId: destination.nodeId, availabilityZone }
    await save(
      destination,
      server,
      { ...place, powerState: state, taskState: null, progress: 0 },
      { expected: ['migrating'], extra: { migrationContext: null } },
    )
  })
  await leave(host, move, migration)
}

const isAborted = ({ moveOrders }: Host, { id }: Migration): boolean => moveOrders.given(id) === 'abort'

/** The server is on the destination: nothing of it stays here, and the migration is over. May be done again. */
export async function leave(host: Host, { context, server }: Connecting, migration: Migration): Promise<void> {
  await dropOthers(host, { context, server })
  await host.hypervisor.destroy(server.uuid)
  await dropBindings(host, server, host.name)
  await host.cell.consoleTokens.removeOf(server.uuid)
  await host.cell.migrations.update(migration.id, { status: 'completed' })
}

/** The server stays where it is. nova/compute/manager.py ComputeManager._rollback_live_migration */
async function rollBack(host: Host, { context, server, destination, migration, former }: Move, status: string): Promise<void> {
  if (destination.name !== host.name) await destination.hypervisor.destroy(server.uuid)
  await dropBindings(host, server, destination.name)
  await connectSource(host, { context, server }, former)
  await host.cell.transitions.apply(
    server.uuid,
    { server: { taskState: null, progress: 0 }, extra: { migrationContext: null } },
    { taskState: ['migrating'] },
  )
  await host.cell.migrations.update(migration.id, { status })
}

/** nova/compute/manager.py ComputeManager.live_migration_abort */
export const abort: Verb = {
  keepsTask: true,
  atOnce: true,
  async run(host, { server, args, again }) {
    const id = args.migration_id as number
    const migration = await host.cell.migrations.find(id)
    const status = migration?.status ?? 'gone'
    if (['queued', 'preparing', 'running'].includes(status)) host.moveOrders.give(id, 'abort')
    else if (!again)
      throw nova('InvalidMigrationState', { migration_id: id, instance_uuid: server.uuid, state: status, method: 'abort live migration' })
  },
}

/** What still makes it slow is not waited for. nova/compute/manager.py ComputeManager.live_migration_force_complete */
export const forceComplete: Verb = {
  keepsTask: true,
  atOnce: true,
  async run(host, { server }) {
    const migration = await host.cell.migrations.inStatus(server.uuid, 'running')
    if (migration) host.moveOrders.give(migration.id, 'complete')
  },
}

/** Whether the destination would take the server, asked before anything moves; ports wait there from then on. */
export async function checkDestination(
  source: Host,
  destination: Host,
  server: Server,
  context: RequestContext,
  again: boolean,
): Promise<void> {
  const { uuid } = server
  const step = (event: string, host: Host) => ({ uuid, event, host: host.name, context, again })
  await recorded(source.cell, step('compute_check_can_live_migrate_destination', destination), async () => {
    try {
      await refuseGroupViolation(destination, uuid)
    } catch (error) {
      throw nova('MigrationPreCheckError', { reason: `Failed to validate instance group policy due to: ${(error as Error).message}` })
    }
    await recorded(source.cell, step('compute_check_can_live_migrate_source', source), async () => {})
  })
  try {
    await prepareBindings(source, server, destination.name)
  } catch (error) {
    throw nova('MigrationPreCheckError', { reason: (error as Error).message })
  }
}
