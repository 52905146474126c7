/** How servers are shown. */
import { addressesOf } from '../../../compute/servers/addresses.ts'
import { imageProperties } from '../../../compute/servers/image.ts'
import { hostId } from '../../../compute/servers/names.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import { either, type Field, fields, type Links, later, view, zulu } from '../../spec/fields.ts'
import type { ServerExtra } from './extra.ts'
import { statusOf } from './status.ts'

const f = fields<Server, ServerExtra>()

type Fields = Record<string, Field<Server, ServerExtra> | Field<Server, ServerExtra>[]>

const progressing = new Set(['ACTIVE', 'BUILD', 'REBUILD', 'RESIZE', 'VERIFY_RESIZE', 'MIGRATING'])

/** What is known of a server whose cell does not answer. */
const partialBrief = view<Server, ServerExtra>({
  id: f.uuid((r) => r.uuid),
  status: f.text(() => 'UNKNOWN'),
  links: f.links('servers', (r) => r.uuid),
})

const partialDetail = partialBrief.extend({
  tenant_id: f.text((r) => r.projectId),
  created: f.time((r) => r.createdAt),
})

/** The flavor is looked up when one such server is asked for, and not in lists. */
const partialShown = partialDetail.extend({
  image: f.any((r, _, { links }) => imageOf(r, links)),
  flavor: [
    f
      .any((r) => flavorShown(r, true))
      .since('2.47')
      .shownBy('os_compute_api:servers:show:flavor-extra-specs'),
    f.any((r) => flavorShown(r, false)),
  ],
  'OS-EXT-AZ:availability_zone': f.text((r) => r.availabilityZone ?? 'UNKNOWN'),
  'OS-EXT-STS:power_state': f.integer((r) => r.powerState),
  user_id: f.text((r) => r.userId ?? 'UNKNOWN'),
  server_groups: f
    .texts((r, x) => groupsOf(r, x))
    .since('2.71')
    .needs('groups'),
})

const isPartial = (server: Server) => server.partial === true

export const brief = either(
  isPartial,
  partialBrief,
  view<Server, ServerExtra>({
    id: f.uuid((r) => r.uuid),
    name: f.text((r) => r.displayName),
    links: f.links('servers', (r) => r.uuid),
  }),
)

const extended = (get: Parameters<typeof f.text>[0]) => f.text(get).shownBy('os_compute_api:os-extended-server-attributes')
const hostname = (r: Server) => r.hostname

/** What every view of a server holds. */
const core = {
  accessIPv4: f.text((r) => r.accessIpV4 ?? ''),
  accessIPv6: f.text((r) => r.accessIpV6 ?? ''),
  created: f.time((r) => r.createdAt),
  flavor: [
    f.any((r, _, { links }) => flavorLink(r, links)).until('2.46'),
    f
      .any((r) => flavorShown(r, true))
      .since('2.47')
      .shownBy('os_compute_api:servers:show:flavor-extra-specs'),
    f.any((r) => flavorShown(r, false)).since('2.47'),
  ],
  hostId: f.text((r) => hostId(r.host, r.projectId)),
  id: f.uuid((r) => r.uuid),
  image: [
    f.any((r, _, { links }) => imageOf(r, links)).until('2.97'),
    f
      .any((r, x, { links }) => withProperties(imageOf(r, links), x.systemMetadata.get(r.uuid)))
      .since('2.98')
      .needs('systemMetadata'),
  ],
  links: f.links('servers', (r) => r.uuid),
  metadata: f.map((r, x) => x.metadata.get(r.uuid) ?? {}).needs('metadata'),
  name: f.text((r) => r.displayName),
  status: f.text(statusOf),
  tenant_id: f.text((r) => r.projectId ?? ''),
  user_id: f.text((r) => r.userId ?? ''),
  // nova/utils.py isotime: a server that never changed was changed now
  updated: f.text((r, _, { now }) => zulu(r.updatedAt) ?? now),
  'OS-DCF:diskConfig': f.text((r) => (r.autoDiskConfig ? 'AUTO' : 'MANUAL')),
  fault: f.any((r, x) => x.faults.get(r.uuid)).needs('faults'),
  progress: f.integer((r) => (progressing.has(statusOf(r)) ? (r.progress ?? 0) : undefined)),
  locked: f.boolean((r) => Boolean(r.lockedBy)).since('2.9'),
  description: f.text((r) => r.displayDescription).since('2.19'),
  tags: f
    .texts((r, x) => x.tags.get(r.uuid) ?? [])
    .since('2.26')
    .needs('tags'),
  trusted_image_certificates: f.any((r) => r.trustedCerts?.['nova_object.data'].ids ?? null).since('2.63'),
  locked_reason: f
    .text((r, x) => x.systemMetadata.get(r.uuid)?.locked_reason ?? null)
    .since('2.73')
    .needs('systemMetadata'),
  scheduler_hints: f
    .any((r, x) => x.wishes.get(r.uuid)?.schedulerHints ?? null)
    .since('2.100')
    .needs('wishes'),
} satisfies Fields

const addresses = (extend: boolean) => f.map((r: Server) => addressesShown(r, extend))

/** What PUT and rebuild show only from 2.75 on. */
const more = {
  'OS-EXT-AZ:availability_zone': f.text((r, x) => x.zones.get(r.uuid) || '').needs('zones'),
  config_drive: f.text((r) => r.configDrive),
  key_name: f.text((r) => r.keyName),
  'OS-SRV-USG:launched_at': f.localTime((r) => r.launchedAt),
  'OS-SRV-USG:terminated_at': f.localTime((r) => r.terminatedAt),
  security_groups: f.list((r, x) => x.securityGroups.get(r.uuid)).needs('securityGroups'),
  'OS-EXT-SRV-ATTR:host': extended((r) => r.host),
  'OS-EXT-SRV-ATTR:instance_name': extended((r, x) => x.name(r)).needs('name'),
  'OS-EXT-SRV-ATTR:hypervisor_hostname': extended((r) => r.node),
  'OS-EXT-SRV-ATTR:kernel_id': extended((r) => r.kernelId).since('2.3'),
  'OS-EXT-SRV-ATTR:launch_index': f
    .integer((r) => r.launchIndex)
    .since('2.3')
    .shownBy('os_compute_api:os-extended-server-attributes'),
  'OS-EXT-SRV-ATTR:ramdisk_id': extended((r) => r.ramdiskId).since('2.3'),
  'OS-EXT-SRV-ATTR:reservation_id': extended((r) => r.reservationId).since('2.3'),
  'OS-EXT-SRV-ATTR:root_device_name': extended((r) => r.rootDeviceName).since('2.3'),
  'OS-EXT-STS:task_state': f.text((r) => r.taskState),
  'OS-EXT-STS:vm_state': f.text((r) => r.vmState),
  'OS-EXT-STS:power_state': f.integer((r) => r.powerState),
  'os-extended-volumes:volumes_attached': [
    f
      .list((r, x) => volumesOf(r, x).map((each) => ({ id: each.volumeId })))
      .until('2.2')
      .needs('volumes'),
    f
      .list((r, x) => volumesOf(r, x).map((each) => ({ id: each.volumeId, delete_on_termination: each.deleteOnTermination })))
      .since('2.3')
      .needs('volumes'),
  ],
  host_status: [
    f
      .text((r, x) => x.hostStatuses.get(r.uuid))
      .since('2.16')
      .shownBy('os_compute_api:servers:show:host_status')
      .needs('hostStatuses'),
    f
      .text((r, x) => (x.hostStatuses.get(r.uuid) === 'UNKNOWN' ? 'UNKNOWN' : undefined))
      .since('2.16')
      .shownBy('os_compute_api:servers:show:host_status:unknown-only')
      .needs('hostStatuses'),
  ],
  pinned_availability_zone: f
    .text((r, x) => x.wishes.get(r.uuid)?.availabilityZone ?? null)
    .since('2.96')
    .needs('wishes'),
} satisfies Fields

const userData = { 'OS-EXT-SRV-ATTR:user_data': extended((r) => r.userData).since('2.3') }
const group = {
  server_groups: f
    .texts((r, x) => groupsOf(r, x))
    .since('2.71')
    .needs('groups'),
}
const named = {
  'OS-EXT-SRV-ATTR:hostname': [f.text(hostname).since('2.90'), extended(hostname).since('2.3')],
} satisfies Fields

const whole = view<Server, ServerExtra>({ ...core, addresses: addresses(true), ...more, ...userData, ...named })

/** In lists. */
export const detail = either(isPartial, partialDetail, whole)

/** nova/api/openstack/compute/views/servers.py _get_scheduler_hints: where nothing is remembered, only lists say so. */
const hintsOfOne = {
  scheduler_hints: f
    .any((r, x) => (x.wishes.has(r.uuid) ? x.wishes.get(r.uuid)!.schedulerHints : {}))
    .since('2.100')
    .needs('wishes'),
} satisfies Fields

export const shown = either(isPartial, partialShown, whole.extend({ ...group, ...hintsOfOne }))

const changed = view<Server, ServerExtra>({
  ...core,
  ...hintsOfOne,
  addresses: [addresses(false).until('2.74'), addresses(true).since('2.75')],
  ...later('2.75', more),
  ...group,
  'OS-EXT-SRV-ATTR:hostname': [f.text(hostname).since('2.90'), extended(hostname).since('2.75')],
})

/** After PUT. */
export const updated = changed.extend(later('2.75', userData))

/** After a rebuild; the password is told once. */
export const rebuilt = changed.extend({
  key_name: f.text((r) => r.keyName).since('2.54'),
  adminPass: f.text((_, x) => x.adminPass).needs('adminPass'),
  user_data: f.text((r) => r.userData).since('2.57'),
})

function flavorLink({ flavor }: Server, links: Links) {
  const data = flavor?.cur['nova_object.data']
  if (!data) return {}
  const id = String(data.flavorid)
  return { id, links: [{ rel: 'bookmark', href: links.bookmark('flavors', id) }] }
}

function flavorShown({ flavor }: Server, withExtraSpecs: boolean) {
  const data = flavor?.cur['nova_object.data']
  if (!data) return {}
  const size = {
    vcpus: data.vcpus,
    ram: data.memory_mb,
    disk: data.root_gb,
    ephemeral: data.ephemeral_gb,
    swap: data.swap,
    original_name: data.name,
  }
  return withExtraSpecs ? { ...size, extra_specs: data.extra_specs ?? {} } : size
}

function imageOf({ imageRef }: Server, links: Links) {
  if (!imageRef) return ''
  const id = imageRef.split('?')[0]!.split('/').at(-1)!
  return { id, links: [{ rel: 'bookmark', href: links.bookmark('images', id) }] }
}

const withProperties = (image: ReturnType<typeof imageOf>, systemMetadata: Readonly<Record<string, string | null>> | undefined) =>
  image === '' ? image : { ...image, properties: imageProperties(systemMetadata ?? {}) }

function addressesShown({ vmState, networkInfo }: Server, extend: boolean) {
  // Hidden while it is being built
  if (vmState === 'building') return {}
  const shown = [...addressesOf(networkInfo)].map(([label, addresses]) => [
    label,
    addresses.map(({ address, version, type, mac }) =>
      extend ? { version, addr: address, 'OS-EXT-IPS:type': type, 'OS-EXT-IPS-MAC:mac_addr': mac } : { version, addr: address },
    ),
  ])
  return Object.fromEntries(shown)
}

const volumesOf = (server: Server, { volumes }: ServerExtra) => volumes.get(server.uuid) ?? []

function groupsOf(server: Server, { groups }: ServerExtra): string[] {
  const found = groups.get(server.uuid)
  return found ? [found] : []
}
