/**
 * Resizes and cold migrations: the host that is to take the server prepares, the one that has it lets go, the first finishes. Each step hands on by a
 * message, and finds out by itself whether it was taken before. nova/compute/manager.py ComputeManager.prep_resize, resize_instance, finish_resize
 */
import type { Migration } from '../../../stores/cell/migrations.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import { Flavor } from '../../../stores/objects/flavor.ts'
import { MigrationContext } from '../../../stores/objects/migration.ts'
import type { FilterProperties } from '../conductor/retries.ts'
import { isNova, nova } from '../errors.ts'
import { addFault } from '../events.ts'
import { networkInfo } from '../network/info.ts'
import { bindTo } from '../network/moves.ts'
import type { Host } from '../parts.ts'
import { zoneOf } from '../scheduler/hosts.ts'
import { flavorOf, flavorsColumn, guestOf, save, sizeOf, systemMetadataOf, timeNow } from '../server.ts'
import type { VmState } from '../states.ts'
import { computeAlt, computeTask } from '../targets.ts'
import { connectVolumes } from '../volume/connect.ts'
import { disconnectVolumes } from '../volume/leave.ts'
import { instanceToWire, migrationIdOf, migrationToWire } from '../wire.ts'
import { claimMigration } from './claim.ts'
import { refuseGroupViolation } from './groups.ts'
import { type Job, orError, type Verb } from './method.ts'

/** The row of the migration that a message names. Throws a MigrationNotFound. */
export async function migrationOf({ cell }: Host, { args }: Pick<Job, 'args'>): Promise<Migration> {
  const id = migrationIdOf(args.migration)
  const found = id === undefined ? undefined : await cell.migrations.find(id)
  if (!found) throw nova('MigrationNotFound', { migration_id: id })
  return found
}

/** When it fails, so has the move. nova/compute/manager.py errors_out_migration_ctxt */
export async function orFailedMove<T>({ cell }: Host, migration: Migration, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    await cell.migrations.update(migration.id, { status: 'error' })
    throw error
  }
}

export const prepare: Verb = {
  during: ['resize_prep'],
  async run(host, job) {
    const migration = await migrationOf(host, job)
    const isTaken = migration.destCompute !== null && (migration.destCompute !== host.name || migration.status !== 'pre-migrating')
    if (isTaken) return
    try {
      await claimMove(host, job, migration)
    } catch (error) {
      await tryElsewhere(host, job, migration, error)
    }
  },
}

async function claimMove(host: Host, { context, server, args }: Job, migration: Migration): Promise<void> {
  const { cell, hypervisor } = host
  const { uuid } = server
  await refuseGroupViolation(host, uuid)
  if (server.host === null) throw nova('MigrationError', { reason: 'Instance has no source host' })
  const flavor = Flavor.fromWire(args.flavor)
  const stays = server.host === host.name && flavor.id === server.instanceTypeId
  if (stays && !hypervisor.capabilities.migrateToSameHost) throw nova('UnableToMigrateToSelf', { instance_id: uuid, host: host.name })
  await claimMigration(host, migration)
  const prepared = await save(
    host,
    server,
    {},
    {
      expected: ['resize_prep'],
      systemMetadata: { old_vm_state: server.vmState },
      extra: {
        flavor: flavorsColumn({ cur: flavorOf(server)!, next: flavor }),
        migrationContext: JSON.stringify(MigrationContext.toWire({ instance_uuid: uuid, migration_id: migration.id, ...noChange })),
      },
    },
  )
  host.usage.touch(host.name)
  const claimed = (await cell.migrations.find(migration.id))!
  await host.rpc.cast(computeAlt(server.host), context, 'resize_instance', {
    instance: instanceToWire(prepared),
    migration: migrationToWire(claimed),
    image: args.image,
    flavor: args.flavor,
    clean_shutdown: args.clean_shutdown,
    request_spec: args.request_spec,
  })
}

/** Servers of the simulated hypervisor have no topology and no devices that could be different on another host. */
const noChange = {
  new_numa_topology: null,
  old_numa_topology: null,
  new_pci_devices: null,
  old_pci_devices: null,
  new_pci_requests: null,
  old_pci_requests: null,
  new_resources: null,
  old_resources: null,
}

/** nova/compute/manager.py ComputeManager._reschedule_resize_or_reraise */
async function tryElsewhere(host: Host, { context, server, args }: Job, migration: Migration, error: unknown): Promise<void> {
  const filters = args.filter_properties as FilterProperties | null
  if (!filters?.retry || isNova(error, 'InstanceNotFound', 'UnexpectedTaskStateError', 'UnexpectedDeletingTaskStateError')) {
    await host.cell.migrations.update(migration.id, { status: 'error' })
    const rollsBack = isNova(error, 'UnableToMigrateToSelf')
    await host.cell.servers.update(server.uuid, rollsBack ? { taskState: null } : { vmState: 'error' }, { taskState: ['resize_prep'] })
    throw error
  }
  await host.rpc.cast(computeTask('1.20'), context, 'migrate_server', {
    instance: instanceToWire(server),
    scheduler_hint: { filter_properties: filters },
    live: false,
    rebuild: false,
    flavor: args.flavor,
    block_migration: null,
    disk_over_commit: null,
    reservations: null,
    clean_shutdown: args.clean_shutdown,
    request_spec: args.request_spec,
    host_list: args.host_list,
  })
  await addFault(host.cell, server.uuid, host.name, error)
}

/** On the host that has the server. */
export const letGo: Verb = {
  during: ['resize_prep', 'resize_migrating', 'resize_migrated'],
  async run(host, job) {
    const { context, args } = job
    const migration = await migrationOf(host, job)
    // taken by a message before this one
    if (!job.again && job.server.taskState !== 'resize_prep') return
    const moved = await orError(host, job.server.uuid, () => orFailedMove(host, migration, () => moveDisk(host, job, migration)))
    host.usage.touch(host.name)
    await host.rpc.cast(computeAlt(migration.destCompute!), context, 'finish_resize', {
      instance: instanceToWire(moved),
      migration: migrationToWire((await host.cell.migrations.find(migration.id))!),
      image: args.image,
      disk_info: null,
      request_spec: args.request_spec,
    })
  },
}

async function moveDisk(host: Host, { context, server: before }: Job, migration: Migration): Promise<Server> {
  const { cell, hypervisor } = host
  if (before.taskState === 'resize_migrated') return before
  await networkInfo(host, before)
  await cell.migrations.update(migration.id, { status: 'migrating' })
  const server = await save(host, before, { taskState: 'resize_migrating' }, { expected: ['resize_prep', 'resize_migrating'] })
  await hypervisor.moveDisk(server.uuid)
  await disconnectVolumes(host, context, server.uuid)
  await cell.migrations.update(migration.id, { status: 'post-migrating' })
  const cur = flavorOf(server)!
  const there = { host: migration.destCompute, node: migration.destNode, computeId: migration.destComputeId }
  return save(
    host,
    server,
    { ...there, taskState: 'resize_migrated' },
    { expected: ['resize_migrating'], extra: { flavor: flavorsColumn({ cur, old: cur, next: flavorOf(server, 'new') }) } },
  )
}

/** On the host that takes it. */
export const finish: Verb = {
  during: ['resize_migrated', 'resize_finish'],
  async run(host, job) {
    const migration = await migrationOf(host, job)
    await orFailedMove(host, migration, () => orError(host, job.server.uuid, () => takeOver(host, job, migration)))
    host.usage.touch(host.name)
  },
}

async function takeOver(host: Host, { context, server: before }: Job, migration: Migration): Promise<void> {
  const { cell, hypervisor, clock } = host
  const old = flavorOf(before, 'old')!
  const next = flavorOf(before, 'new')
  const cur = migration.oldInstanceTypeId === migration.newInstanceTypeId ? old : next!
  const powerOn = ((await systemMetadataOf(cell, before.uuid)).old_vm_state ?? 'active') !== ('stopped' satisfies VmState)
  const availabilityZone = await zoneOf(host, host.name)
  await bindTo(host, { ...before, availabilityZone }, host.name)
  const interfaces = await networkInfo(host, before)
  const server = await save(
    host,
    before,
    { ...sizeOf(cur), availabilityZone, taskState: 'resize_finish' },
    { expected: ['resize_migrated', 'resize_finish'], extra: { flavor: flavorsColumn({ cur, old, next }) } },
  )
  await connectVolumes(host, { context, server })
  await hypervisor.spawn(guestOf(server, interfaces), { running: powerOn })
  await cell.migrations.update(migration.id, { status: 'finished' })
  const done = { vmState: 'resized', taskState: null, launchedAt: timeNow(clock) } as const
  await save(host, server, done, { expected: ['resize_finish'] })
}
