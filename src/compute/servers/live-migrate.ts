/** Moving running servers between hosts, hurrying such a move and calling it off. */
import type { RequestContext } from '../../oslo/context.ts'
import { isRemote } from '../../oslo/messaging/failure.ts'
import type { Migration } from '../../stores/cell/migrations.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { ComputeNode } from '../../stores/cell/services.ts'
import type { Instance } from '../../stores/objects/instance.ts'
import { Destination, RequestSpec } from '../../stores/objects/request-spec.ts'
import type { Backends } from '../backends.ts'
import { Fault, type FaultKind } from '../faults.ts'
import { castToCompute } from '../rpc/compute.ts'
import { callConductor, castToConductor, longCall } from '../rpc/conductor.ts'
import { ownHost } from '../settings.ts'
import { refusalOf, stateRefusal } from './ask.ts'
import {
  refuseAccelerators,
  refuseLockAsState,
  refuseLocked,
  refusePortAccelerators,
  refuseSev,
  refuseShares,
  refuseVtpmMove,
} from './checks.ts'
import { detailsOf } from './details.ts'
import { inCell, inCellOr } from './in-cell.ts'
import { findRequestSpec } from './request-spec.ts'
import { checkState, rules } from './states.ts'
import { startTask } from './task.ts'
import { detailed } from './to-wire.ts'

export interface LiveMigration {
  readonly host: string | null
  /** Null lets the driver decide. */
  readonly blockMigration: boolean | null
  readonly diskOverCommit: boolean | null
  /** Whether the scheduler is passed by; undefined is before there was a choice: then a host is taken as it is. */
  readonly force: boolean | undefined
  /** Checks happen after the answer. */
  readonly later: boolean
}

/** What the conductor refuses with when the caller waits for its checks. */
const refusals: Readonly<Record<string, FaultKind>> = Object.fromEntries(
  [
    'ComputeHostNotFound',
    'ComputeServiceUnavailable',
    'DestinationHypervisorTooOld',
    'ExtendedResourceRequestOldCompute',
    'ForbiddenPortsWithAccelerator',
    'HypervisorUnavailable',
    'InvalidCPUInfo',
    'InvalidHypervisorType',
    'InvalidLocalStorage',
    'InvalidSharedStorage',
    'MaxRetriesExceeded',
    'MigrationPreCheckError',
    'NoValidHost',
    'UnableToMigrateToSelf',
    'VTPMOldCompute',
  ].map((name) => [name, 'badRequest']),
)

export async function liveMigrate(backends: Backends, context: RequestContext, server: Server, asked: LiveMigration): Promise<void> {
  const details = detailsOf(backends, server)
  await refuseShares(backends, details)
  refusePortAccelerators(server)
  refuseAccelerators(server)
  await refuseVtpmMove(backends, details)
  await refuseSev(details, 'live-migration')
  refuseLocked(context, server)
  checkState(server, 'liveMigrate')
  const { host, force } = asked
  const node = host ? await firstNode(backends, server, host) : undefined
  const stored = await findRequestSpec(backends, server.uuid)
  // Through the scheduler, which then has only this host to choose from
  const scheduled = force === false && node
  const spec = scheduled ? RequestSpec.change(stored, { requested_destination: destinationOf(node) }) : stored
  try {
    await startTask(backends, context, details, {
      verb: 'liveMigrate',
      action: 'live-migration',
      changes: { taskState: 'migrating' },
      fields: detailed,
      send: (instance) => send(backends, context, instance, { ...asked, host: scheduled ? null : host }, spec),
    })
  } catch (error) {
    if (error instanceof Fault && error.kind === 'unanswered') await noteFault(backends, server)
    throw isRemote(error, 'InstanceInvalidState') ? stateRefusal(server, rules.liveMigrate.says, error) : refusalOf(error, refusals)
  }
}

/** Throws `computeHostNotFound`. Where a host has several nodes, the first stands for all. */
export async function firstNode(backends: Backends, server: Pick<Server, 'uuid' | 'cellId'>, host: string): Promise<ComputeNode> {
  const [node] = await inCell(backends, server, (cell) => cell.computeNodes.ofHost(host))
  if (!node) throw new Fault('computeHostNotFound', host)
  return node
}

export const destinationOf = (node: ComputeNode): Destination =>
  Destination.withDefaults(Destination.make({ host: node.host!, node: node.hypervisorHostname }))

async function send(
  backends: Backends,
  context: RequestContext,
  instance: Instance,
  asked: LiveMigration,
  spec: RequestSpec,
): Promise<void> {
  const { host, blockMigration, diskOverCommit, later } = asked
  const same = {
    instance,
    scheduler_hint: { host },
    block_migration: blockMigration,
    disk_over_commit: diskOverCommit,
    request_spec: spec,
  }
  if (later) return castToConductor(backends, context, 'live_migrate_instance', same)
  const rest = { live: true, rebuild: false, flavor: null, reservations: null, clean_shutdown: true, host_list: null }
  await callConductor(backends, context, 'migrate_server', { ...same, ...rest }, longCall(backends))
}

/** The move may still be going on, so its outcome cannot be told here. nova/compute/utils.py add_instance_fault_from_exc */
async function noteFault(backends: Backends, server: Server): Promise<void> {
  const host = ownHost(backends.settings.compute)
  await inCell(backends, server, (cell) =>
    cell.faults.add({ instanceUuid: server.uuid, code: 500, message: 'MessagingTimeout', details: '', host }),
  )
}

/** Throws `migrationNotFound`. */
export async function findMigration(backends: Backends, server: Server, id: string): Promise<Migration> {
  const isNumber = /^\d+$/.test(id)
  const found = isNumber ? await inCellOr(backends, server, undefined, (cell) => cell.migrations.find(Number(id))) : undefined
  if (!found || found.deleted || found.instanceUuid !== server.uuid) throw new Fault('migrationNotFound', id, server.uuid)
  return found
}

/** Live migrations of a server that are under way. */
export const migrationsUnderWay = async (backends: Backends, server: Server): Promise<Migration[]> => {
  const moves = await inCellOr(backends, server, [], (cell) => cell.migrations.ofServer(server.uuid, underWay))
  return moves.filter((move) => move.migrationType === 'live-migration')
}

export const underWay = ['queued', 'preparing', 'running', 'post-migrating']

/** Lets it end, whatever that costs the server. */
export async function forceComplete(backends: Backends, context: RequestContext, server: Server, id: string): Promise<void> {
  refuseLocked(context, server)
  checkState(server, 'forceComplete')
  const migration = await findMigration(backends, server, id)
  if (migration.status !== 'running') throw new Fault('migrationState', id, server.uuid, migration.status, 'force complete')
  const { cellId } = server
  await startTask(backends, context, detailsOf(backends, server), {
    action: 'live_migration_force_complete',
    send: (instance) =>
      castToCompute(backends, context, { cellId, host: migration.sourceCompute }, 'live_migration_force_complete', instance, {}),
  })
}

/** `queuedToo`: also one that has not begun. */
export async function abortMigration(
  backends: Backends,
  context: RequestContext,
  server: Server,
  id: string,
  { queuedToo }: { queuedToo: boolean },
): Promise<void> {
  // nova/api/openstack/compute/server_migrations.py knows locks as invalid states alone
  refuseLockAsState(context, server, 'abort live migration')
  checkState(server, 'liveMigrateAbort')
  const migration = await findMigration(backends, server, id)
  const allowed = queuedToo ? ['running', 'queued', 'preparing'] : ['running']
  if (!allowed.includes(migration.status ?? ''))
    throw new Fault('migrationState', id, server.uuid, migration.status, 'abort live migration')
  await startTask(backends, context, detailsOf(backends, server), {
    action: 'live_migration_cancel',
    send: (instance) => castToCompute(backends, context, server, 'live_migration_abort', instance, { migration_id: migration.id }),
  })
}
