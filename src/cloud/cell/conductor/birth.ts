/** A build request as the rows of a new server. */
import type { RequestContext } from '../../../oslo/context.ts'
import type { WireObject } from '../../../oslo/objects/object.ts'
import type { BuildRequest } from '../../../stores/api/requests.ts'
import { camel } from '../../../stores/camel.ts'
import type { Birth } from '../../../stores/cell/births.ts'
import type { BlockDeviceValues } from '../../../stores/cell/block-devices.ts'
import { cellSchema } from '../../../stores/cell/schema.ts'
import type { ServerChanges } from '../../../stores/cell/servers.ts'
import { serverOfRequest } from '../../../stores/pending.ts'
import type { Ids } from '../../service.ts'

/** Rows that the database numbers, or that nobody writes. */
const unborn = new Set(['id', 'internal_id', 'cell_name', 'updated_at', 'deleted_at', 'deleted'])
const columns = Object.keys(cellSchema.instances.columns).filter((column) => !unborn.has(column))

export interface Begetting {
  readonly request: BuildRequest
  readonly context: RequestContext
  readonly ids: Ids
  /** Of the host that was chosen; null when there is none. */
  readonly zone: string | null
}

/** nova/objects/build_request.py BuildRequest.get_new_instance, nova/objects/instance.py Instance.create */
export function birthOf({ request, context, ids, zone }: Begetting): Birth {
  const { pending, ...server } = serverOfRequest(request)
  const held = server as unknown as Record<string, unknown>
  const row = Object.fromEntries(columns.map((column) => [camel(column), held[camel(column)] ?? undefined]))
  const data = request.instance['nova_object.data']
  return {
    server: {
      ...(row as ServerChanges),
      uuid: request.instanceUuid!,
      createdAt: request.createdAt!,
      availabilityZone: zone,
      locked: Boolean(server.locked),
      hidden: false,
    },
    extra: {
      flavor: JSON.stringify({ cur: withoutDescription(data.flavor as WireObject), old: null, new: null }),
      pciRequests: JSON.stringify(pciRequests(data.pci_requests)),
      keypairs: jsonOf(data.keypairs),
      trustedCerts: jsonOf(data.trusted_certs),
      numaTopology: jsonOf(data.numa_topology),
    },
    metadata: pending!.metadata,
    systemMetadata: pending!.systemMetadata,
    blockDevices: blockDevices(request, ids),
    tags: pending!.tags,
    action: {
      action: 'create',
      requestId: context.requestId,
      userId: context.userId,
      projectId: context.projectId,
      startTime: stored(context.timestamp),
    },
  }
}

/** ISO 8601 as the tables hold it. */
const stored = (timestamp: string): string => timestamp.replace('T', ' ').replace(/Z$/, '').slice(0, 26)

const jsonOf = (wire: unknown): string | null => {
  if (!wire) return null
  const { 'nova_object.changes': _, ...rest } = wire as WireObject
  return JSON.stringify(rest)
}

const withoutDescription = (flavor: WireObject): WireObject => ({
  ...flavor,
  'nova_object.data': { ...flavor['nova_object.data'], description: null },
})

/** nova/objects/instance_pci_requests.py InstancePCIRequests.to_json: the fields alone */
function pciRequests(wire: unknown): unknown[] {
  const requests = ((wire as WireObject | null | undefined)?.['nova_object.data'].requests ?? []) as WireObject[]
  return requests.map((request) => request['nova_object.data'])
}

/** nova/conductor/manager.py ComputeTaskManager._create_block_device_mapping */
function blockDevices({ blockDeviceMappings, instance }: BuildRequest, ids: Ids): (BlockDeviceValues & { uuid: string })[] {
  const devices = (blockDeviceMappings?.['nova_object.data'].objects ?? []) as WireObject[]
  const flavor = (instance['nova_object.data'].flavor as WireObject)['nova_object.data']
  return devices.map((wire) => {
    const data = wire['nova_object.data']
    const entries = Object.keys(cellSchema.block_device_mapping.columns)
      .filter((column) => !unborn.has(column) && column !== 'created_at' && column !== 'instance_uuid')
      .map((column) => [camel(column), data[column] ?? undefined])
    const values = Object.fromEntries(entries) as BlockDeviceValues
    return { ...values, volumeSize: volumeSize(data, flavor), uuid: values.uuid ?? ids.uuid() }
  })
}

type Data = Readonly<Record<string, unknown>>

function volumeSize(device: Data, flavor: Data): number | null {
  const size = device.volume_size as number | null | undefined
  if (size !== null && size !== undefined) return size
  if (device.source_type !== 'blank' || device.destination_type !== 'local') return null
  return (device.guest_format === 'swap' ? flavor.swap : flavor.ephemeral_gb) as number
}
