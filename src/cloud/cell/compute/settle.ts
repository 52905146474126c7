/** The end of a resize or a cold migration: it is confirmed, or taken back. nova/compute/manager.py ComputeManager.confirm_resize, revert_resize */
import type { Migration } from '../../../stores/cell/migrations.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import { power } from '../../drivers/hypervisor.ts'
import { recorded } from '../events.ts'
import { networkInfo } from '../network/info.ts'
import { bindTo } from '../network/moves.ts'
import type { Host } from '../parts.ts'
import { zoneOf } from '../scheduler/hosts.ts'
import { flavorOf, flavorsColumn, guestOf, save, sizeOf, systemMetadataOf, timeNow } from '../server.ts'
import { computeAlt } from '../targets.ts'
import { connectVolumes } from '../volume/connect.ts'
import { disconnectVolumes } from '../volume/leave.ts'
import { instanceToWire, migrationToWire } from '../wire.ts'
import { type Job, orError, type Verb } from './method.ts'
import { stopServer } from './power.ts'
import { migrationOf, orFailedMove } from './resize.ts'

/** On the host where the server was. */
export const confirm: Verb = {
  keepsTask: true,
  async run(host, job) {
    const migration = await migrationOf(host, job)
    await confirmMove(host, job.server, migration)
  },
}

/** Nothing happens when the move is over, or never came so far. */
export async function confirmMove(host: Host, server: Server, migration: Migration): Promise<void> {
  const { uuid } = server
  const halfDone = migration.status === 'confirmed' && server.vmState === 'resized'
  if (migration.status !== 'finished' && migration.status !== 'confirming' && !halfDone) return
  await orFailedMove(host, migration, () => orError(host, uuid, () => leave(host, server, migration)))
  for (const name of host.hosts.keys()) host.usage.touch(name)
}

async function leave(host: Host, server: Server, migration: Migration): Promise<void> {
  const { cell, hypervisor } = host
  await networkInfo(host, server)
  if (migration.sourceCompute !== migration.destCompute) await hypervisor.destroy(server.uuid)
  await cell.migrations.update(migration.id, { status: 'confirmed' })
  const vmState = server.powerState === power.shutdown ? 'stopped' : 'active'
  await save(
    host,
    server,
    { vmState, taskState: null },
    {
      expected: [null, 'deleting', 'soft-deleting'],
      systemMetadata: { old_vm_state: undefined },
      extra: { migrationContext: null, flavor: flavorsColumn({ cur: flavorOf(server)! }) },
    },
  )
}

/** On the host where the server is. */
export const revert: Verb = {
  during: ['resize_reverting'],
  async run(host, job) {
    const migration = await migrationOf(host, job)
    await orFailedMove(host, migration, () => orError(host, job.server.uuid, () => giveBack(host, job, migration)))
  },
}

async function giveBack(host: Host, { context, server, args }: Job, migration: Migration): Promise<void> {
  const { cell, hypervisor } = host
  await networkInfo(host, server)
  if (migration.sourceCompute !== migration.destCompute) await hypervisor.destroy(server.uuid)
  await disconnectVolumes(host, context, server.uuid)
  await cell.migrations.update(migration.id, { status: 'reverted' })
  const reverting = await save(host, server, {}, { expected: ['resize_reverting'] })
  host.usage.touch(host.name)
  await host.rpc.cast(computeAlt(migration.sourceCompute!), context, 'finish_revert_resize', {
    instance: instanceToWire(reverting),
    migration: migrationToWire((await cell.migrations.find(migration.id))!),
    request_spec: args.request_spec,
  })
}

/** On the host where it was before. */
export const finishRevert: Verb = {
  during: ['resize_reverting'],
  async run(host, job) {
    const migration = await migrationOf(host, job)
    await orFailedMove(host, migration, () => orError(host, job.server.uuid, () => takeBack(host, job, migration)))
    for (const name of host.hosts.keys()) host.usage.touch(name)
  },
}

async function takeBack(host: Host, { context, server: before, again }: Job, migration: Migration): Promise<void> {
  const { cell, hypervisor, clock } = host
  const old = flavorOf(before, 'old') ?? flavorOf(before)!
  const wasStopped = (await systemMetadataOf(cell, before.uuid)).old_vm_state === 'stopped'
  const availabilityZone = await zoneOf(host, host.name)
  const here = { host: migration.sourceCompute, node: migration.sourceNode, computeId: host.nodeId, availabilityZone }
  const next = flavorOf(before, 'new')
  let server = await save(
    host,
    before,
    { ...sizeOf(old), ...here },
    { expected: ['resize_reverting'], extra: { flavor: flavorsColumn({ cur: old, old, next }) } },
  )
  await bindTo(host, server, host.name)
  const interfaces = await networkInfo(host, server)
  await connectVolumes(host, { context, server })
  hypervisor.adopt(guestOf(server, interfaces), wasStopped ? power.shutdown : power.running)
  const forgotten = {
    systemMetadata: { old_vm_state: undefined },
    extra: { migrationContext: null, flavor: flavorsColumn({ cur: old }) },
  }
  const launchedAt = timeNow(clock)
  if (!wasStopped) {
    await save(host, server, { launchedAt, vmState: 'active', taskState: null }, { expected: ['resize_reverting'], ...forgotten })
    return
  }
  server = await save(host, server, { launchedAt, taskState: 'powering-off' }, { expected: ['resize_reverting'], ...forgotten })
  const step = { uuid: server.uuid, event: 'compute_stop_instance', host: host.name, context, again }
  await recorded(cell, step, () => stopServer(host, { server }))
}
