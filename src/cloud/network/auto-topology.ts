/** `auto-allocated-topology`: a network, a subnet and a router for a project that asks for nothing in particular. neutron/services/auto_allocate/db.py */
import type { AuthenticatedCall, Routes } from '../service.ts'
import type { Network, SubnetPool } from './documents.ts'
import { fault } from './faults.ts'
import { createNetwork, deleteNetwork } from './networks.ts'
import { enforce } from './policy.ts'
import { addInterface, removeInterface } from './router-interfaces.ts'
import { createRouter, deleteRouter } from './routers.ts'
import type { Neutron, Operation } from './state.ts'
import { defaultPool } from './subnet-allocation.ts'
import { createSubnet } from './subnets.ts'

export const autoTopologyRoutes = (neutron: Neutron): Routes => ({
  'GET /v2.0/auto-allocated-topology/:id': (call) => {
    const { projectId, operation } = ownProject(neutron, call, 'get')
    const fields = call.query.getAll('fields').filter((field) => field !== '')
    if (fields.includes('dry-run')) {
      requirements(neutron)
      return { auto_allocated_topology: { id: 'dry-run=pass', tenant_id: projectId, project_id: projectId } }
    }
    if (fields.length > 0) throw fault('BadRequest', 'auto_allocate', 'Unrecognized field')
    const id = neutron.store.autoTopologies.get(projectId)?.network_id ?? neutron.store.write(() => build(projectId, operation))
    return { auto_allocated_topology: { id, tenant_id: projectId, project_id: projectId } }
  },
  'DELETE /v2.0/auto-allocated-topology/:id': (call) => {
    const { projectId, operation } = ownProject(neutron, call, 'delete')
    neutron.store.write(() => takeDown(projectId, operation))
  },
})

function ownProject(neutron: Neutron, { caller, params }: AuthenticatedCall, verb: string): { projectId: string; operation: Operation } {
  const operation = { neutron, caller }
  const projectId = params.id === 'None' || params.id === 'null' ? (caller.projectId ?? '') : params.id!
  if (!caller.isAdmin && projectId !== caller.projectId) throw fault('NotAuthorized')
  enforce(`${verb}_auto_allocated_topology`, { project_id: projectId }, operation)
  return { projectId, operation }
}

/** An external network that is the default, and default subnet pools. */
function requirements(neutron: Neutron): { external: Network; pools: SubnetPool[] } {
  const external = neutron.store.networks.find((network) => network.external && network.is_default)
  if (!external) throw fault('AutoAllocationFailure', 'No default router:external network')
  const pools = ([4, 6] as const).map((version) => defaultPool(neutron, version)).filter((pool) => pool !== undefined)
  if (pools.length === 0) throw fault('AutoAllocationFailure', 'No default subnetpools defined')
  return { external, pools }
}

function build(project_id: string, operation: Operation): string {
  const { neutron } = operation
  const { external, pools } = requirements(neutron)
  const network = createNetwork(neutron, { project_id, name: 'auto_allocated_network' })
  const gateway = { network_id: external.id }
  const router = createRouter({ project_id, name: 'auto_allocated_router', external_gateway_info: gateway }, operation)
  for (const pool of pools) {
    const name = `auto_allocated_subnet_v${pool.ip_version}`
    const { ip_version, id: subnetpool_id } = pool
    const values = { project_id, name, description: '', network_id: network.id, ip_version, subnetpool_id, enable_dhcp: true }
    const subnet = createSubnet(values, operation)
    addInterface(neutron.store.routers.get(router.id)!, { subnet_id: subnet.id }, operation)
  }
  neutron.store.autoTopologies.put({ id: project_id, network_id: network.id, router_id: router.id })
  return network.id
}

/** What is no longer there is passed over; a server's port keeps all of it. */
function takeDown(projectId: string, operation: Operation): void {
  const { store } = operation.neutron
  const topology = store.autoTopologies.get(projectId)
  if (!topology) return
  for (const { id } of store.subnets.by('network_id', topology.network_id)) {
    const router = store.routers.get(topology.router_id)
    if (router) removeInterface(router, { subnet_id: id }, operation)
  }
  const router = store.routers.get(topology.router_id)
  if (router) deleteRouter(operation.neutron, router)
  const network = store.networks.get(topology.network_id)
  if (network) deleteNetwork(operation.neutron, network)
  store.autoTopologies.remove(projectId)
}
