/** Checks and begins a live migration. nova/conductor/manager.py ComputeTaskManager._live_migrate, conductor/tasks/live_migrate.py */
import type { RequestContext } from '../../../oslo/context.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import type { RequestSpec } from '../../../stores/objects/request-spec.ts'
import { power } from '../../drivers/hypervisor.ts'
import { powerNames } from '../compute/guest.ts'
import { checkDestination } from '../compute/live-migration.ts'
import { type ExceptionName, isNova, nova, told } from '../errors.ts'
import { addFault, recorded } from '../events.ts'
import type { CellParts, Host } from '../parts.ts'
import { loadServer } from '../server.ts'
import { isUp } from '../services.ts'
import { computeAlt } from '../targets.ts'
import { instanceToWire, migrationToWire, requestSpecOf } from '../wire.ts'
import type { TaskJob } from './task.ts'

export async function liveMigrateInstance(parts: CellParts, uuid: string, job: TaskJob): Promise<void> {
  const { cell, settings } = parts
  const server = await loadServer(cell, uuid)
  if (server.taskState !== 'migrating') return
  const step = { uuid, event: 'conductor_live_migrate_instance', host: settings.controller, context: job.context, again: job.again }
  await recorded(cell, step, () => liveMigrate(parts, server, job))
}

/** Errors that leave the server as it was. */
const harmless = [
  'NoValidHost',
  'MaxRetriesExceeded',
  'ComputeHostNotFound',
  'ComputeServiceUnavailable',
  'InvalidHypervisorType',
  'UnableToMigrateToSelf',
  'DestinationHypervisorTooOld',
  'InstanceInvalidState',
  'MigrationPreCheckError',
] as const satisfies readonly ExceptionName[]

export async function liveMigrate(parts: CellParts, server: Server, { context, args, again }: TaskJob): Promise<void> {
  const { cell, ids, rpc } = parts
  const { uuid } = server
  const wanted = (args.scheduler_hint as { host?: string | null } | null)?.host ?? null
  const [left] = again ? await cell.migrations.ofServer(uuid, ['accepted', 'queued', 'preparing', 'running']) : []
  // the message was sent on before a crash
  if (left && left.status !== 'accepted') return
  const id =
    left?.id ??
    (await cell.migrations.create({
      uuid: ids.uuid(),
      instanceUuid: uuid,
      status: 'accepted',
      migrationType: 'live-migration',
      sourceCompute: server.host,
      destCompute: wanted,
      oldInstanceTypeId: server.instanceTypeId,
      newInstanceTypeId: server.instanceTypeId,
      hidden: false,
      crossCellMove: false,
      userId: context.userId,
      projectId: context.projectId,
    }))
  try {
    const spec = requestSpecOf(args.request_spec)!
    const { source, destination } = await destinationOf(parts, { context, server, spec, wanted, again })
    await cell.migrations.update(id, { sourceNode: server.node, destNode: destination.name, destCompute: destination.name })
    await rpc.cast(computeAlt(source.name), context, 'live_migration', {
      instance: instanceToWire(server),
      dest: destination.name,
      block_migration: args.block_migration,
      migration: migrationToWire((await cell.migrations.find(id))!),
      migrate_data: null,
    })
  } catch (error) {
    const isHarmless = isNova(error, ...harmless)
    await cell.servers.update(uuid, { taskState: null, ...(!isHarmless && { vmState: 'error' }) }, { taskState: ['migrating'] })
    await addFault(cell, uuid, parts.settings.controller, error)
    await cell.migrations.update(id, { status: 'error' })
    throw isHarmless ? error : nova('MigrationError', { reason: told(error).message })
  }
}

interface Search {
  readonly context: RequestContext
  readonly server: Server
  readonly spec: RequestSpec
  readonly wanted: string | null
  readonly again: boolean
}

async function destinationOf(parts: CellParts, search: Search): Promise<{ source: Host; destination: Host }> {
  const { server, wanted, context, again } = search
  const { powerState, uuid } = server
  if (powerState !== power.running && powerState !== power.paused)
    throw nova('InstanceInvalidState', {
      instance_uuid: uuid,
      attr: 'power_state',
      state: powerNames[powerState ?? power.nostate],
      method: 'live migrate',
    })
  const source = await upHost(parts, server.host!)
  if (wanted === null) return { source, destination: await findDestination(parts, search, source) }
  if (wanted === server.host) throw nova('UnableToMigrateToSelf', { instance_id: uuid, host: wanted })
  const destination = await upHost(parts, wanted)
  await refuseLackOfMemory(parts, server, wanted)
  await checkDestination(source, destination, server, context, again)
  return { source, destination }
}

/** Throws a ComputeHostNotFound or a ComputeServiceUnavailable. */
async function upHost({ cell, clock, settings, hosts }: CellParts, name: string): Promise<Host> {
  const host = hosts.get(name)
  const service = await cell.services.find(name, 'nova-compute')
  if (!host || !service) throw nova('ComputeHostNotFound', { host: name })
  if (!isUp(service, clock, settings.serviceDownSeconds)) throw nova('ComputeServiceUnavailable', { host: name })
  return host
}

/** nova/conductor/tasks/live_migrate.py LiveMigrationTask._check_destination_has_enough_memory */
async function refuseLackOfMemory({ cell }: CellParts, { uuid, memoryMb }: Server, dest: string): Promise<void> {
  const node = await cell.computeNodes.find(dest, dest)
  if (!node) throw nova('ComputeHostNotFound', { host: dest })
  const available = node.memoryMb * (node.ramAllocationRatio ?? 1) - (node.memoryMb - (node.freeRamMb ?? 0))
  if (!memoryMb || available <= memoryMb)
    throw nova('MigrationPreCheckError', {
      reason: `Unable to migrate ${uuid} to ${dest}: Lack of memory(host:${available} <= instance:${memoryMb})`,
    })
}

/** Host after host, until one agrees. nova/conductor/tasks/live_migrate.py LiveMigrationTask._find_destination */
async function findDestination(parts: CellParts, { server, spec, context, again }: Search, source: Host): Promise<Host> {
  const tried = [source.name]
  for (;;) {
    const asked = { ...spec, force_hosts: null, force_nodes: null, ignore_hosts: tried }
    const [[selection]] = (await parts.scheduler.select(asked, [server.uuid], { within: parts.cell.uuid })) as [[{ service_host?: string }]]
    const destination = parts.hosts.get(selection.service_host!)!
    try {
      await checkDestination(source, destination, server, context, again)
      return destination
    } catch (error) {
      if (!isNova(error, 'MigrationPreCheckError')) throw error
      tried.push(destination.name)
    }
  }
}
