/** New servers in the form in which they are remembered and told: Nova's objects. */
import type { RequestContext } from '../../../oslo/context.ts'
import { InvalidField } from '../../../oslo/objects/errors.ts'
import type { WireObject } from '../../../oslo/objects/object.ts'
import type { Flavor as StoredFlavor } from '../../../stores/api/flavors.ts'
import type { KeyPair as StoredKeyPair } from '../../../stores/api/key-pairs.ts'
import type { Accepted, Joining, NewRequest } from '../../../stores/api/requests.ts'
import type { WholeGroup } from '../../../stores/api/server-groups.ts'
import { BlockDeviceMapping, BlockDeviceMappingList } from '../../../stores/objects/block-device-mapping.ts'
import { BuildRequest } from '../../../stores/objects/build-request.ts'
import { Flavor } from '../../../stores/objects/flavor.ts'
import { type ImageMeta, systemMetadataFromImage } from '../../../stores/objects/image-meta.ts'
import { Instance } from '../../../stores/objects/instance.ts'
import { type KeyPair, KeyPairList } from '../../../stores/objects/key-pair.ts'
import { InstanceInfoCache } from '../../../stores/objects/network-info.ts'
import type { InstanceNUMATopology } from '../../../stores/objects/numa.ts'
import { type InstancePCIRequest, InstancePCIRequests } from '../../../stores/objects/pci.ts'
import { type Destination, type RequestGroup, RequestSpec, SchedulerLimits } from '../../../stores/objects/request-spec.ts'
import { SecurityGroupList } from '../../../stores/objects/security-group.ts'
import { Tag, TagList } from '../../../stores/objects/tag.ts'
import { TrustedCerts } from '../../../stores/objects/trusted-certs.ts'
import { Fault } from '../../faults.ts'
import { groupObject } from './hints.ts'
import type { BootImage } from './image.ts'
import { namesOf } from './names.ts'
import type { NetworkResources } from './network-resources.ts'
import type { ReadyDevice } from './ready-devices.ts'
import { securityGroupList } from './security-groups.ts'
import type { Device, WantedServers } from './wanted.ts'

/** Everything about the servers that was asked for or found out; all but their names is the same for each. */
export interface Plan {
  readonly context: RequestContext
  readonly wanted: WantedServers
  readonly reservationId: string
  readonly boot: BootImage
  readonly meta: ImageMeta
  readonly kernel: { readonly kernelId: string; readonly ramdiskId: string }
  readonly rootName: string | null
  readonly keyPair: StoredKeyPair | null
  readonly autoDiskConfig: boolean
  readonly zone: string | null
  readonly securityGroups: readonly string[]
  readonly numa: InstanceNUMATopology | null
  readonly pci: readonly InstancePCIRequest[]
  /** What Placement is asked for devices of the flavor. */
  readonly pciGroups: readonly RequestGroup[]
  readonly networks: NetworkResources
  readonly hints: Record<string, string[]>
  readonly group: WholeGroup | undefined
  readonly joining: Joining | undefined
  readonly destination: Destination | null
  readonly trustedCerts: readonly string[] | null
  readonly isVolumeBacked: boolean
  readonly uuids: readonly string[]
  /** With the sizes that the flavor gives. */
  readonly devices: readonly ReadyDevice[]
}

/** A flavor as it travels with servers. */
export const flavorObject = (flavor: StoredFlavor): Flavor =>
  Flavor.unchanged({
    id: flavor.id,
    name: flavor.name,
    memory_mb: flavor.memoryMb,
    vcpus: flavor.vcpus,
    root_gb: flavor.rootGb,
    ephemeral_gb: flavor.ephemeralGb,
    flavorid: flavor.flavorid,
    swap: flavor.swap,
    rxtx_factor: flavor.rxtxFactor,
    // nova/objects/flavor.py _from_db_object: numbers that are null in the table are 0
    vcpu_weight: flavor.vcpuWeight ?? 0,
    disabled: flavor.disabled,
    is_public: flavor.isPublic,
    extra_specs: { ...flavor.extraSpecs },
    description: flavor.description,
    created_at: flavor.createdAt,
    updated_at: flavor.updatedAt,
    deleted_at: null,
    deleted: false,
  })

export const keyPairObject = ({ id, name, userId, fingerprint, publicKey, type, createdAt, updatedAt }: StoredKeyPair): KeyPair => ({
  id,
  name,
  user_id: userId,
  fingerprint,
  public_key: publicKey,
  type,
  created_at: createdAt,
  updated_at: updatedAt,
  deleted_at: null,
  deleted: false,
})

const pciRequests = ({ pci }: Plan): InstancePCIRequests => InstancePCIRequests.make({ requests: [...pci] })

/** One of the servers, before a cell has it. */
export function instanceOf(plan: Plan, index: number): Instance {
  const { wanted, context, uuids } = plan
  const { flavor } = wanted
  const uuid = uuids[index]!
  const names = namesOf(wanted, uuid, index, uuids.length)
  return Instance.make({
    uuid,
    user_id: context.userId,
    project_id: context.projectId,
    image_ref: wanted.imageRef ?? '',
    kernel_id: plan.kernel.kernelId,
    ramdisk_id: plan.kernel.ramdiskId,
    hostname: names.hostname,
    launch_index: index,
    key_name: wanted.keyName,
    key_data: plan.keyPair?.publicKey ?? null,
    power_state: 0,
    vm_state: 'building',
    task_state: 'scheduling',
    memory_mb: flavor.memoryMb,
    vcpus: flavor.vcpus,
    root_gb: flavor.rootGb,
    ephemeral_gb: flavor.ephemeralGb,
    ephemeral_key_uuid: null,
    instance_type_id: flavor.id,
    user_data: wanted.userData,
    reservation_id: plan.reservationId,
    availability_zone: plan.zone,
    display_name: names.displayName,
    display_description: wanted.description,
    locked: false,
    ...ofImage(plan),
    root_device_name: plan.rootName,
    config_drive: wanted.configDrive ? 'True' : '',
    access_ip_v4: wanted.accessIpV4,
    access_ip_v6: wanted.accessIpV6,
    auto_disk_config: plan.autoDiskConfig,
    progress: 0,
    shutdown_terminate: false,
    metadata: { ...wanted.metadata },
    system_metadata: systemMetadata(plan),
    info_cache: InstanceInfoCache.make({ instance_uuid: uuid, network_info: [] }),
    security_groups: SecurityGroupList.unchanged({ objects: [] }),
    numa_topology: plan.numa,
    pci_requests: pciRequests(plan),
    flavor: flavorObject(flavor),
    old_flavor: null,
    new_flavor: null,
    keypairs: KeyPairList.make({ objects: plan.keyPair ? [keyPairObject(plan.keyPair)] : [] }),
    trusted_certs: plan.trustedCerts && TrustedCerts.make({ ids: [...plan.trustedCerts] }),
  })
}

function ofImage({ boot }: Plan): Pick<Instance, 'os_type' | 'architecture' | 'vm_mode'> {
  const text = (name: string) => (boot.image.properties?.[name] as string | undefined) ?? null
  return { os_type: text('os_type'), architecture: text('architecture'), vm_mode: text('vm_mode') }
}

const systemMetadata = ({ boot, wanted, context }: Plan): Record<string, string | null> => ({
  image_base_image_ref: wanted.imageRef ?? '',
  ...systemMetadataFromImage(boot.image, wanted.flavor.rootGb),
  owner_user_name: context.userName,
  owner_project_name: context.projectName,
})

/** What the scheduler is asked for one of them. */
function specOf(plan: Plan, index: number): RequestSpec {
  const { wanted, context, uuids, networks } = plan
  const { forcedHost, forcedNode } = wanted.zone
  return RequestSpec.make({
    image: plan.meta,
    numa_topology: plan.numa,
    pci_requests: pciRequests(plan),
    project_id: context.projectId,
    user_id: context.userId,
    availability_zone: plan.zone,
    flavor: flavorObject(wanted.flavor),
    num_instances: uuids.length,
    ignore_hosts: null,
    force_hosts: forcedHost ? [forcedHost] : null,
    force_nodes: forcedNode ? [forcedNode] : null,
    requested_destination: plan.destination,
    retry: null,
    limits: SchedulerLimits.withDefaults(SchedulerLimits.make({})),
    instance_group: plan.group ? groupObject(plan.group, [...plan.group.members, ...uuids.slice(0, index)]) : null,
    scheduler_hints: plan.hints,
    instance_uuid: uuids[index]!,
    security_groups: securityGroupList(plan.securityGroups),
    ...(networks.metadata && { network_metadata: networks.metadata }),
    is_bfv: plan.isVolumeBacked,
    requested_resources: [...networks.groups, ...plan.pciGroups],
    request_level_params: networks.levelParams,
  })
}

/** What is only true of this request is not kept. nova/objects/request_spec.py _get_update_primitives */
function kept(spec: RequestSpec): RequestSpec {
  const { network_metadata: _, request_level_params: __, instance_group: group, ...rest } = spec
  return RequestSpec.change(rest, {
    requested_destination: null,
    requested_resources: spec.requested_resources?.length ? null : [],
    instance_group: group ? { ...group, members: null, hosts: null } : null,
  })
}

/** As a list of objects. Throws for words that Nova does not know. */
export function deviceList(devices: readonly (Device | ReadyDevice)[], instanceUuid?: string): BlockDeviceMappingList {
  return BlockDeviceMappingList.make({
    objects: devices.map((device) => BlockDeviceMapping.make({ ...coerced(device), ...(instanceUuid && { instance_uuid: instanceUuid }) })),
  })
}

function coerced(device: Device): BlockDeviceMapping {
  try {
    const entries = Object.entries(device).map(([name, value]) => [
      name,
      BlockDeviceMapping.fields[name as keyof typeof BlockDeviceMapping.fields].read(value, `BlockDeviceMapping.${name}`),
    ])
    return Object.fromEntries(entries)
  } catch (error) {
    // Nova answers 500 here
    if (error instanceof InvalidField) throw new Fault('invalidBlockDevice', error.reason)
    throw error
  }
}

const tagList = (tags: readonly string[], uuid?: string): TagList =>
  TagList.make({ objects: tags.map((tag) => Tag.make(uuid ? { resource_id: uuid, tag } : { tag })) })

/** What nova_api remembers of one of them until a cell has it. */
export function requestOf(plan: Plan, index: number): NewRequest {
  const uuid = plan.uuids[index]!
  return {
    uuid,
    projectId: plan.context.projectId ?? '',
    userId: plan.context.userId ?? '',
    spec: RequestSpec.toWire(kept(specOf(plan, index))),
    instance: Instance.toWire(instanceOf(plan, index)),
    blockDeviceMappings: BlockDeviceMappingList.toWire(deviceList(plan.devices, uuid)),
    tags: TagList.toWire(tagList(plan.wanted.tags, uuid)),
  }
}

/** What is null before a cell has a server. nova/objects/build_request.py _load_instance */
const unborn = {
  disable_terminate: false,
  terminated_at: null,
  host: null,
  node: null,
  compute_id: null,
  launched_at: null,
  launched_on: null,
  cell_name: null,
  locked_by: null,
  deleted: false,
  hidden: false,
}

/** The build request as the conductor is told of it. */
export function buildRequestWire(
  { uuid, projectId, instance, blockDeviceMappings, tags }: NewRequest,
  { requestId, createdAt }: Accepted,
): WireObject {
  const times = { created_at: BuildRequest.fields.created_at.write(createdAt, 'created_at'), updated_at: null }
  const data = { ...instance['nova_object.data'], ...unborn, ...times, tags }
  const empty = BuildRequest.toWire({})
  const values = { id: requestId, instance_uuid: uuid, project_id: projectId, block_device_mappings: blockDeviceMappings, tags, ...times }
  return unmarked({ ...empty, 'nova_object.data': { ...values, instance: { ...instance, 'nova_object.data': data } } })
}

/** Without the names of changed fields: what came from the database has no changes. */
const unmarked = <T>(value: T): T => {
  if (Array.isArray(value)) return value.map(unmarked) as T
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([key]) => key !== 'nova_object.changes')
  return Object.fromEntries(entries.map(([key, each]) => [key, unmarked(each)])) as T
}

/** The request spec as the conductor is told of it. */
export function specWire(plan: Plan, index: number, { specId }: Accepted): WireObject {
  const spec = RequestSpec.unchanged({ id: specId, ...specOf(plan, index) })
  const { requested } = plan.networks
  return RequestSpec.toWire(requested ? RequestSpec.change(spec, { requested_networks: requested }) : spec)
}

/** Tags before they belong to a server. */
export const tagsWire = ({ wanted }: Plan): WireObject => TagList.toWire(tagList(wanted.tags))
