/** Availability zones that a server may go to. */
import type { Server } from '../../stores/cell/servers.ts'
import { answered } from '../../stores/cells.ts'
import type { Backends } from '../backends.ts'

/** The zone of a host. */
export async function zoneOf({ stores, settings }: Backends, host: string): Promise<string> {
  return (await stores.api.aggregates.zonesOfHosts()).get(host) ?? settings.compute.defaultAvailabilityZone
}

/** Zones of services that are enabled, the internal one among them. nova/availability_zones.py get_availability_zones */
export async function zonesWithHosts({ stores, settings }: Backends): Promise<Set<string>> {
  const { defaultAvailabilityZone, internalServiceAvailabilityZone } = settings.compute
  const [zones, answers] = await Promise.all([stores.api.aggregates.zonesOfHosts(), stores.cells.gather((cell) => cell.services.list())])
  const enabled = answers.filter(answered).flatMap(({ value }) => value.filter((service) => !service.disabled))
  return new Set(
    enabled.map(({ topic, host }) =>
      topic === 'compute' ? (zones.get(host ?? '') ?? defaultAvailabilityZone) : internalServiceAvailabilityZone,
    ),
  )
}

/** The zone in which a server is, or shall be. nova/availability_zones.py get_instance_availability_zone */
export const zoneOfServer = async (backends: Backends, { host, availabilityZone }: Server): Promise<string | null> =>
  host ? zoneOf(backends, host) : availabilityZone
