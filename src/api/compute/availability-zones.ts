/** Availability zones: /os-availability-zone. */
import { listZones, type Zone } from '../../compute/availability-zones.ts'
import { fields, isotime, view } from '../spec/fields.ts'
import { many, op, resource } from '../spec/operation.ts'
import * as p from '../spec/parameters.ts'

const f = fields<Zone>()
const brief = view({
  zoneName: f.text((r: Zone) => r.name),
  zoneState: f.map((r) => ({ available: r.available })),
  hosts: f.any(() => null),
})
const full = brief.extend({ hosts: f.any(hostsOf) })

function hostsOf({ hosts }: Zone): unknown {
  if (!hosts) return null
  return Object.fromEntries(
    [...hosts].map(([host, services]) => [
      host,
      Object.fromEntries(
        services.map(({ binary, up, updatedAt }) => [binary, { available: up, active: true, updated_at: isotime(updatedAt) }]),
      ),
    ]),
  )
}

const nobody = () => ({})

export const availabilityZones = resource({
  'GET /os-availability-zone': op({
    query: p.noParameters,
    rule: 'os_compute_api:os-availability-zone:list',
    target: nobody,
    reply: many('availabilityZoneInfo', brief),
    run: async ({ backends }) => {
      const { internalServiceAvailabilityZone: internal } = backends.settings.compute
      return (await listZones(backends)).filter(({ name }) => name !== internal)
    },
  }),
  'GET /os-availability-zone/detail': op({
    query: p.noParameters,
    rule: 'os_compute_api:os-availability-zone:detail',
    target: nobody,
    reply: many('availabilityZoneInfo', full),
    run: ({ backends }) => listZones(backends),
  }),
})
