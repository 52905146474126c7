/**
 * The network service of the embedded cloud: Neutron's v2.0 API over documents on a shelf. Ports are bound at once, addresses are
 * given out and kept apart, and nothing carries packets. What is not built answers 501.
 *
 *     const { application, seed } = network({ shelf, authenticate, clock, ids, report })
 *     seed({ adminProjectId, external: { name: 'public', cidr: '203.0.113.0/24' } })
 */
import type { Application, Request } from '../../app/contract.ts'
import { type Authenticate, type Clock, type Ids, type Routes, service } from '../service.ts'
import type { Shelf } from '../shelf.ts'
import { addressGroups, changeAddresses } from './address-groups.ts'
import { addressScopes } from './address-scopes.ts'
import { autoTopologyRoutes } from './auto-topology.ts'
import { networkIpAvailabilities } from './availability.ts'
import { defaultRules, ensureDefaultRules } from './default-rules.ts'
import { extensionRoutes, resourceIndex, versionRoutes } from './extensions.ts'
import { faultBody } from './faults.ts'
import { floatingIps } from './floatingips.ts'
import { networks } from './networks.ts'
import { bindingRoutes } from './port-binding.ts'
import { ports } from './ports.ts'
import { defaultQuotas, quotaRoutes } from './quotas.ts'
import { rbacPolicies } from './rbac-policies.ts'
import { memberAction, resourceRoutes } from './resource-routes.ts'
import { addInterface, removeInterface } from './router-interfaces.ts'
import { changeRoutes, routers } from './routers.ts'
import { securityGroupRules } from './security-group-rules.ts'
import { securityGroups } from './security-groups.ts'
import { type Seeded, type SeedPlan, seed } from './seed.ts'
import { smallRoutes } from './small.ts'
import type { NetworkEvent, Neutron } from './state.ts'
import { openStore, type Store } from './store.ts'
import { changePrefixes, subnetPools } from './subnetpools.ts'
import { subnets } from './subnets.ts'
import { tagRoutes } from './tags.ts'
import { otherwise } from './unbuilt.ts'

export type { Seeded, SeedNetwork, SeedPlan } from './seed.ts'
export type { NetworkEvent } from './state.ts'

export interface NetworkParts {
  readonly shelf: Shelf
  readonly authenticate: Authenticate
  readonly clock: Clock
  readonly ids: Ids
  /** Told of errors nobody foresaw. */
  readonly report: (error: unknown, request: Request) => void
  /** Told, once the change is kept, when a server's port comes up, goes down or goes away, or when its addresses change. */
  readonly notify?: (event: NetworkEvent) => void
  /** The domain of port names. The default is the one Nova gives servers (nova.conf dhcp_domain). */
  readonly dnsDomain?: string
  /** Limits for projects that have none of their own; those of Neutron otherwise. */
  readonly quotas?: Readonly<Record<string, number>>
}

export interface NetworkService {
  readonly application: Application
  /** Makes what a fresh cloud has and is not there yet. May be called at every start. */
  seed(plan: SeedPlan): Seeded
}

/** The service over a shelf; everything it knows of the world is an argument. */
export function network(parts: NetworkParts): NetworkService {
  const { shelf, authenticate, clock, ids, report, notify = () => {}, dnsDomain = 'novalocal.', quotas = {} } = parts
  const settings = { dnsDomain, quotas: { ...defaultQuotas, ...quotas } }
  const neutron: Neutron = { ...announcing(openStore(shelf), notify), clock, ids, settings }
  neutron.store.write(() => ensureDefaultRules(neutron))
  const application = service({
    open: versionRoutes,
    routes: routesOf(neutron),
    authenticate,
    fault: faultBody,
    report,
    otherwise,
    headers: () => [['X-Openstack-Request-Id', `req-${ids.uuid()}`]],
  })
  return { application, seed: (plan) => seed(neutron, plan) }
}

/** Events of a transaction are told when it has ended well, and forgotten otherwise. */
function announcing(store: Store, notify: (event: NetworkEvent) => void): Pick<Neutron, 'store' | 'tell'> {
  let waiting: NetworkEvent[] = []
  let depth = 0
  return {
    tell: (event) => void waiting.push(event),
    store: {
      ...store,
      write(change) {
        depth++
        try {
          return store.write(change)
        } catch (error) {
          if (depth === 1) waiting = []
          throw error
        } finally {
          depth--
          if (depth === 0) for (const event of waiting.splice(0)) notify(event)
        }
      },
    },
  }
}

const routesOf = (neutron: Neutron): Routes => ({
  ...resourceIndex,
  ...extensionRoutes,
  ...resourceRoutes(networks, neutron),
  ...resourceRoutes(subnets, neutron),
  ...resourceRoutes(ports, neutron),
  ...bindingRoutes(neutron),
  ...resourceRoutes(securityGroups, neutron),
  ...resourceRoutes(securityGroupRules, neutron),
  ...resourceRoutes(defaultRules, neutron),
  ...resourceRoutes(routers, neutron),
  'PUT /v2.0/routers/:id/add_router_interface': memberAction(routers, neutron, 'add_router_interface', (row, { body }, operation) =>
    addInterface(row, body, operation),
  ),
  'PUT /v2.0/routers/:id/remove_router_interface': memberAction(routers, neutron, 'remove_router_interface', (row, { body }, operation) =>
    removeInterface(row, body, operation),
  ),
  'PUT /v2.0/routers/:id/add_extraroutes': memberAction(routers, neutron, 'add_extraroutes', (row, { body }, operation) =>
    changeRoutes(row, body, operation, 'add'),
  ),
  'PUT /v2.0/routers/:id/remove_extraroutes': memberAction(routers, neutron, 'remove_extraroutes', (row, { body }, operation) =>
    changeRoutes(row, body, operation, 'remove'),
  ),
  ...resourceRoutes(floatingIps, neutron),
  ...resourceRoutes(subnetPools, neutron),
  'PUT /v2.0/subnetpools/:id/add_prefixes': memberAction(subnetPools, neutron, 'add_prefixes', (row, { body }, operation) =>
    changePrefixes(row, body, operation, 'add'),
  ),
  'PUT /v2.0/subnetpools/:id/remove_prefixes': memberAction(subnetPools, neutron, 'remove_prefixes', (row, { body }, operation) =>
    changePrefixes(row, body, operation, 'remove'),
  ),
  ...resourceRoutes(addressScopes, neutron),
  ...resourceRoutes(addressGroups, neutron),
  'PUT /v2.0/address-groups/:id/add_addresses': memberAction(addressGroups, neutron, 'add_addresses', (row, { body }, operation) =>
    changeAddresses(row, body, operation, 'add'),
  ),
  'PUT /v2.0/address-groups/:id/remove_addresses': memberAction(addressGroups, neutron, 'remove_addresses', (row, { body }, operation) =>
    changeAddresses(row, body, operation, 'remove'),
  ),
  ...resourceRoutes(rbacPolicies, neutron),
  ...resourceRoutes(networkIpAvailabilities, neutron),
  ...quotaRoutes(neutron),
  ...tagRoutes(neutron),
  ...autoTopologyRoutes(neutron),
  ...smallRoutes(neutron),
})
