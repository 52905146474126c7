/** Finds services in the catalogue that comes with a token. */
import type { CatalogEndpoint, CatalogService } from '../context.ts'

/** Which endpoint of which service. */
export interface EndpointQuery {
  readonly serviceType: string
  readonly serviceName?: string | null
  /** Best first; `public` when absent. */
  readonly interfaces?: readonly string[]
  readonly region?: string | null
}

// os-service-types: names that a type also goes by, in the order in which they are preferred
const families: readonly (readonly string[])[] = [
  ['block-storage', 'volumev3', 'volumev2', 'volume', 'block-store'],
  ['shared-file-system', 'sharev2', 'share'],
  ['baremetal', 'bare-metal'],
]

/** The names under which a type may stand in a catalogue, its own first. */
export function namesOf(serviceType: string): readonly string[] {
  const family = families.find((names) => names.includes(serviceType))
  return family ? [serviceType, ...family.filter((name) => name !== serviceType)] : [serviceType]
}

/** Whether two types are names of one service. */
export const isSameService = (type: string, other: string): boolean => namesOf(type).includes(other)

/** The address of a service, or undefined. keystoneauth1/access/service_catalog.py get_endpoints_data */
export function endpointIn(catalog: readonly CatalogService[], query: EndpointQuery): string | undefined {
  for (const type of namesOf(query.serviceType)) {
    for (const service of catalog) {
      if (service.type !== type || (query.serviceName && service.name && service.name !== query.serviceName)) continue
      const url = bestEndpoint(service, query)
      if (url) return url
    }
  }
  return undefined
}

function bestEndpoint({ endpoints }: CatalogService, { interfaces = ['public'], region }: EndpointQuery): string | undefined {
  const near = region ? endpoints.filter((endpoint) => endpoint.region === region) : endpoints
  for (const wanted of interfaces.length > 0 ? interfaces : ['public']) {
    const key = (wanted.endsWith('URL') ? wanted : `${wanted}URL`) as keyof CatalogEndpoint
    const url = near.find((endpoint) => endpoint[key])?.[key]
    if (url) return url
  }
  return undefined
}

interface V3Service {
  readonly type: string
  readonly name?: string
  readonly endpoints?: readonly { region?: string | null; region_id?: string | null; interface: string; url: string }[]
}

/** Turns a catalogue of version 3 into that of version 2: one entry a region. keystonemiddleware/auth_token/_request.py _normalize_catalog */
export function toVersion2(catalog: readonly V3Service[]): CatalogService[] {
  return catalog.map(({ type, name, endpoints = [] }) => {
    const regions = new Map<string | null | undefined, CatalogEndpoint>()
    for (const { region, interface: kind, url } of endpoints) {
      let entry = regions.get(region)
      if (!entry) regions.set(region, (entry = region ? { region } : {}))
      entry[`${kind.toLowerCase()}URL` as 'publicURL'] = url
    }
    return { type, ...(name !== undefined && { name }), endpoints: [...regions.values()] }
  })
}
