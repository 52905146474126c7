/** What a fresh cloud has: a shared network, an external one, a network of a project, and a router between them. */
import type { Caller } from '../service.ts'
import type { Network, Router, Subnet } from './documents.ts'
import { createNetwork, type NetworkValues } from './networks.ts'
import { addInterface } from './router-interfaces.ts'
import { createRouter, interfacePorts } from './routers.ts'
import { ensureDefaultGroup } from './security-groups.ts'
import type { Neutron, Operation } from './state.ts'
import { createSubnetPool } from './subnetpools.ts'
import { createSubnet } from './subnets.ts'

export interface SeedNetwork {
  readonly name: string
  readonly cidr: string
  readonly dnsNameservers?: readonly string[]
  /** Unless said, networks towards the outside have none. */
  readonly dhcp?: boolean
}

export interface SeedPlan {
  /** Owns the shared and the external network. */
  readonly adminProjectId: string
  /** Every project may use it. */
  readonly shared?: SeedNetwork
  /** Where floating IPs are; the default one for `auto-allocated-topology`. */
  readonly external?: SeedNetwork
  readonly private?: SeedNetwork & { readonly projectId: string }
  /** Has its gateway on the external network and interfaces on the others. Belongs to the project of the private network, if there is one. */
  readonly router?: { readonly name: string }
  /** The shared default pool from which `auto-allocated-topology` cuts networks. */
  readonly subnetPool?: { readonly name: string; readonly prefixes: readonly string[]; readonly defaultPrefixlen: number }
}

export interface Seeded {
  readonly sharedNetworkId?: string
  readonly externalNetworkId?: string
  readonly privateNetworkId?: string
  readonly routerId?: string
}

/** Makes what the plan names and is not there yet, by name and project; touches nothing that is. One transaction. */
export const seed = (neutron: Neutron, plan: SeedPlan): Seeded => neutron.store.write(() => plant({ neutron, caller: system(plan) }, plan))

/** The service itself, acting for the administrators' project. */
const system = ({ adminProjectId }: SeedPlan): Caller => ({
  token: '',
  userId: '',
  userName: '',
  userDomainId: '',
  projectId: adminProjectId,
  projectName: null,
  projectDomainId: null,
  domainId: null,
  systemScope: null,
  roles: ['admin'],
  isAdmin: true,
})

function plant(operation: Operation, plan: SeedPlan): Seeded {
  const admin = plan.adminProjectId
  const shared = plan.shared && makeNetwork(operation, admin, plan.shared, { shared: true })
  const segment = { 'provider:network_type': 'flat', 'provider:physical_network': 'public' }
  const external = plan.external && makeNetwork(operation, admin, plan.external, { 'router:external': true, is_default: true, ...segment })
  const own = plan.private && makeNetwork(operation, plan.private.projectId, plan.private, {})
  if (plan.subnetPool) makePool(operation, admin, plan.subnetPool)
  const inside = [own, shared].filter((one) => one !== undefined).map(({ subnet }) => subnet)
  const router = plan.router && makeRouter(operation, plan.private?.projectId ?? admin, plan.router.name, external?.network, inside)
  for (const projectId of new Set([admin, plan.private?.projectId ?? admin])) ensureDefaultGroup(projectId, operation)
  return {
    ...(shared && { sharedNetworkId: shared.network.id }),
    ...(external && { externalNetworkId: external.network.id }),
    ...(own && { privateNetworkId: own.network.id }),
    ...(router && { routerId: router.id }),
  }
}

function makeNetwork(
  operation: Operation,
  project_id: string,
  { name, cidr, dnsNameservers, dhcp }: SeedNetwork,
  values: Partial<NetworkValues>,
): { network: Network; subnet: Subnet } {
  const { store } = operation.neutron
  const network =
    store.networks.by('project_id', project_id).find((one) => one.name === name) ??
    createNetwork(operation.neutron, { ...values, project_id, name })
  const subnet =
    store.subnets.by('network_id', network.id)[0] ??
    createSubnet(
      {
        project_id,
        name: `${name}-subnet`,
        description: '',
        network_id: network.id,
        ip_version: cidr.includes(':') ? 6 : 4,
        cidr,
        enable_dhcp: dhcp ?? !values['router:external'],
        ...(dnsNameservers && { dns_nameservers: dnsNameservers }),
      },
      operation,
    )
  return { network, subnet }
}

function makePool(
  operation: Operation,
  project_id: string,
  { name, prefixes, defaultPrefixlen }: NonNullable<SeedPlan['subnetPool']>,
): void {
  if (operation.neutron.store.subnetPools.find((pool) => pool.name === name || pool.is_default)) return
  const values = { project_id, name, description: '', prefixes, default_prefixlen: defaultPrefixlen, is_default: true, shared: true }
  createSubnetPool(values, operation)
}

function makeRouter(
  operation: Operation,
  project_id: string,
  name: string,
  external: Network | undefined,
  inside: readonly Subnet[],
): Router {
  const { store } = operation.neutron
  const router =
    store.routers.by('project_id', project_id).find((one) => one.name === name) ??
    createRouter({ project_id, name, external_gateway_info: external ? { network_id: external.id } : null }, operation)
  const joined = new Set(interfacePorts(operation.neutron, router).flatMap(({ fixed_ips }) => fixed_ips.map(({ subnet_id }) => subnet_id)))
  for (const { id } of inside) if (!joined.has(id)) addInterface(store.routers.get(router.id)!, { subnet_id: id }, operation)
  return store.routers.get(router.id)!
}
