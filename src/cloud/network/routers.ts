/** Routers and their gateways to external networks. neutron/db/l3_db.py, neutron/db/extraroute_db.py, neutron/db/l3_gwmode_db.py */
import { repr } from '../../oslo/python.ts'
import { holds, overlap, parseCidr, parseIp } from './addresses.ts'
import { type Attributes, common } from './attributes.ts'
import * as checks from './checks.ts'
import type { Network, Port, Route, Router, Subnet } from './documents.ts'
import { badRequest, fault } from './faults.ts'
import { reallocate, routerGateway, routerInterface, type WantedIp } from './ipam.ts'
import { checkedZones, networks } from './networks.ts'
import { deletePort, makePort, setFixedIps } from './port-lifecycle.ts'
import { find, ownedBy, type Resource, render } from './resource.ts'
import { changed, type Neutron, newborn, type Operation } from './state.ts'

interface GatewayInfo {
  readonly network_id: string
  readonly enable_snat?: boolean
  readonly external_fixed_ips?: readonly WantedIp[]
}

interface RouterValues {
  readonly project_id: string
  readonly name: string
  readonly description: string
  readonly admin_state_up: boolean
  readonly external_gateway_info: GatewayInfo | Record<string, never> | null
  readonly routes?: readonly Route[]
  readonly availability_zone_hints: readonly string[]
}

const mostRoutes = 30
const listed = { filter: true, sort: true } as const
const gatewayKeys = ['network_id', 'enable_snat', 'external_fixed_ips']

/** No data (null or an empty dictionary) takes the gateway away. */
function checkGatewayInfo(value: unknown): string | undefined {
  if (!value || (checks.isDictionary(value) && Object.keys(value).length === 0)) return undefined
  if (!checks.isDictionary(value)) return checks.dictionary(value)
  const given = Object.keys(value)
  if (!('network_id' in value))
    return `Validation of dictionary's keys failed. Expected keys: {'network_id'} Provided keys: {${given.map(repr).join(', ')}}`
  const unknown = given.filter((key) => !gatewayKeys.includes(key))
  if (unknown.length > 0) return `Unexpected keys supplied: ${unknown.join(', ')}`
  if ('enable_snat' in value) value.enable_snat = checks.toBoolean(value.enable_snat)
  return checks.uuid(value.network_id) ?? ('external_fixed_ips' in value ? checks.fixedIps(value.external_fixed_ips) : undefined)
}

const attributes: Attributes<Router> = {
  ...common,
  admin_state_up: { post: true, put: true, default: true, convert: checks.toBoolean, ...listed },
  status: { sort: true },
  external_gateway_info: { post: true, put: true, default: null, check: checkGatewayInfo, guarded: gatewayKeys, show: gatewayInfo },
  routes: { put: true, convert: checks.nullToList, check: checks.hostRoutes },
  availability_zone_hints: { post: true, default: [], check: checks.listOf(checks.text(255)) },
  availability_zones: { show: () => [] },
  tags: {},
}

export const routers: Resource<Router, RouterValues> = {
  name: 'router',
  collection: 'routers',
  path: 'routers',
  attributes,
  table: (store) => store.routers,
  missing: (id) => fault('RouterNotFound', id),
  visible: ownedBy,
  used: (store, projectId) => store.routers.by('project_id', projectId).length,
  create: createRouter,
  update: updateRouter,
  remove: (router, { neutron }) => deleteRouter(neutron, router),
}

export const gatewayPort = ({ gw_port_id }: Router, neutron: Neutron): Port | undefined =>
  gw_port_id === null ? undefined : neutron.store.ports.get(gw_port_id)

/** The ports of a router on the networks it joins. */
export const interfacePorts = (neutron: Neutron, { id }: Router): Port[] =>
  neutron.store.ports.by('device_id', id).filter(({ device_owner }) => device_owner === routerInterface)

function gatewayInfo(router: Router, { neutron }: Operation): unknown {
  const port = gatewayPort(router, neutron)
  return port ? { network_id: port.network_id, external_fixed_ips: port.fixed_ips, enable_snat: router.enable_snat } : null
}

export function createRouter(values: Partial<RouterValues> & Pick<RouterValues, 'project_id' | 'name'>, operation: Operation): Router {
  const { neutron } = operation
  const router: Router = {
    ...newborn(neutron, values, 1),
    name: values.name,
    admin_state_up: values.admin_state_up ?? true,
    status: 'ACTIVE',
    gw_port_id: null,
    enable_snat: true,
    routes: [],
    availability_zone_hints: checkedZones(values.availability_zone_hints ?? []),
  }
  neutron.store.routers.put(router)
  const wish = wishOf(values.external_gateway_info)
  if (!wish) return router
  return neutron.store.routers.put({ ...withGateway(router, wish, operation), revision_number: 2 })
}

const wishOf = (info: RouterValues['external_gateway_info'] | undefined): GatewayInfo | undefined =>
  info && 'network_id' in info ? (info as GatewayInfo) : undefined

function updateRouter(router: Router, values: Partial<RouterValues>, operation: Operation): Router {
  const { neutron } = operation
  const { external_gateway_info: info, routes, ...rest } = values
  const wish = wishOf(info)
  const gated = info === undefined ? router : wish ? withGateway(router, wish, operation) : withoutGateway(router, neutron)
  if (routes) checkRoutes(neutron, gated, routes)
  const changes = { ...rest, ...(routes && { routes }), gw_port_id: gated.gw_port_id, enable_snat: gated.enable_snat }
  const after = changed(neutron, router, changes)
  return after === router ? router : neutron.store.routers.put(after)
}

/** The router with its gateway on that network; a gateway that is there already may get other addresses. */
function withGateway(router: Router, wish: GatewayInfo, operation: Operation): Router {
  const { neutron } = operation
  const network = find(networks, wish.network_id, operation)
  if (!network.external) throw fault('BadRequest', 'router', `Network ${network.id} is not an external network`)
  const ips = wish.external_fixed_ips ?? []
  refuseGatewayAddresses(neutron, network, ips)
  const enable_snat = wish.enable_snat ?? true
  const old = gatewayPort(router, neutron)
  if (old?.network_id === network.id) {
    if (ips.length > 0) setFixedIps(neutron, old, reallocate(neutron, old, ips))
    return { ...router, enable_snat }
  }
  const bare = withoutGateway(router, neutron)
  refuseOverlap(neutron, bare, neutron.store.subnets.by('network_id', network.id))
  const port = makePort(neutron, {
    project_id: '',
    network_id: network.id,
    name: '',
    admin_state_up: true,
    device_id: router.id,
    device_owner: routerGateway,
    status: 'ACTIVE',
    ...(ips.length > 0 && { fixed_ips: ips }),
  })
  return { ...bare, gw_port_id: port.id, enable_snat }
}

function refuseGatewayAddresses(neutron: Neutron, network: Network, ips: readonly WantedIp[]): void {
  const gateways = neutron.store.subnets.by('network_id', network.id).map(({ gateway_ip }) => gateway_ip)
  const taken = ips.find(({ ip_address }) => ip_address && gateways.includes(ip_address))
  if (taken) throw fault('BadRequest', 'router', `External IP ${taken.ip_address} is the same as the gateway IP`)
}

function withoutGateway(router: Router, neutron: Neutron): Router {
  const port = gatewayPort(router, neutron)
  if (!port) return { ...router, gw_port_id: null, enable_snat: true }
  if (neutron.store.floatingIps.by('router_id', router.id).length > 0)
    throw fault('RouterExternalGatewayInUseByFloatingIp', router.id, port.network_id)
  deletePort(neutron, port)
  return { ...router, gw_port_id: null, enable_snat: true }
}

/** The subnets a router is on: those of its interfaces, and all of its external network. */
function subnetsOf(neutron: Neutron, router: Router): Subnet[] {
  const own = interfacePorts(neutron, router).flatMap(({ fixed_ips }) =>
    fixed_ips.map(({ subnet_id }) => neutron.store.subnets.get(subnet_id)!),
  )
  const gateway = gatewayPort(router, neutron)
  return [...own, ...(gateway ? neutron.store.subnets.by('network_id', gateway.network_id) : [])]
}

/** A router is on each subnet once, and on no two that overlap. neutron/db/l3_db.py _check_for_dup_router_subnets */
export function refuseOverlap(neutron: Neutron, router: Router, added: readonly Subnet[]): void {
  const present = subnetsOf(neutron, router)
  const refuse = (message: string) => fault('BadRequest', 'router', message)
  for (const subnet of added) {
    if (present.some(({ id }) => id === subnet.id)) throw refuse(`Router already has a port on subnet ${subnet.id}`)
    const other = present.find(({ cidr }) => overlap(parseCidr(cidr)!, parseCidr(subnet.cidr)!))
    if (other) throw refuse(`Cidr ${subnet.cidr} of subnet ${subnet.id} overlaps with cidr ${other.cidr} of subnet ${other.id}`)
  }
}

/** Next hops are neighbours of the router and not the router itself. */
function checkRoutes(neutron: Neutron, router: Router, routes: readonly Route[]): void {
  if (routes.length > mostRoutes) throw fault('RoutesExhausted', router.id, mostRoutes)
  const cidrs = subnetsOf(neutron, router).map(({ cidr }) => parseCidr(cidr)!)
  const ports = [...interfacePorts(neutron, router), gatewayPort(router, neutron)]
  const own = ports.flatMap((port) => port?.fixed_ips.map(({ ip_address }) => ip_address) ?? [])
  for (const { nexthop } of routes) {
    if (!cidrs.some((cidr) => holds(cidr, parseIp(nexthop)!)))
      throw fault('InvalidRoutes', repr(routes), 'the nexthop is not connected with router')
    if (own.includes(nexthop)) throw fault('InvalidRoutes', repr(routes), 'the nexthop is used by router')
  }
}

/** `add_extraroutes` and `remove_extraroutes`: some routes without saying the others (extraroute-atomic). */
export function changeRoutes(router: Router, body: unknown, operation: Operation, verb: 'add' | 'remove'): unknown {
  const sent = checks.isDictionary(body) && checks.isDictionary(body.router) ? body.router.routes : undefined
  const reason = checks.hostRoutes(sent)
  if (reason) throw badRequest(`Invalid input for routes. Reason: ${reason}.`)
  const given = sent as Route[]
  const isGiven = (route: Route) => given.some(({ destination, nexthop }) => destination === route.destination && nexthop === route.nexthop)
  const others = router.routes.filter((route) => !isGiven(route))
  const after = updateRouter(router, { routes: verb === 'add' ? [...others, ...given] : others }, operation)
  return { router: render(routers, after, operation) }
}

export function deleteRouter(neutron: Neutron, router: Router): void {
  const ports = interfacePorts(neutron, router)
  if (ports.length > 0) throw fault('RouterInUse', router.id, `has ports still attached: ${ports.map(({ id }) => id).join(', ')}`)
  withoutGateway(router, neutron)
  neutron.store.routers.remove(router.id)
}
