/** Collections that this service has little to say about: agents, zones, providers, pools of floating IPs. */
import type { AuthenticatedCall, Routes } from '../service.ts'
import { fault } from './faults.ts'
import { networks } from './networks.ts'
import { allowed } from './policy.ts'
import { fieldsOf } from './resource.ts'
import type { Neutron } from './state.ts'

/** Plain rows, filtered and cut to the fields asked for. */
function rowsFor(collection: string, rows: readonly Record<string, unknown>[], { query }: AuthenticatedCall): Record<string, unknown> {
  const fields = fieldsOf(query)
  const matches = (row: Record<string, unknown>) =>
    Object.keys(row).every((key) => !query.has(key) || query.getAll(key).includes(String(row[key])))
  const cut = (row: Record<string, unknown>) => Object.fromEntries(Object.entries(row).filter(([key]) => !fields || fields.has(key)))
  return { [collection]: rows.filter(matches).map(cut) }
}

export const smallRoutes = (neutron: Neutron): Routes => ({
  // There is no data plane, and so nothing that would report.
  'GET /v2.0/agents': () => ({ agents: [] }),
  'GET /v2.0/agents/:id': ({ params }) => {
    throw fault('AgentNotFound', params.id!)
  },
  'GET /v2.0/availability_zones': (call) => {
    const seen = allowed('get_availability_zone', {}, { neutron, caller: call.caller })
    const zones = ['network', 'router'].map((resource) => ({ name: 'nova', resource, state: 'available' }))
    return rowsFor('availability_zones', seen ? zones : [], call)
  },
  'GET /v2.0/service-providers': () => ({ service_providers: [] }),
  'GET /v2.0/floatingip_pools': (call) => rowsFor('floatingip_pools', poolsFor(neutron, call), call),
})

/** One per IPv4 subnet of an external network. neutron/db/l3_fip_pools_db.py */
function poolsFor(neutron: Neutron, { caller }: AuthenticatedCall): Record<string, unknown>[] {
  const operation = { neutron, caller }
  return neutron.store.networks
    .filter((network) => network.external && networks.visible(network, operation))
    .flatMap((network) =>
      neutron.store.subnets
        .by('network_id', network.id)
        .filter(({ ip_version }) => ip_version === 4)
        .map((subnet) => ({
          subnet_id: subnet.id,
          subnet_name: subnet.name,
          project_id: network.project_id,
          tenant_id: network.project_id,
          network_id: network.id,
          cidr: subnet.cidr,
        })),
    )
}
