/** What operators change of services: whether they are enabled, whether they count as down, and taking them out for good. */
import type { RequestContext } from '../../oslo/context.ts'
import { PeerError } from '../../oslo/keystoneauth/errors.ts'
import type { ComputeNode, Service } from '../../stores/cell/services.ts'
import type { Cell, CellStore } from '../../stores/cells.ts'
import { dropFromAggregates } from '../aggregates.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { servicePayload } from '../notifications/payloads.ts'
import { callHost } from '../rpc/host.ts'
import type { Placed } from './find.ts'
import { isServing, type ZonedService, zoned } from './list.ts'

export interface ServiceChanges {
  readonly disabled?: boolean
  readonly disabledReason?: string | null
  readonly forcedDown?: boolean
}

/** The service as it is then. Its compute is told whenever `disabled` is said, even if that is no change. */
export async function changeService(
  backends: Backends,
  context: RequestContext,
  { cell, service }: Placed,
  changes: ServiceChanges,
): Promise<ZonedService> {
  await cell.services.update(service.id, changes)
  const changed = (await cell.services.get(service.id)) ?? service
  await tell(backends, context, 'update', changed)
  if (changes.disabled !== undefined) await tellCompute(backends, context, cell, changed)
  return zoned(backends, changed, await backends.stores.api.aggregates.zonesOfHosts())
}

/** The publisher is the service itself. nova/objects/service.py Service._send_notification */
const tell = (backends: Backends, context: RequestContext, action: 'update' | 'delete', service: Service): Promise<void> =>
  backends.notifications.versioned(context, async () => ({
    object: 'service',
    action,
    publisher: { host: service.host!, source: service.binary === 'nova-osapi_compute' ? 'nova-api' : service.binary! },
    payload: servicePayload(service, zoned(backends, service, await backends.stores.api.aggregates.zonesOfHosts()).zone),
  }))

/** Has the compute mark its providers in Placement; one that is down does so when it comes back, so nothing that fails here is told. */
async function tellCompute(backends: Backends, context: RequestContext, cell: Cell, service: Service): Promise<void> {
  if (!isServing(backends, service)) return
  try {
    await callHost(backends, context, { cell, service }, 'set_host_enabled', { enabled: !service.disabled })
  } catch (error) {
    backends.log.warning(`The compute on ${service.host} could not be told whether it is enabled; it will see for itself.`, { error })
  }
}

/** Throws `evacuationsRemain` while evacuations from a host that a cell knows of are not closed: its compute has not restarted since. */
export async function checkForcedUp({ hosts }: Pick<CellStore, 'hosts'>, host: string): Promise<void> {
  if ((await hosts.evacuatedFrom(host)).length > 0) throw new Fault('evacuationsRemain', host)
}

/** Takes a service out for good; a compute with its nodes, its mapping, its aggregates and its providers. Throws `computeInUse` or `computeHasMoves`. */
export async function deleteService(backends: Backends, context: RequestContext, placed: Placed): Promise<void> {
  const { cell, service } = placed
  if (service.binary === 'nova-compute') await retireCompute(backends, context, placed)
  await cell.services.remove(service.id, service.binary === 'nova-compute' ? service.host : null)
  await tell(backends, context, 'delete', service)
}

async function retireCompute(backends: Backends, context: RequestContext, { cell, service }: Placed): Promise<void> {
  const host = service.host!
  if ((await cell.hosts.countServers([host])) > 0) throw new Fault('computeInUse')
  const nodes = await cell.computeNodes.ofHost(host)
  for (const node of nodes)
    if ((await cell.hosts.movesInProgress(host, node.hypervisorHostname!)).length > 0) throw new Fault('computeHasMoves')
  await dropFromAggregates(backends, context, host)
  for (const node of nodes) await removeProviders(backends, cell, node)
  await backends.stores.api.hostMappings.remove(host)
}

/** What is left in Placement is an annoyance and no reason to keep the service. nova/scheduler/client/report.py delete_resource_provider */
async function removeProviders({ peers: { placement }, log }: Backends, cell: Cell, node: ComputeNode): Promise<void> {
  const tolerant = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof PeerError)) throw error
      log.error(`Placement keeps something of the compute node ${node.uuid}: ${error.message}`)
    }
  }
  let tree: string[] = []
  await tolerant(async () => {
    tree = await placement.tree(node.uuid!)
  })
  for (const server of await cell.hosts.evacuatedFrom(node.host!)) await tolerant(() => placement.releaseFrom(server, tree))
  for (const provider of tree.toReversed()) await tolerant(() => placement.removeProvider(provider))
}
