/** The end of a resize or a cold migration: the server stays as it is now, or goes back to what it was. */
import type { RequestContext } from '../../oslo/context.ts'
import type { Migration as MigrationRow } from '../../stores/cell/migrations.ts'
import type { Server } from '../../stores/cell/servers.ts'
import { Flavor } from '../../stores/objects/flavor.ts'
import { RequestSpec } from '../../stores/objects/request-spec.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { castToCompute } from '../rpc/compute.ts'
import { isServing, refuseLocked } from './checks.ts'
import { type Details, detailsOf } from './details.ts'
import { sizeOfFlavor, topologyWith } from './guest.ts'
import { inCell } from './in-cell.ts'
import { hasPortAllocations, portResources } from './port-resources.ts'
import { checkUpsize, sizeOf } from './quota.ts'
import { findRequestSpec, withRequestSpec } from './request-spec.ts'
import { checkState } from './states.ts'
import { startTask, toConductor } from './task.ts'
import { detailed, migrationOf } from './to-wire.ts'
import { zoneOf } from './zones.ts'

/** Throws `badRequest` when there is nothing to end, and `computeDown` when the host that the server has left is. */
export async function confirmResize(backends: Backends, context: RequestContext, server: Server): Promise<void> {
  refuseLocked(context, server)
  checkState(server, 'confirmResize')
  const row = await finished(backends, server)
  await requireSourceUp(backends, server, row)
  const details = detailsOf(backends, server)
  const migration = migrationOf({ ...row, status: 'confirming' })
  await inMove(backends, server, row, 'confirming', () =>
    startTask(backends, context, details, {
      action: 'confirmResize',
      fields: detailed,
      send: row.crossCellMove
        ? toConductor(backends, context, 'confirm_snapshot_based_resize', { migration })
        : (instance) =>
            castToCompute(backends, context, { cellId: server.cellId, host: row.sourceCompute }, 'confirm_resize', instance, { migration }),
    }),
  )
}

/** Throws `badRequest` when there is nothing to end, and `tooManyServers` when the server was larger than would fit now. */
export async function revertResize(backends: Backends, context: RequestContext, server: Server): Promise<void> {
  refuseLocked(context, server)
  checkState(server, 'revertResize')
  const row = await finished(backends, server)
  const details = detailsOf(backends, server)
  const stored = await findRequestSpec(backends, server.uuid)
  const { cur, old } = server.flavor!
  await checkUpsize(backends, server, sizeOf(cur), sizeOf(old ?? cur))
  const availabilityZone = await zoneOf(backends, row.sourceCompute ?? '')
  const start = async (spec: RequestSpec) => {
    const request_spec = await withPortResources(backends, server, spec)
    const migration = migrationOf({ ...row, status: 'reverting' })
    const destination = { cellId: server.cellId, host: row.destCompute }
    return inMove(backends, server, row, 'reverting', () =>
      startTask(backends, context, details, {
        verb: 'revertResize',
        action: 'revertResize',
        changes: { availabilityZone, taskState: 'resize_reverting' },
        fields: detailed,
        send: row.crossCellMove
          ? toConductor(backends, context, 'revert_snapshot_based_resize', { migration })
          : (instance) => castToCompute(backends, context, destination, 'revert_resize', instance, { migration, request_spec }),
      }),
    )
  }
  const other = await withOldFlavor(details, stored)
  if (other) await withRequestSpec(backends, stored, other, start)
  else await start(stored)
}

async function finished(backends: Backends, server: Server): Promise<MigrationRow> {
  const found = await inCell(backends, server, (cell) => cell.migrations.inStatus(server.uuid, 'finished'))
  if (!found) throw notResized()
  return found
}

const notResized = (): Fault => new Fault('badRequest', 'Instance has not been resized.')

/** Takes the move on while the work is done, and back when it could not be handed over. */
async function inMove(
  backends: Backends,
  server: Server,
  { id, status }: MigrationRow,
  next: string,
  work: () => Promise<unknown>,
): Promise<void> {
  const taken = await inCell(backends, server, (cell) => cell.migrations.advance(id, { status: next }, [status ?? '']))
  // Somebody else ends it at this moment
  if (!taken) throw notResized()
  try {
    await work()
  } catch (error) {
    await inCell(backends, server, (cell) => cell.migrations.advance(id, { status: status ?? '' }, [next]))
    throw error
  }
}

/** nova/compute/api.py API._get_source_compute_service: after a move between cells the host is in another one */
async function requireSourceUp(backends: Backends, server: Server, { sourceCompute, crossCellMove }: MigrationRow): Promise<void> {
  const host = sourceCompute ?? ''
  const mapping = crossCellMove ? await backends.stores.api.hostMappings.find(host) : undefined
  if (crossCellMove && !mapping) throw new Fault('computeHostNotFound', host)
  const place = { uuid: server.uuid, cellId: mapping ? mapping.cellId : server.cellId }
  const [service] = await inCell(backends, place, (cell) => cell.services.ofHosts([host], 'nova-compute'))
  if (!service) throw new Fault('computeHostNotFound', host)
  if (!isServing(backends, service)) throw new Fault('computeDown')
}

/** What later moves shall ask the scheduler for; undefined when the flavor is the same. */
async function withOldFlavor(details: Details, spec: RequestSpec): Promise<RequestSpec | undefined> {
  const { old } = details.server.flavor!
  if (!old || spec.flavor?.id === old['nova_object.data'].id) return undefined
  const flavor = Flavor.unchanged(Flavor.fromWire(old))
  return RequestSpec.change(spec, { flavor, numa_topology: await topologyWith(details, sizeOfFlavor(old)) })
}

async function withPortResources(backends: Backends, server: Server, spec: RequestSpec): Promise<RequestSpec> {
  if (!hasPortAllocations(server)) return spec
  const { groups, levelParams } = await portResources(backends, server)
  return RequestSpec.change(spec, { requested_resources: groups, request_level_params: levelParams })
}
