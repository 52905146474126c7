/** A server made anew from an image, on its own host or, when that is lost, on another. nova/compute/manager.py ComputeManager.rebuild_instance */
import type { BlockDevice } from '../../../stores/cell/block-devices.ts'
import type { Migration } from '../../../stores/cell/migrations.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import { isGone, nova } from '../errors.ts'
import { recorded } from '../events.ts'
import { networkInfo } from '../network/info.ts'
import { bindTo } from '../network/moves.ts'
import { type Host, stage } from '../parts.ts'
import { zoneOf } from '../scheduler/hosts.ts'
import { guestOf, save, timeNow } from '../server.ts'
import type { VmState } from '../states.ts'
import { connectVolumes } from '../volume/connect.ts'
import { disconnectVolumes } from '../volume/leave.ts'
import { reimageRoot } from '../volume/reimage.ts'
import { migrationIdOf } from '../wire.ts'
import { claimMigration } from './claim.ts'
import { devicesOf, isVolume } from './devices.ts'
import { refuseGroupViolation } from './groups.ts'
import { type Job, orError, type Verb } from './method.ts'
import { stopServer } from './power.ts'

export const rebuild: Verb = {
  during: ['rebuilding', 'rebuild_block_device_mapping', 'rebuild_spawning'],
  expected: ['PreserveEphemeralNotSupported', 'BuildAbortException'],
  async leftovers(host, { args, server }) {
    const id = migrationIdOf(args.migration)
    if (id !== undefined && server.host === host.name) await host.cell.migrations.advance(id, { status: 'done' }, ['pre-migrating'])
  },
  async run(host, job) {
    const { args, server } = job
    const id = migrationIdOf(args.migration)
    const migration = id === undefined ? undefined : await host.cell.migrations.find(id)
    const evacuates = Boolean(args.recreate)
    try {
      await orError(host, server.uuid, () => (evacuates ? evacuate(host, job, migration) : rebuildHere(host, job)))
    } catch (error) {
      if (migration) await host.cell.migrations.update(migration.id, { status: 'failed' })
      if (!isGone(error)) throw error
    }
    for (const name of host.hosts.keys()) host.usage.touch(name)
  },
}

async function rebuildHere(host: Host, job: Job): Promise<void> {
  const { hypervisor } = host
  const { args } = job
  const rebuilding = ['rebuilding', 'rebuild_block_device_mapping', 'rebuild_spawning'] as const
  const expected = job.again ? rebuilding : (['rebuilding'] as const)
  let server = await save(host, job.server, { powerState: hypervisor.powerOf(job.server.uuid), taskState: 'rebuilding' }, { expected })
  if (args.preserve_ephemeral) throw nova('PreserveEphemeralNotSupported')
  if (hypervisor.guests().includes(server.uuid)) await hypervisor.powerOff(server.uuid)
  const root = args.reimage_boot_volume ? await rootVolume(host, server.uuid) : undefined
  await disconnectVolumes(host, job.context, server.uuid, root)
  await hypervisor.destroy(server.uuid)
  if (root) await reimageRoot(host, { ...job, server }, root, args.image_ref as string)
  server = await spawnAnew(host, { ...job, server })
  if (job.server.vmState === 'stopped') await stopAgain(host, job, server)
}

async function rootVolume(host: Host, uuid: string): Promise<BlockDevice | undefined> {
  return (await devicesOf(host, uuid)).find((device) => device.bootIndex === 0 && isVolume(device))
}

/** Both sides of it: from a host that is taken for lost to this one. */
async function evacuate(host: Host, job: Job, migration: Migration | undefined): Promise<void> {
  const { cell, hypervisor } = host
  const { args } = job
  const target = args.target_state as VmState | null | undefined
  const wanted = target && job.server.vmState !== 'error' ? target : job.server.vmState
  if (target && target !== 'stopped') throw nova('InstanceEvacuateNotSupportedTargetState', { target_state: target })
  if (migration) await claimMigration(host, migration)
  await refuseGroupViolation(host, job.server.uuid)
  if (hypervisor.guests().includes(job.server.uuid) && !job.again) throw nova('InstanceExists', { name: guestOf(job.server).name })
  if (args.on_shared_storage) throw nova('InvalidSharedStorage', {}, 'Invalid state of instance files on shared storage')
  const availabilityZone = await zoneOf(host, host.name)
  const powerState = hypervisor.powerOf(job.server.uuid)
  let server = await save(host, job.server, { powerState, availabilityZone, taskState: 'rebuilding' }, { expected: rebuild.during! })
  await bindTo(host, server, host.name)
  await networkInfo(host, server)
  await disconnectVolumes(host, job.context, server.uuid)
  const here = { host: host.name, node: host.name, computeId: host.nodeId }
  server = await spawnAnew(host, { ...job, server }, here)
  if (migration) await cell.migrations.update(migration.id, { status: 'done' })
  if (wanted === 'stopped') await stopAgain(host, job, server)
}

/** Through the states of a rebuild to a server that runs. */
async function spawnAnew(
  host: Host,
  { context, server: before }: Job,
  place: { host?: string; node?: string; computeId?: number } = {},
): Promise<Server> {
  const { hypervisor, clock } = host
  let server = await save(host, before, { taskState: 'rebuild_block_device_mapping' }, { expected: ['rebuilding'] })
  await connectVolumes(host, { context, server })
  await stage(host)
  server = await save(host, server, { taskState: 'rebuild_spawning' }, { expected: ['rebuild_block_device_mapping'] })
  await hypervisor.spawn(guestOf(server), { running: true })
  const state = { powerState: hypervisor.powerOf(server.uuid), vmState: 'active', taskState: null, launchedAt: timeNow(clock) } as const
  return save(host, server, { ...state, ...place }, { expected: ['rebuild_spawning'] })
}

/** A server that was stopped is stopped again, which is an event of its own. */
async function stopAgain(host: Host, { context, again }: Job, server: Server): Promise<void> {
  const stopping = await save(host, server, { taskState: 'powering-off', progress: 0 }, { expected: [null] })
  const step = { uuid: server.uuid, event: 'compute_stop_instance', host: host.name, context, again }
  await recorded(host.cell, step, () => stopServer(host, { server: stopping }))
}
