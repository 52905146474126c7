/** The service catalogue of a token, and the addresses in it, which follow the one that the client used. */
import { addressFor, type Call } from '../service.ts'
import type { Endpoint, Store } from './model.ts'

/**
 * A service of the embedded cloud and where it is. In `url`, `{base}` stands for the identity service's own address as the client knows it
 * (`http://cloud:5000`), `{scheme}`, `{host}` (with its port) and `{hostname}` (without) for parts of that; Keystone's `%(project_id)s` works too.
 *
 *     { type: 'compute', name: 'nova', url: '{scheme}://{hostname}:8774/v2.1' }
 */
export interface ServiceAddress {
  readonly type: string
  readonly name: string
  readonly description?: string
  readonly url: string
}

export type Addresses = ReadonlyMap<string, string>

export const addressesOf = (services: readonly ServiceAddress[]): Addresses => new Map(services.map(({ type, url }) => [type, url]))

/** The URL of an endpoint for this client; null where the embedded service is no longer run. */
export function urlOf(endpoint: Endpoint, addresses: Addresses, call: Pick<Call, 'baseUrl'>): string | null {
  if (endpoint.url !== null) return endpoint.url
  const template = addresses.get(endpoint.template ?? '')
  if (template === undefined) return null
  return addressFor(template, call.baseUrl)
}

/** The names that Keystone fills in from the token, in either of its two spellings. */
export const substitution = /[%$]\((\w+)\)s/g

/**
 * Enabled services with their enabled endpoints. One whose URL needs a project is left out without one
 * (keystone/catalog/backends/sql.py get_v3_catalog).
 */
export function catalogView(store: Store, addresses: Addresses, call: Pick<Call, 'baseUrl'>, userId: string, projectId: string | null) {
  const values: Record<string, string | null> = { user_id: userId, project_id: projectId, tenant_id: projectId }
  const endpoints = store.endpoints.filter((endpoint) => endpoint.enabled)
  return store.services
    .filter((service) => service.enabled)
    .map(({ id, type, name }) => ({
      endpoints: endpoints
        .filter((endpoint) => endpoint.service_id === id)
        .flatMap((endpoint) => {
          const url = filledIn(urlOf(endpoint, addresses, call), values)
          return url === null
            ? []
            : [{ id: endpoint.id, interface: endpoint.interface, region_id: endpoint.region_id, url, region: endpoint.region_id }]
        }),
      id,
      type,
      name,
    }))
}

function filledIn(url: string | null, values: Readonly<Record<string, string | null>>): string | null {
  if (url === null) return null
  let complete = true
  const filled = url.replace(substitution, (_, name: string) => {
    complete &&= (values[name] ?? null) !== null
    return values[name] ?? ''
  })
  return complete ? filled : null
}
