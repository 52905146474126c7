/** The availability zone that new servers are asked for, and the host that may be named with it. */
import type { Backends } from '../../backends.ts'
import { Fault } from '../../faults.ts'
import { listServices } from '../../services/list.ts'
import type { WantedZone } from './wanted.ts'

/** Splits `zone`, `zone:host`, `zone:host:node` and `zone::node`; without a zone it is [DEFAULT] default_schedule_zone. nova/compute/api.py parse_availability_zone */
export function parseZone({ settings }: Pick<Backends, 'settings'>, text: string | null): WantedZone {
  const [name = '', ...parts] = (text ?? '').split(':')
  if (parts.length > 2) throw new Fault('badRequest', 'Invalid input received: Unable to parse availability_zone')
  const [host, node] = parts
  return {
    name: name || settings.compute.defaultScheduleZone,
    forcedHost: host === undefined || (host === '' && node !== undefined) ? null : host,
    forcedNode: node ?? null,
  }
}

/** The zone that is asked for when the forced host is in it, and none when it is not: the host wins. nova/api/openstack/compute/servers.py _validate_host_availability_zone */
export async function zoneOfForcedHost({ stores, settings, log }: Backends, { name, forcedHost }: WantedZone): Promise<string | null> {
  const all = forcedHost ? await stores.api.aggregates.list() : []
  const zone = all.filter(({ hosts }) => hosts.includes(forcedHost!)).flatMap(({ metadata }) => metadata.availability_zone || [])[0]
  if (name === (zone ?? settings.compute.defaultAvailabilityZone)) return name
  log.warning(`The requested availability zone ${name} is not that of the forced host ${forcedHost}, and is ignored`)
  return null
}

/** Throws when no enabled service is in the zone. A forced host is not checked. */
export async function checkZone(backends: Backends, { name, forcedHost }: WantedZone): Promise<void> {
  if (name === null || forcedHost !== null) return
  const services = await listServices(backends)
  if (!services.some(({ disabled, zone }) => !disabled && zone === name))
    throw new Fault('badRequest', 'The requested availability zone is not available')
}
