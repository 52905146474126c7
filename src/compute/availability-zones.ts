/** Availability zones: the ones that services are in. A zone is available while a service in it is enabled. */
import type { Backends } from './backends.ts'
import { isServing, listServices, type ZonedService } from './services/list.ts'

export interface Zone {
  readonly name: string
  readonly available: boolean
  /** Its hosts with their enabled services; null in zones that are not available. */
  readonly hosts: ReadonlyMap<string, readonly ZoneService[]> | null
}

export interface ZoneService {
  readonly binary: string
  readonly up: boolean
  readonly updatedAt: string | null
}

/** Services that answer users and report nothing. nova/api/openstack/compute/services.py */
export const apiBinaries: ReadonlySet<string | null> = new Set(['nova-osapi_compute', 'nova-metadata'])

/** Available ones first, each sort by name. */
export async function listZones(backends: Backends): Promise<Zone[]> {
  const services = await listServices(backends)
  const enabled = services.filter(({ disabled }) => !disabled)
  const available = new Set(enabled.map(({ zone }) => zone))
  const rest = new Set(services.map(({ zone }) => zone).filter((zone) => !available.has(zone)))
  return [
    ...[...available].sort().map((name) => ({ name, available: true, hosts: hostsIn(backends, enabled, name) })),
    ...[...rest].sort().map((name) => ({ name, available: false, hosts: null })),
  ]
}

function hostsIn(backends: Backends, enabled: readonly ZonedService[], zone: string): Map<string, ZoneService[]> {
  const hosts = new Map<string, ZoneService[]>()
  for (const service of enabled) {
    if (service.zone !== zone || apiBinaries.has(service.binary)) continue
    const list = hosts.get(service.host!) ?? []
    list.push({ binary: service.binary!, up: isServing(backends, service), updatedAt: service.updatedAt })
    hosts.set(service.host!, list)
  }
  return hosts
}
