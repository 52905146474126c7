/** What the ports of a server that exists ask of Placement. */
import type { Server } from '../../stores/cell/servers.ts'
import type { RequestGroup, RequestLevelParams } from '../../stores/objects/request-spec.ts'
import type { Backends } from '../backends.ts'
import { asksForResources, groupsOf, levelParamsOf } from './create/network-resources.ts'

const fields = ['id', 'resource_request']

/** Asked as ourselves: others are not told. */
const portsOf = ({ peers }: Backends, { uuid }: Server) => peers.neutron.own.list('ports', { device_id: uuid, fields })

export const portsAskForResources = async (backends: Backends, server: Server): Promise<boolean> =>
  (await portsOf(backends, server)).some(asksForResources)

/** nova/network/neutron.py API.get_requested_resource_for_instance */
export async function portResources(
  backends: Backends,
  server: Server,
): Promise<{ readonly groups: RequestGroup[]; readonly levelParams: RequestLevelParams }> {
  const [ports, extended] = await Promise.all([portsOf(backends, server), backends.peers.neutron.has('port-resource-request-groups')])
  return { groups: ports.flatMap((port) => groupsOf(port, extended)), levelParams: levelParamsOf(extended ? ports : []) }
}

/** Whether a compute has noted on some port what it got of Placement. */
export const hasPortAllocations = ({ networkInfo }: Server): boolean =>
  (networkInfo ?? []).some((vif) => {
    const allocation = (vif.profile as { allocation?: unknown } | null | undefined)?.allocation
    return typeof allocation === 'object' && allocation !== null ? Object.keys(allocation).length > 0 : Boolean(allocation)
  })
