/** How flavors are shown. */
import type { Flavor } from '../../../stores/api/flavors.ts'
import { fields, view } from '../../spec/fields.ts'

const f = fields<Flavor>()

const extraSpecs = f
  .map((r) => r.extraSpecs)
  .since('2.61')
  .shownBy('os_compute_api:os-flavor-extra-specs:index')

export const brief = view({
  id: f.text((r: Flavor) => r.flavorid),
  name: f.text((r) => r.name),
  links: f.links('flavors', (r) => r.flavorid),
  description: f.text((r) => r.description).since('2.55'),
})

export const full = brief.extend({
  ram: f.integer((r) => r.memoryMb),
  disk: f.integer((r) => r.rootGb),
  swap: [f.any((r) => r.swap || '').until('2.74'), f.integer((r) => r.swap).since('2.75')],
  'OS-FLV-EXT-DATA:ephemeral': f.integer((r) => r.ephemeralGb),
  'OS-FLV-DISABLED:disabled': f.boolean((r) => r.disabled).until('2.101'),
  vcpus: f.integer((r) => r.vcpus),
  'os-flavor-access:is_public': f.boolean((r) => r.isPublic),
  rxtx_factor: f.number((r) => r.rxtxFactor || '').until('2.101'),
  extra_specs: extraSpecs,
})
