/** Unified limits: those that Keystone keeps for the compute service (oslo.limit). */
import { choice, text } from '../oslo/config/options.ts'
import type { Session } from '../oslo/keystoneauth/session.ts'
import type { PeerService } from './service.ts'

export type LimitsByName = ReadonlyMap<string, number>

/** Keystone is asked as ourselves. Methods reject with a `PeerError`, and with an error that names the option when the endpoint cannot be told. */
export interface KeystoneLimits {
  /** Limits that hold for every project; -1 is no limit. */
  registered(): Promise<LimitsByName>
  /** Limits that were set for one project. */
  ofProject(projectId: string): Promise<LimitsByName>
}

/** oslo_limit/opts.py: which endpoint the limits are registered for. */
export const limitsEndpointOptions = {
  endpointId: text('endpoint_id', null, { help: 'The endpoint of the compute service in Keystone, whose limits are asked for.' }),
  endpointServiceName: text('endpoint_service_name', null, { help: 'Name of the service, to find that endpoint.' }),
  endpointServiceType: text('endpoint_service_type', null, { help: 'Type of the service, to find that endpoint.' }),
  endpointRegionName: text('endpoint_region_name', null, { help: 'Region of that endpoint.' }),
  endpointInterface: choice('endpoint_interface', ['public', 'publicURL', 'internal', 'internalURL', 'admin', 'adminURL'], 'public', {
    help: 'Interface of that endpoint.',
  }),
}

export interface LimitsEndpoint {
  readonly endpointId: string | null
  readonly endpointServiceName: string | null
  readonly endpointServiceType: string | null
  readonly endpointRegionName: string | null
  readonly endpointInterface: string
}

interface Place {
  readonly service_id: string
  readonly region_id: string | null
}

export function keystoneLimits({ own }: PeerService, wanted: LimitsEndpoint): KeystoneLimits {
  const identity = askKeystone(own)
  // Which endpoint it is, and how limits are enforced, changes with the configuration of Keystone alone
  let known: Promise<Place> | undefined
  const place = (): Promise<Place> => {
    known ??= findPlace(identity, wanted).catch((error: unknown) => {
      known = undefined
      throw error
    })
    return known
  }
  const list = async <T>(path: string, key: string, more: Readonly<Record<string, string>> = {}): Promise<readonly T[]> => {
    const { service_id, region_id } = await place()
    return identity(path, key, { service_id, ...(region_id && { region_id }), ...more })
  }
  return {
    async registered() {
      const all = await list<{ resource_name: string; default_limit: number }>('registered_limits', 'registered_limits')
      return new Map(all.map(({ resource_name, default_limit }) => [resource_name, default_limit]))
    },
    async ofProject(projectId) {
      const all = await list<{ resource_name: string; resource_limit: number }>('limits', 'limits', { project_id: projectId })
      return new Map(all.map(({ resource_name, resource_limit }) => [resource_name, resource_limit]))
    },
  }
}

type AskKeystone = <T>(path: string, key: string, query?: Readonly<Record<string, string>>) => Promise<T>

const askKeystone =
  (session: Session): AskKeystone =>
  async (path, key, query = {}) => {
    const base = (await session.endpoint()).replace(/\/v3$/, '')
    return (await session.request({ url: `${base}/v3/${path}`, query })).json<Record<string, never>>()[key]!
  }

async function findPlace(identity: AskKeystone, wanted: LimitsEndpoint): Promise<Place> {
  const { name } = await identity<{ name: string }>('limits/model', 'model')
  if (name !== 'flat') throw new Error(`Keystone enforces limits by the model ${name}, which Nova does not know`)
  const { endpointId, endpointServiceName, endpointServiceType, endpointRegionName, endpointInterface } = wanted
  if (endpointId) return identity<Place>(`endpoints/${encodeURIComponent(endpointId)}`, 'endpoint')
  if (!endpointServiceName && !endpointServiceType)
    throw new Error('[oslo_limit] needs endpoint_id, endpoint_service_type or endpoint_service_name')
  const service = only<{ id: string }>(
    'services',
    await identity('services', 'services', {
      ...(endpointServiceType && { type: endpointServiceType }),
      ...(endpointServiceName && { name: endpointServiceName }),
    }),
  )
  return only<Place>(
    'endpoints',
    await identity('endpoints', 'endpoints', {
      service_id: service.id,
      interface: endpointInterface.replace(/URL$/, ''),
      ...(endpointRegionName && { region_id: endpointRegionName }),
    }),
  )
}

function only<T>(what: string, found: readonly T[]): T {
  if (found.length !== 1) throw new Error(`[oslo_limit] fits ${found.length === 0 ? 'no' : 'several'} ${what} of Keystone`)
  return found[0]!
}
