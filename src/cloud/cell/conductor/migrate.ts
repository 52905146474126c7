/** Finds the host for a resize or a cold migration. nova/conductor/manager.py ComputeTaskManager._cold_migrate, conductor/tasks/migrate.py */
import type { RequestContext } from '../../../oslo/context.ts'
import type { Migration } from '../../../stores/cell/migrations.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import { Flavor } from '../../../stores/objects/flavor.ts'
import { RequestSpec } from '../../../stores/objects/request-spec.ts'
import { Selection } from '../../../stores/objects/selection.ts'
import { isGone, isNova, nova } from '../errors.ts'
import { recorded } from '../events.ts'
import type { CellParts } from '../parts.ts'
import { flavorOf, loadServer } from '../server.ts'
import type { VmState } from '../states.ts'
import { compute } from '../targets.ts'
import { instanceToWire, migrationToWire, requestSpecOf, requestSpecToKeep } from '../wire.ts'
import { liveMigrate } from './live-migrate.ts'
import { countAttempt, type FilterProperties, filterProperties } from './retries.ts'
import { giveUp, type TaskJob } from './task.ts'

/** Resizes, cold migrations and, when somebody waits for it, live migrations. */
export async function migrateServer(parts: CellParts, uuid: string, job: TaskJob): Promise<void> {
  const { cell, settings } = parts
  const { context, args, again } = job
  const step = (event: string) => ({ uuid, event, host: settings.controller, context, again })
  const server = await loadServer(cell, uuid)
  if (args.live) {
    await recorded(cell, step('conductor_migrate_server'), () => liveMigrate(parts, server, job))
    return
  }
  if (server.taskState !== 'resize_prep') return
  await recorded(cell, step('conductor_migrate_server'), () => recorded(cell, step('cold_migrate'), () => coldMigrate(parts, server, job)))
}

async function coldMigrate(parts: CellParts, server: Server, { context, args }: TaskJob): Promise<void> {
  const flavor = Flavor.fromWire(args.flavor)
  // nova/objects/request_spec.py RequestSpec.reset_forced_destinations: where it was sent first does not bind it for ever
  const spec = { ...requestSpecOf(args.request_spec)!, flavor, force_hosts: null, force_nodes: null }
  let migration: Migration | undefined
  try {
    migration = await preallocate(parts, context, server, flavor)
    await sendOff(parts, { context, args }, { server, flavor, spec, migration })
  } catch (error) {
    if (migration) await parts.cell.migrations.update(migration.id, { status: 'error' })
    if (!isGone(error)) await giveUp(parts, server, server.vmState as VmState, error)
    if (!isNova(error, 'NoValidHost', 'MaxRetriesExceeded')) throw error
    const what = flavor.id === server.instanceTypeId ? 'cold migrate' : 'resize'
    throw nova('NoValidHost', { reason: `No valid host found for ${what}` })
  }
}

/** The record of the move; the one that an attempt before has left. nova/conductor/tasks/migrate.py MigrationTask._preallocate_migration */
async function preallocate({ cell, ids }: CellParts, context: RequestContext, server: Server, flavor: Flavor): Promise<Migration> {
  const old = flavorOf(server)!
  const migrationType = old.id === flavor.id ? 'migration' : 'resize'
  const known = (await cell.migrations.ofServer(server.uuid, ['pre-migrating'])).find((one) => one.migrationType === migrationType)
  if (known) {
    await cell.migrations.update(known.id, { destCompute: null, destNode: null, destComputeId: null })
    return known
  }
  const id = await cell.migrations.create({
    uuid: ids.uuid(),
    instanceUuid: server.uuid,
    status: 'pre-migrating',
    migrationType,
    oldInstanceTypeId: old.id!,
    newInstanceTypeId: flavor.id!,
    sourceCompute: server.host,
    sourceNode: server.node,
    hidden: false,
    crossCellMove: false,
    userId: context.userId,
    projectId: context.projectId,
  })
  return (await cell.migrations.find(id))!
}

interface Move {
  readonly server: Server
  readonly flavor: Flavor
  readonly spec: RequestSpec
  readonly migration: Migration
}

async function sendOff(
  parts: CellParts,
  { context, args }: Pick<TaskJob, 'context' | 'args'>,
  { server, flavor, spec, migration }: Move,
): Promise<void> {
  const hint = (args.scheduler_hint as { filter_properties?: FilterProperties } | null)?.filter_properties
  const filters: FilterProperties = { ...filterProperties(spec), ...(hint?.retry && { retry: hint.retry }) }
  // a host that was asked for is the only one
  if (spec.requested_destination?.host) delete filters.retry
  else countAttempt(filters, server.uuid, parts.settings.maxAttempts)
  const list = (args.host_list as unknown[] | null)?.map((wire) => Selection.fromWire(wire))
  const [host, ...others] = list ?? (await parts.scheduler.select(spec, [server.uuid], { alternates: true, within: parts.cell.uuid }))[0]!
  if (!host)
    throw nova('MaxRetriesExceeded', {
      reason: `Exhausted all hosts available for retrying build failures for instance ${server.uuid}.`,
    })
  filters.retry?.hosts.push([host.service_host!, host.nodename!])
  // nova/conductor/manager.py saves it afterwards; a crash in between would forget the new flavor
  await parts.api.requestSpecs.update(server.uuid, requestSpecToKeep(spec))
  await parts.rpc.cast(compute(host.service_host!), context, 'prep_resize', {
    instance: instanceToWire(server),
    flavor: Flavor.toWire(flavor),
    image: {},
    request_spec: RequestSpec.toWire(spec),
    filter_properties: filters,
    node: host.nodename,
    migration: migrationToWire(migration),
    clean_shutdown: args.clean_shutdown,
    host_list: others.map((one) => Selection.toWire(one)),
  })
}
