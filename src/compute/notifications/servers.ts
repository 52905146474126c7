/** Notifications about servers: their payloads in both forms, and when they are told (nova/notifications/base.py, nova/compute/utils.py). */
import type { RequestContext } from '../../oslo/context.ts'
import type { Server, ServerChanges } from '../../stores/cell/servers.ts'
import type { Backends } from '../backends.ts'
import { type Details, detailsOf } from '../servers/details.ts'
import { inCell } from '../servers/in-cell.ts'
import { completedPeriod } from '../usage-audit.ts'
import { type Payload, payload, time } from './payload.ts'
import { flavorPayload } from './payloads.ts'

/** What was done to a server, by the API alone. */
export async function tellAction(backends: Backends, context: RequestContext, details: Details, action: string): Promise<void> {
  await backends.notifications.versioned(context, async () => ({
    object: 'instance',
    action,
    payload: await actionPayload(backends, context, details),
  }))
}

/** The same in the older form, where an event has one. */
export async function tellUsage(backends: Backends, context: RequestContext, details: Details, event: string): Promise<void> {
  await backends.notifications.unversioned(context, async () => ({
    service: 'compute',
    event: `compute.instance.${event}`,
    payload: await facts(backends, context, details),
  }))
}

/** Tells before and after a server is deleted here, without its compute, however that ends. `work` answers what became of the row. */
export async function tellDelete(
  backends: Backends,
  context: RequestContext,
  details: Details,
  how: 'delete' | 'force_delete',
  work: () => Promise<ServerChanges>,
): Promise<void> {
  const tell = async (phase: 'start' | 'end', now: Details) => {
    await tellUsage(backends, context, now, `${how}.${phase}`)
    // Nova has no versioned ones of what is forced
    if (how === 'delete')
      await backends.notifications.versioned(context, async () => ({
        object: 'instance',
        action: how,
        phase,
        payload: await actionPayload(backends, context, now),
      }))
  }
  // What the payloads need is gone afterwards
  if (backends.notifications.enabled)
    await Promise.all([details.get('metadata'), details.get('systemMetadata'), details.get('blockDevices')])
  await tell('start', details)
  let changes: ServerChanges = {}
  try {
    changes = await work()
  } finally {
    await tell('end', details.with(changes))
  }
}

/** Tells of a change of a server's row where [notifications] notify_on_state_change is set. nova/notifications/base.py send_update */
export async function tellUpdate(backends: Backends, context: RequestContext, before: Server, after: Details): Promise<void> {
  const when = backends.notifications.settings.notifyOnStateChange
  if (when === null) return
  const { server } = after
  const states = server.vmState !== before.vmState || (when === 'vm_and_task_state' && server.taskState !== before.taskState)
  const oldName = !states && server.displayName !== before.displayName ? before.displayName : undefined
  await sendUpdate(backends, context, states ? before : server, after, oldName)
}

/** Tells of a server whose tags changed, which is always told. */
export const tellTags = async (backends: Backends, context: RequestContext, server: Server): Promise<void> =>
  sendUpdate(backends, context, server, detailsOf(backends, server), undefined)

async function sendUpdate(
  backends: Backends,
  context: RequestContext,
  before: Server,
  after: Details,
  oldName: string | null | undefined,
): Promise<void> {
  const { server } = after
  const states = { old_state: before.vmState, state: server.vmState, old_task_state: before.taskState, new_task_state: server.taskState }
  const period = auditPeriod(backends)
  await backends.notifications.unversioned(context, async () => ({
    service: 'compute',
    event: 'compute.instance.update',
    payload: {
      ...(await facts(backends, context, after)),
      ...states,
      audit_period_beginning: period.begin,
      audit_period_ending: period.end,
      ...(oldName && { old_display_name: oldName }),
    },
  }))
  await backends.notifications.versioned(context, async () => ({
    object: 'instance',
    action: 'update',
    publisher: { host: backends.notifications.host, source: 'nova-compute' },
    payload: payload('InstanceUpdatePayload', '2.1', {
      ...(await serverFields(backends, context, after)),
      state_update: payload('InstanceStateUpdatePayload', '1.0', states),
      audit_period: payload('AuditPeriodPayload', '1.0', {
        audit_period_beginning: `${period.begin.slice(0, 19)}Z`,
        audit_period_ending: `${period.end.slice(0, 19)}Z`,
      }),
      old_display_name: oldName ?? null,
      tags: await tagsOf(backends, server),
    }),
  }))
}

async function tagsOf({ stores }: Backends, server: Server): Promise<readonly string[]> {
  if (server.cellId === null) return []
  return (await inCell({ stores }, server, (cell) => cell.tags.of([server.uuid]))).get(server.uuid) ?? []
}

/** The period that is not over yet. */
function auditPeriod({ settings, clock }: Backends): { readonly begin: string; readonly end: string } {
  const { end } = completedPeriod(settings.compute.instanceUsageAuditPeriod, clock.now())
  return { begin: micro(new Date(end).toISOString()), end: micro(new Date(clock.now()).toISOString()) }
}

/** `2026-01-02T03:04:05.678901`, of a time as databases or this language write it; nothing where there is none. */
const micro = (at: string | null | undefined): string =>
  at ? `${at.slice(0, 10)}T${at.slice(11, 19)}.${at.slice(20).replace('Z', '').padEnd(6, '0').slice(0, 6)}` : ''

interface FlavorData {
  readonly [key: string]: unknown
}

const flavorOf = ({ flavor }: Server): FlavorData => (flavor?.cur['nova_object.data'] ?? {}) as FlavorData

/** nova/notifications/base.py info_from_instance */
async function facts(backends: Backends, context: RequestContext, details: Details): Promise<Record<string, unknown>> {
  const { server } = details
  const flavor = flavorOf(server)
  const [metadata, systemMetadata, glance] = await Promise.all([
    details.get('metadata'),
    details.get('systemMetadata'),
    backends.peers.glance.endpoint(context).catch(() => null),
  ])
  return {
    tenant_id: server.projectId,
    user_id: server.userId,
    instance_id: server.uuid,
    display_name: server.displayName,
    reservation_id: server.reservationId,
    hostname: server.hostname,
    instance_type: flavor.name ?? '',
    instance_type_id: server.instanceTypeId,
    instance_flavor_id: flavor.flavorid ?? '',
    architecture: server.architecture,
    memory_mb: flavor.memory_mb,
    disk_gb: Number(flavor.root_gb) + Number(flavor.ephemeral_gb),
    vcpus: flavor.vcpus,
    root_gb: flavor.root_gb,
    ephemeral_gb: flavor.ephemeral_gb,
    host: server.host,
    node: server.node,
    availability_zone: server.availabilityZone,
    cell_name: '',
    created_at: server.createdAt ? `${server.createdAt.slice(0, 19)}+00:00` : 'None',
    terminated_at: micro(server.terminatedAt),
    deleted_at: micro(server.deletedAt),
    launched_at: micro(server.launchedAt),
    image_ref_url: glance === null ? server.imageRef : `${glance}/images/${server.imageRef ?? ''}`,
    os_type: server.osType,
    kernel_id: server.kernelId,
    ramdisk_id: server.ramdiskId,
    state: server.vmState,
    state_description: server.taskState ?? '',
    progress: server.progress || '',
    access_ip_v4: server.accessIpV4,
    access_ip_v6: server.accessIpV6,
    image_meta: Object.fromEntries(
      Object.entries(systemMetadata).flatMap(([key, value]) => (key.startsWith('image_') ? [[key.slice(6), value]] : [])),
    ),
    metadata,
  }
}

const actionPayload = async (backends: Backends, context: RequestContext, details: Details): Promise<Payload> =>
  payload('InstanceActionPayload', '1.9', { ...(await serverFields(backends, context, details)), fault: null })

/** nova/objects/fields.py InstancePowerState */
const powerStates: Readonly<Record<number, string>> = {
  0: 'pending',
  1: 'running',
  3: 'paused',
  4: 'shutdown',
  6: 'crashed',
  7: 'suspended',
}

/** nova/notifications/objects/instance.py InstancePayload */
async function serverFields(backends: Backends, context: RequestContext, details: Details): Promise<Record<string, unknown>> {
  const { server } = details
  const { bdmsInNotifications, includeShareMapping } = backends.notifications.settings
  const [metadata, systemMetadata] = await Promise.all([details.get('metadata'), details.get('systemMetadata')])
  return {
    uuid: server.uuid,
    user_id: server.userId,
    tenant_id: server.projectId,
    reservation_id: server.reservationId,
    display_name: server.displayName,
    display_description: server.displayDescription,
    host_name: server.hostname,
    host: server.host,
    node: server.node,
    os_type: server.osType,
    architecture: server.architecture,
    availability_zone: server.availabilityZone,
    flavor: serverFlavor(server),
    image_uuid: server.imageRef,
    key_name: server.keyName,
    kernel_id: server.kernelId,
    ramdisk_id: server.ramdiskId,
    created_at: time(server.createdAt),
    launched_at: time(server.launchedAt),
    terminated_at: time(server.terminatedAt),
    deleted_at: time(server.deletedAt),
    updated_at: time(server.updatedAt),
    state: server.vmState,
    power_state: powerStates[server.powerState ?? 0] ?? 'pending',
    task_state: server.taskState,
    progress: server.progress,
    ip_addresses: addressesOf(server),
    block_devices: bdmsInNotifications ? (await details.get('blockDevices')).filter(({ volumeId }) => volumeId).map(devicePayload) : null,
    metadata: { ...metadata },
    locked: Boolean(server.locked),
    auto_disk_config: server.autoDiskConfig ? 'AUTO' : 'MANUAL',
    request_id: context.projectId && context.userId ? context.requestId : null,
    action_initiator_user: context.userId,
    action_initiator_project: context.projectId,
    locked_reason: systemMetadata.locked_reason ?? null,
    shares: includeShareMapping ? await sharesOf(backends, server) : null,
  }
}

function serverFlavor(server: Server): Payload {
  const data = flavorOf(server)
  return flavorPayload(
    {
      flavorid: data.flavorid as string,
      memoryMb: data.memory_mb as number,
      vcpus: data.vcpus as number,
      rootGb: data.root_gb as number,
      ephemeralGb: data.ephemeral_gb as number,
      name: data.name as string,
      swap: data.swap as number,
      rxtxFactor: data.rxtx_factor as number,
      vcpuWeight: (data.vcpu_weight as number | null) ?? 0,
      disabled: Boolean(data.disabled),
      isPublic: Boolean(data.is_public),
      extraSpecs: (data.extra_specs ?? {}) as Record<string, string>,
      description: (data.description as string | null) ?? null,
    },
    null,
  )
}

const addressesOf = ({ networkInfo }: Server): Payload[] =>
  (networkInfo ?? []).flatMap((vif) =>
    vif.network.subnets.flatMap((subnet) =>
      subnet.ips.map((ip) =>
        payload('IpPayload', '1.0', {
          label: vif.network.label,
          mac: vif.address,
          meta: {},
          port_uuid: vif.id,
          version: ip.version,
          address: ip.address,
          device_name: (vif as { devname?: string | null }).devname ?? null,
        }),
      ),
    ),
  )

interface Device {
  readonly deviceName: string | null
  readonly bootIndex: number | null
  readonly deleteOnTermination: unknown
  readonly volumeId: string | null
  readonly tag: string | null
}

const devicePayload = ({ deviceName, bootIndex, deleteOnTermination, volumeId, tag }: Device): Payload =>
  payload('BlockDevicePayload', '1.0', {
    device_name: deviceName,
    boot_index: bootIndex,
    delete_on_termination: Boolean(deleteOnTermination),
    volume_id: volumeId,
    tag,
  })

async function sharesOf({ stores }: Backends, server: Server): Promise<Payload[]> {
  if (server.cellId === null) return []
  const rows = await inCell({ stores }, server, (cell) => cell.shareMappings.of(server.uuid))
  return rows.map(({ uuid, shareId, status, tag }) =>
    payload('SharePayload', '1.0', { share_mapping_uuid: uuid, share_id: shareId, status, tag }),
  )
}
