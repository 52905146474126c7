/** Nova's own services in all cells, with their availability zones. */
import type { Service } from '../../stores/cell/services.ts'
import { answered } from '../../stores/cells.ts'
import type { Backends } from '../backends.ts'
import { isUp } from '../hosts.ts'

/** A service with the availability zone that it is in. */
export interface ZonedService extends Service {
  readonly zone: string
}

/** A compute of which nothing is known, since its cell does not answer. */
export interface UnknownService {
  readonly unknown: true
  readonly host: string
  readonly binary: 'nova-compute'
}

/** Up means: it has reported lately and nobody said that it is down. nova/servicegroup/api.py service_is_up */
export const isServing = (backends: Backends, service: Service): boolean => !service.forcedDown && isUp(backends, service)

/** The services of all cells; those in cells that do not answer as `unknown` when asked for, else not at all. */
export async function listServices(backends: Backends, options: { unknown: true }): Promise<(ZonedService | UnknownService)[]>
export async function listServices(backends: Backends): Promise<ZonedService[]>
export async function listServices(backends: Backends, { unknown = false } = {}): Promise<(ZonedService | UnknownService)[]> {
  const { stores, log } = backends
  const [answers, zones] = await Promise.all([stores.cells.gather((cell) => cell.services.list()), stores.api.aggregates.zonesOfHosts()])
  const silent = answers.filter((answer) => !answered(answer))
  for (const { cell } of silent) log.warning(`The cell ${cell.uuid} does not answer: its services are not listed in full.`)
  const known = answers.filter(answered).flatMap(({ value }) => value.map((service) => zoned(backends, service, zones)))
  if (!unknown || silent.length === 0) return known
  const mappings = await stores.api.hostMappings.list()
  const lost = mappings.filter(({ cellId }) => silent.some(({ cell }) => cell.id === cellId))
  return [...known, ...lost.map(({ host }) => ({ unknown: true, host: host!, binary: 'nova-compute' }) as const)]
}

/** A service with its zone, given the zones of hosts. */
export function zoned({ settings: { compute } }: Backends, service: Service, zones: ReadonlyMap<string, string>): ZonedService {
  // nova/availability_zones.py set_availability_zones: the others are in a zone of their own
  const zone =
    service.topic === 'compute' ? (zones.get(service.host!) ?? compute.defaultAvailabilityZone) : compute.internalServiceAvailabilityZone
  return { ...service, zone }
}
