/** What an API writes of servers that were asked for, and hands on. */
import { randomUUID } from 'node:crypto'
import type { TaskState, VmState } from '../../../src/cloud/cell/states.ts'
import type { RequestContext } from '../../../src/oslo/context.ts'
import type { Arguments } from '../../../src/oslo/messaging/rpc-client.ts'
import { BlockDeviceMapping, BlockDeviceMappingList } from '../../../src/stores/objects/block-device-mapping.ts'
import { BuildRequest } from '../../../src/stores/objects/build-request.ts'
import { Flavor } from '../../../src/stores/objects/flavor.ts'
import { Instance } from '../../../src/stores/objects/instance.ts'
import { NetworkRequestList } from '../../../src/stores/objects/network-request.ts'
import { RequestSpec } from '../../../src/stores/objects/request-spec.ts'
import { Tag, TagList } from '../../../src/stores/objects/tag.ts'
import type { Stores } from '../../../src/stores/stores.ts'
import { contextOf } from './people.ts'

export interface Wish {
  readonly name?: string
  readonly flavor?: Partial<Flavor>
  readonly spec?: Partial<RequestSpec>
  /** Null is nothing in particular. */
  readonly networks?: readonly { network_id?: string; port_id?: string; address?: string; tag?: string }[] | null
  readonly securityGroups?: readonly string[]
  readonly tags?: readonly string[]
  readonly as?: string
  readonly count?: number
  readonly metadata?: Readonly<Record<string, string>>
  /** Instead of a local disk from the image. */
  readonly devices?: readonly Partial<BlockDeviceMapping>[]
}

const small = { id: 7, name: 'm1.small', flavorid: 'small', memory_mb: 128, vcpus: 1, root_gb: 1, ephemeral_gb: 0, swap: 0 }

export const flavorOf = (values: Partial<Flavor> = {}): Flavor =>
  Flavor.make({ ...small, rxtx_factor: 1, vcpu_weight: 0, disabled: false, is_public: true, extra_specs: {}, description: null, ...values })

/** Writes requests for servers, and resolves with the arguments of the message that follows. */
export async function writeRequests(
  api: Stores['api'],
  {
    name = 'box',
    flavor,
    spec = {},
    networks = null,
    securityGroups = ['default'],
    tags: wanted = [],
    as = 'ann',
    count = 1,
    devices: disks,
    metadata = {},
  }: Wish = {},
): Promise<{ uuids: string[]; context: RequestContext; args: Arguments }> {
  const context = contextOf(as)
  const cur = flavorOf(flavor)
  const image = randomUUID()
  const uuids = Array.from({ length: count }, () => randomUUID() as string)
  const usual = [deviceOf(image, 0), ...(cur.swap ? [deviceOf(null, -1)] : [])]
  const devices = BlockDeviceMappingList.toWire({ objects: disks ? disks.map((one) => BlockDeviceMapping.make(one)) : usual })
  const tags = TagList.toWire({ objects: wanted.map((tag) => Tag.make({ tag })) })
  const specs = uuids.map((uuid) => RequestSpec.toWire(specOf(uuid, cur, context, securityGroups, spec)))
  const instances = uuids.map((uuid, i) => Instance.toWire(instanceOf(uuid, { name, image, flavor: cur, context, index: i, metadata })))
  await api.requests.create(
    uuids.map((uuid, i) => ({
      uuid,
      projectId: context.projectId!,
      userId: context.userId!,
      spec: specs[i]!,
      instance: instances[i]!,
      blockDeviceMappings: devices,
      tags,
    })),
  )
  const args: Arguments = {
    build_requests: uuids.map((uuid, i) => ({
      ...BuildRequest.toWire(BuildRequest.make({ instance_uuid: uuid, project_id: context.projectId! })),
      instance: instances[i],
    })),
    request_specs: specs,
    image: { id: image, name: 'cirros' },
    admin_password: 'secret',
    injected_files: [],
    requested_networks: networks && NetworkRequestList.toWire({ objects: networks.map((one) => ({ ...empty, ...one })) }),
    block_device_mapping: devices,
    tags,
  }
  return { uuids, context, args }
}

const empty = { network_id: null, address: null, port_id: null, pci_request_id: null, tag: null, arq_uuid: null, device_profile: null }

const deviceOf = (image: string | null, bootIndex: number) => ({
  source_type: image ? ('image' as const) : ('blank' as const),
  destination_type: 'local' as const,
  device_type: 'disk' as const,
  guest_format: image ? null : 'swap',
  boot_index: bootIndex,
  delete_on_termination: true,
  image_id: image,
  no_device: false,
  device_name: null,
  volume_size: null,
  volume_id: null,
})

const specOf = (
  uuid: string,
  flavor: Flavor,
  { projectId, userId }: RequestContext,
  groups: readonly string[],
  more: Partial<RequestSpec>,
) =>
  RequestSpec.make({
    instance_uuid: uuid,
    flavor,
    project_id: projectId,
    user_id: userId,
    num_instances: 1,
    availability_zone: null,
    force_hosts: null,
    force_nodes: null,
    ignore_hosts: null,
    scheduler_hints: {},
    security_groups: { objects: groups.map((name) => ({ name })) },
    is_bfv: false,
    image: null,
    ...more,
  })

interface Body {
  readonly name: string
  readonly image: string
  readonly flavor: Flavor
  readonly context: RequestContext
  readonly index: number
  readonly metadata: Readonly<Record<string, string>>
}

const instanceOf = (uuid: string, { name, image, flavor, context, index, metadata }: Body) =>
  Instance.make({
    uuid,
    user_id: context.userId,
    project_id: context.projectId,
    image_ref: image,
    kernel_id: '',
    ramdisk_id: '',
    hostname: name,
    launch_index: index,
    power_state: 0,
    vm_state: 'building' satisfies VmState,
    task_state: 'scheduling' satisfies TaskState,
    memory_mb: flavor.memory_mb!,
    vcpus: flavor.vcpus!,
    root_gb: flavor.root_gb!,
    ephemeral_gb: flavor.ephemeral_gb!,
    instance_type_id: flavor.id!,
    reservation_id: 'r-test',
    availability_zone: null,
    display_name: name,
    locked: false,
    config_drive: '',
    auto_disk_config: false,
    progress: 0,
    shutdown_terminate: false,
    metadata: { role: 'web', ...metadata },
    system_metadata: { image_base_image_ref: image, image_disk_format: 'raw' },
    info_cache: { instance_uuid: uuid, network_info: [] },
    flavor,
    keypairs: { objects: [] },
    pci_requests: { requests: [] },
  })
