/** How hypervisors are shown. */
import type { GuestName, Hypervisor } from '../../../compute/hypervisors.ts'
import { fields, view } from '../../spec/fields.ts'

export interface Extra {
  /** By host; only where servers are asked for. */
  readonly guests: ReadonlyMap<string, readonly GuestName[]> | undefined
  /** By the node's UUID. */
  readonly uptimes: ReadonlyMap<string, string | null>
}

const f = fields<Hypervisor, Extra>()

const servers = [
  // An empty list is shown from 2.75 on
  f
    .list((r, x) => x.guests?.get(r.host!))
    .until('2.74')
    .needs('guests'),
  f
    .list((r, x) => x.guests && (x.guests.get(r.host!) ?? []))
    .since('2.75')
    .needs('guests'),
]

export const bare = view<Hypervisor, Extra>({
  id: [f.integer((r) => r.id).until('2.52'), f.uuid((r) => r.uuid).since('2.53')],
  hypervisor_hostname: f.text((r) => r.hypervisorHostname),
  state: f.text((r) => (r.up ? 'up' : 'down')),
  status: f.text((r) => (r.service.disabled ? 'disabled' : 'enabled')),
})

export const brief = bare.extend({ servers })

const service = view<Hypervisor, Extra>({
  id: [f.integer((r) => r.service.id).until('2.52'), f.uuid((r) => r.service.uuid).since('2.53')],
  host: f.text((r) => r.host),
  disabled_reason: f.text((r) => r.service.disabledReason),
})

const stated = (get: (row: Hypervisor) => number | null) => f.integer(get).until('2.87')

export const full = brief.extend({
  hypervisor_type: f.text((r) => r.hypervisorType),
  hypervisor_version: f.integer((r) => r.hypervisorVersion),
  host_ip: f.text((r) => r.hostIp),
  service: f.object(service, (r) => r),
  vcpus: stated((r) => r.vcpus),
  memory_mb: stated((r) => r.memoryMb),
  local_gb: stated((r) => r.localGb),
  vcpus_used: stated((r) => r.vcpusUsed),
  memory_mb_used: stated((r) => r.memoryMbUsed),
  local_gb_used: stated((r) => r.localGbUsed),
  free_ram_mb: stated((r) => r.freeRamMb),
  free_disk_gb: stated((r) => r.freeDiskGb),
  current_workload: stated((r) => r.currentWorkload),
  running_vms: stated((r) => r.runningVms),
  disk_available_least: stated((r) => r.diskAvailableLeast),
  cpu_info: [
    f.text((r) => r.cpuInfo).until('2.27'),
    f
      .any((r) => (r.cpuInfo ? JSON.parse(r.cpuInfo) : {}))
      .since('2.28')
      .until('2.87'),
  ],
  uptime: f
    .text((r, x) => x.uptimes.get(r.uuid!) ?? null)
    .since('2.88')
    .needs('uptimes'),
})

export const withGuests = bare.extend({ servers: f.list((r, x) => x.guests?.get(r.host!)).needs('guests') })
