/** Hosts that run servers, and whether they are up. */
import { fromDateTime } from '../oslo/database/datetime.ts'
import type { ServiceState } from '../stores/cell/services.ts'
import { answered } from '../stores/cells.ts'
import type { Backends } from './backends.ts'

/** Empty when there is no host, or no compute service on it. */
export type HostStatus = 'UP' | 'DOWN' | 'MAINTENANCE' | 'UNKNOWN' | ''

/** Whether a service has reported within [DEFAULT] service_down_time (nova/servicegroup/drivers/db.py). */
export function isUp({ settings, clock }: Pick<Backends, 'settings' | 'clock'>, service: ServiceState): boolean {
  const seen = service.lastSeenUp ?? service.createdAt
  return seen !== null && Math.abs(clock.now() - fromDateTime(seen)) <= settings.compute.serviceDownTime * 1000
}

/** The status of each host; only these cells are asked. */
export async function hostStatuses(
  backends: Backends,
  hosts: readonly string[],
  cells: readonly number[],
): Promise<Map<string, HostStatus>> {
  const out = new Map<string, HostStatus>(hosts.map((host) => [host, '']))
  if (hosts.length === 0) return out
  const answers = await backends.stores.cells.gather((cell) => cell.services.ofHosts(hosts, 'nova-compute'), cells)
  for (const service of answers.filter(answered).flatMap(({ value }) => value)) out.set(service.host!, statusOf(backends, service))
  return out
}

/** The status of a host with this compute service. */
export function statusOf(backends: Backends, service: ServiceState): HostStatus {
  if (service.forcedDown) return 'DOWN'
  if (service.disabled) return 'MAINTENANCE'
  return isUp(backends, service) ? 'UP' : 'UNKNOWN'
}
