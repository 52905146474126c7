/** /v3/regions, /v3/services and /v3/endpoints (keystone/catalog). */
import { reply } from '../service.ts'
import { type Addresses, substitution, urlOf } from './catalog-view.ts'
import { conflict, expecting, forbidden, invalid } from './faults.ts'
import { filtered, listed, member } from './lists.ts'
import { type CatalogEntry, type Endpoint, type Region, removeWhere, type Store } from './model.ts'
import { extraOf, type IdentityRoutes, type Setting, sameId, type TokenCall, textOr } from './resource.ts'
import { enforce } from './rules.ts'
import { bodyOf, type Fields } from './shapes.ts'
import { endpointOf, regionOf, regionView, serviceOf } from './things.ts'

const knownOfRegion = ['id', 'description', 'parent_region_id', 'links', 'extra']
const knownOfService = ['id', 'type', 'name', 'enabled', 'links', 'extra']
const knownOfEndpoint = ['id', 'interface', 'region_id', 'region', 'service_id', 'url', 'enabled', 'links', 'extra', 'legacy_endpoint_id']

export function regionRoutes({ store, newId }: Setting): IdentityRoutes {
  const shown = (call: TokenCall, region: Region) => ({ region: member(call, 'regions', regionView(region)) })
  return {
    'GET /v3/regions': (call) => {
      enforce(call.caller, 'list_regions')
      return listed(call, 'regions', filtered(store.regions.all(), call.query, ['parent_region_id']).map(regionView))
    },
    'POST /v3/regions': (call) => {
      const fields = bodyOf('regionCreate', call.body, 'region')
      enforce(call.caller, 'create_region')
      return reply(201, shown(call, addRegion(store, (fields.id as string) || newId(), fields)))
    },
    'PUT /v3/regions/:region_id': (call) => {
      const fields = bodyOf('regionCreate', call.body, 'region')
      enforce(call.caller, 'create_region')
      const id = call.params.region_id!
      if (fields.id !== undefined && fields.id !== id) throw invalid(`Conflicting region IDs specified: "${id}" != "${fields.id}"`)
      return reply(201, shown(call, addRegion(store, id, fields)))
    },
    'GET /v3/regions/:region_id': (call) => {
      enforce(call.caller, 'get_region')
      return shown(call, regionOf(store, call.params.region_id!))
    },
    'PATCH /v3/regions/:region_id': (call) => {
      const fields = bodyOf('regionUpdate', call.body, 'region')
      enforce(call.caller, 'update_region')
      sameId(fields, call.params.region_id)
      const region = regionOf(store, call.params.region_id!)
      const changed: Region = {
        ...region,
        description: textOr(fields.description, region.description) ?? '',
        parent_region_id: textOr(fields.parent_region_id, region.parent_region_id),
        extra: { ...region.extra, ...extraOf(fields, knownOfRegion) },
      }
      assertParent(store, changed)
      return shown(
        call,
        store.change(() => store.regions.put(changed)),
      )
    },
    'DELETE /v3/regions/:region_id': (call) => {
      enforce(call.caller, 'delete_region')
      const { id } = regionOf(store, call.params.region_id!)
      const all = [id, ...below(store, id)]
      if (store.endpoints.find((one) => one.region_id !== null && all.includes(one.region_id)))
        throw forbidden(`Unable to delete region ${id} because it or its child regions have associated endpoints.`)
      store.change(() => {
        for (const one of all) store.regions.remove(one)
      })
    },
  }
}

export function addRegion(store: Store, id: string, fields: Fields): Region {
  if (store.regions.get(id)) throw conflict('region', `Duplicate ID, ${id}.`)
  const region: Region = {
    id,
    description: (fields.description as string | null) ?? '',
    parent_region_id: textOr(fields.parent_region_id, null),
    extra: extraOf(fields, knownOfRegion),
  }
  assertParent(store, region)
  return store.change(() => store.regions.put(region))
}

function assertParent(store: Store, { id, parent_region_id }: Region): void {
  if (parent_region_id === null) return
  regionOf(store, parent_region_id)
  for (let at: string | null = parent_region_id; at !== null; at = store.regions.get(at)?.parent_region_id ?? null)
    if (at === id) throw invalid(`The specified parent region ${id} would create a circular region hierarchy.`)
}

const below = (store: Store, id: string): string[] =>
  store.regions.filter((one) => one.parent_region_id === id).flatMap((child) => [child.id, ...below(store, child.id)])

const serviceView = ({ extra, ...service }: CatalogEntry) => ({ ...extra, ...service })

export function serviceRoutes({ store, newId }: Setting): IdentityRoutes {
  const shown = (call: TokenCall, service: CatalogEntry) => ({ service: member(call, 'services', serviceView(service)) })
  return {
    'GET /v3/services': (call) => {
      enforce(call.caller, 'list_services')
      return listed(call, 'services', filtered(store.services.all(), call.query, ['type', 'name']).map(serviceView))
    },
    'POST /v3/services': (call) => {
      const fields = bodyOf('serviceCreate', call.body, 'service')
      enforce(call.caller, 'create_service')
      const service = newService(newId(), fields)
      return reply(
        201,
        shown(
          call,
          store.change(() => store.services.put(service)),
        ),
      )
    },
    'GET /v3/services/:service_id': (call) => {
      enforce(call.caller, 'get_service')
      return shown(call, serviceOf(store, call.params.service_id!))
    },
    'PATCH /v3/services/:service_id': (call) => {
      const fields = bodyOf('serviceUpdate', call.body, 'service')
      enforce(call.caller, 'update_service')
      sameId(fields, call.params.service_id)
      const service = serviceOf(store, call.params.service_id!)
      const changed = newService(service.id, { ...service.extra, ...service, extra: undefined, ...fields })
      return shown(
        call,
        store.change(() => store.services.put(changed)),
      )
    },
    'DELETE /v3/services/:service_id': (call) => {
      enforce(call.caller, 'delete_service')
      const { id } = serviceOf(store, call.params.service_id!)
      store.change(() => {
        store.services.remove(id)
        removeWhere(store.endpoints, (one) => one.service_id === id)
        const limits = store.registeredLimits.filter((one) => one.service_id === id).map((one) => one.id)
        removeWhere(store.limits, (one) => limits.includes(one.registered_limit_id))
        removeWhere(store.registeredLimits, (one) => one.service_id === id)
      })
    },
  }
}

export const newService = (id: string, fields: Fields): CatalogEntry => ({
  id,
  type: fields.type as string,
  name: (fields.name as string | undefined) ?? '',
  enabled: (fields.enabled as boolean | undefined) ?? true,
  extra: extraOf(fields, knownOfService),
})

export function endpointRoutes({ store, newId }: Setting, addresses: Addresses): IdentityRoutes {
  const view = (call: TokenCall, endpoint: Endpoint) => {
    const { extra, template: _, ...rest } = endpoint
    return { ...extra, ...rest, url: urlOf(endpoint, addresses, call) ?? '', region: endpoint.region_id }
  }
  const shown = (call: TokenCall, endpoint: Endpoint) => ({ endpoint: member(call, 'endpoints', view(call, endpoint)) })
  const target = (call: TokenCall) => endpointOf(store, call.params.endpoint_id!)

  return {
    'GET /v3/endpoints': (call) => {
      enforce(call.caller, 'list_endpoints')
      const endpoints = filtered(store.endpoints.all(), call.query, ['interface', 'service_id', 'region_id'])
      return listed(
        call,
        'endpoints',
        endpoints.map((endpoint) => view(call, endpoint)),
      )
    },
    'POST /v3/endpoints': (call) => {
      const fields = bodyOf('endpointCreate', call.body, 'endpoint')
      enforce(call.caller, 'create_endpoint')
      const endpoint: Endpoint = {
        id: newId(),
        service_id: fields.service_id as string,
        interface: fields.interface as Endpoint['interface'],
        region_id: regionGiven(fields) ?? null,
        enabled: (fields.enabled as boolean | undefined) ?? true,
        url: fields.url as string,
        template: null,
        extra: extraOf(fields, knownOfEndpoint),
      }
      return reply(201, shown(call, putEndpoint(store, endpoint, fields)))
    },
    'GET /v3/endpoints/:endpoint_id': (call) => {
      enforce(call.caller, 'get_endpoint')
      return shown(call, target(call))
    },
    'PATCH /v3/endpoints/:endpoint_id': (call) => {
      const fields = bodyOf('endpointUpdate', call.body, 'endpoint')
      enforce(call.caller, 'update_endpoint')
      sameId(fields, call.params.endpoint_id)
      const endpoint = target(call)
      const region = regionGiven(fields)
      const changed: Endpoint = {
        ...endpoint,
        service_id: (fields.service_id as string | undefined) ?? endpoint.service_id,
        interface: (fields.interface as Endpoint['interface'] | undefined) ?? endpoint.interface,
        region_id: region === undefined ? endpoint.region_id : region,
        enabled: (fields.enabled as boolean | undefined) ?? endpoint.enabled,
        // Clients that change one field send the others back as they saw them: that does not pin the address.
        url: fields.url === undefined || fields.url === urlOf(endpoint, addresses, call) ? endpoint.url : (fields.url as string),
        extra: { ...endpoint.extra, ...extraOf(fields, knownOfEndpoint) },
      }
      return shown(call, putEndpoint(store, changed, fields))
    },
    'DELETE /v3/endpoints/:endpoint_id': (call) => {
      enforce(call.caller, 'delete_endpoint')
      const { id } = endpointOf(store, call.params.endpoint_id!)
      store.change(() => store.endpoints.remove(id))
    },
  }
}

/** The older spelling `region` makes the region where there is none; `region_id` must name one. */
const regionGiven = ({ region_id, region }: Fields): string | null | undefined =>
  ((region_id ?? region) as string | null | undefined) ?? (region_id === null ? null : undefined)

function putEndpoint(store: Store, endpoint: Endpoint, fields: Fields): Endpoint {
  const { region_id, service_id, url } = endpoint
  const makesRegion = (fields.region_id === undefined || fields.region_id === null) && region_id !== null && !store.regions.get(region_id)
  if (region_id !== null && !makesRegion && !store.regions.get(region_id)) throw expecting('endpoint region_id', 'region table')
  if (!store.services.get(service_id)) throw expecting('endpoint service_id', 'service table')
  if (url !== null && !substitutable(url)) throw invalid(`Cannot create an endpoint with an invalid URL: ${url}.`)
  return store.change(() => {
    if (makesRegion) addRegion(store, region_id, {})
    return store.endpoints.put(endpoint)
  })
}

const substitutable = (url: string): boolean =>
  [...url.matchAll(substitution)].every(([, name]) => ['project_id', 'tenant_id', 'user_id'].includes(name!))
