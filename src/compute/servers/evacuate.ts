/** Rebuilding servers of a failed host somewhere else. */
import type { RequestContext } from '../../oslo/context.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { Service } from '../../stores/cell/services.ts'
import { answered } from '../../stores/cells.ts'
import { RequestSpec } from '../../stores/objects/request-spec.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { tellAction, tellUsage } from '../notifications/servers.ts'
import { isServing, refusePortAccelerators, refuseShares, refuseVtpm } from './checks.ts'
import { type Details, detailsOf } from './details.ts'
import { inCell } from './in-cell.ts'
import { destinationOf, firstNode } from './live-migrate.ts'
import { findRequestSpec } from './request-spec.ts'
import { checkState } from './states.ts'
import { startTask, toConductor } from './task.ts'
import { type Field, usual } from './to-wire.ts'

export interface Evacuation {
  readonly host: string | undefined
  /** Whether its disks are still to be reached; null is found out. */
  readonly onSharedStorage: boolean | null
  readonly password: string | null
  /** Whether the scheduler is passed by; undefined is before there was a choice: then a host is taken as it is. */
  readonly force: boolean | undefined
  /** The state that it shall have there; the one it had when null. */
  readonly targetState: 'stopped' | null
}

const fields: readonly Field[] = [...usual, 'trusted_certs', 'pci_requests', 'pci_devices', 'resources', 'migration_context', 'flavor']

/** Throws `missing` for a host that is no compute. nova/compute/api.py HostAPI.service_get_by_compute_host */
export async function requireComputeHost({ stores }: Backends, host: string): Promise<void> {
  const find = async (mapping: number): Promise<Service[]> => {
    const [answer] = await stores.cells.gather((cell) => cell.services.ofHosts([host], 'nova-compute'), [mapping])
    return answer && answered(answer) ? answer.value : []
  }
  const mapping = await stores.api.hostMappings.find(host)
  const found = mapping?.cellId ? await find(mapping.cellId) : []
  if (found.length === 0) throw new Fault('missing', `Compute host ${host} not found.`)
}

/** Locks do not matter: the host is lost. */
export async function evacuate(backends: Backends, context: RequestContext, server: Server, asked: Evacuation): Promise<void> {
  const { onSharedStorage, password, targetState } = asked
  const details = detailsOf(backends, server)
  await refuseShares(backends, details)
  refusePortAccelerators(server)
  await refuseVtpm(details, 'evacuate')
  checkState(server, 'evacuate')
  await requireHostLost(backends, details)
  const stored = await findRequestSpec(backends, server.uuid)
  const scheduled = asked.force === false && asked.host ? await firstNode(backends, server, asked.host) : undefined
  const spec = scheduled ? RequestSpec.change(stored, { requested_destination: destinationOf(scheduled) }) : stored
  await startTask(backends, context, details, {
    verb: 'evacuate',
    action: 'evacuate',
    changes: { taskState: 'rebuilding' },
    expected: null,
    fields,
    send: async (instance) => {
      await markEvacuated(backends, context, server, asked.host)
      const now = details.with({ taskState: 'rebuilding' })
      await tellUsage(backends, context, now, 'evacuate')
      await tellAction(backends, context, now, 'evacuate')
      await toConductor(backends, context, 'rebuild_instance', {
        new_pass: password,
        injected_files: null,
        image_ref: null,
        orig_image_ref: null,
        orig_sys_metadata: null,
        bdms: null,
        recreate: true,
        on_shared_storage: onSharedStorage,
        preserve_ephemeral: false,
        host: scheduled ? null : (asked.host ?? null),
        request_spec: spec,
        reimage_boot_volume: false,
        target_state: targetState,
      })(instance)
    },
  })
}

async function requireHostLost(backends: Backends, details: Details): Promise<void> {
  const { host } = details.server
  const [service] = await details.get('services')
  if (!service) throw new Fault('computeHostNotFound', host)
  if (isServing(backends, service)) throw new Fault('badRequest', `Compute service of ${host} is still in use.`)
}

/** By this record the lost host will know, once it is back, what is no longer its own. */
async function markEvacuated(backends: Backends, context: RequestContext, server: Server, host: string | undefined): Promise<void> {
  const { uuid, host: sourceCompute, node: sourceNode } = server
  await inCell(backends, server, (cell) =>
    cell.migrations.create({
      uuid: backends.ids.uuid(),
      instanceUuid: uuid,
      sourceCompute,
      sourceNode,
      status: 'accepted',
      migrationType: 'evacuation',
      userId: context.userId,
      projectId: context.projectId,
      ...(host !== undefined && { destCompute: host }),
    }),
  )
}
