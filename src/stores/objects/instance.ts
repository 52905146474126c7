/** Servers. */
import { boolean, datetime, dictOf, integer, ipv4, ipv6, text, uuid } from '../../oslo/objects/fields.ts'
import { defineList, defineObject, type ObjectValue, object } from '../../oslo/objects/object.ts'
import { persistent } from './common.ts'
import { VirtCPUModel } from './cpu.ts'
import { InstanceDeviceMetadata } from './device-metadata.ts'
import { EC2Ids } from './ec2.ts'
import { Flavor } from './flavor.ts'
import { InstanceFault } from './instance-fault.ts'
import { KeyPairList } from './key-pair.ts'
import { MigrationContext } from './migration.ts'
import { InstanceInfoCache } from './network-info.ts'
import { InstanceNUMATopology } from './numa.ts'
import { InstancePCIRequests, PciDeviceList } from './pci.ts'
import { ResourceList } from './resource.ts'
import { SecurityGroupList } from './security-group.ts'
import { ServiceList } from './service.ts'
import { TagList } from './tag.ts'
import { TrustedCerts } from './trusted-certs.ts'

export const Instance = defineObject('Instance', '2.8', {
  id: integer,
  user_id: text.orNull(),
  project_id: text.orNull(),
  image_ref: text.orNull(),
  kernel_id: text.orNull(),
  ramdisk_id: text.orNull(),
  hostname: text.orNull(),
  launch_index: integer.orNull(),
  key_name: text.orNull(),
  key_data: text.orNull(),
  power_state: integer.orNull(),
  vm_state: text.orNull(),
  task_state: text.orNull(),
  services: object(ServiceList),
  memory_mb: integer.orNull(),
  vcpus: integer.orNull(),
  root_gb: integer.orNull(),
  ephemeral_gb: integer.orNull(),
  ephemeral_key_uuid: uuid.orNull(),
  host: text.orNull(),
  node: text.orNull(),
  compute_id: integer.orNull(),
  instance_type_id: integer.orNull(),
  user_data: text.orNull(),
  reservation_id: text.orNull(),
  launched_at: datetime.orNull(),
  terminated_at: datetime.orNull(),
  availability_zone: text.orNull(),
  display_name: text.orNull(),
  display_description: text.orNull(),
  launched_on: text.orNull(),
  locked: boolean.initially(false),
  locked_by: text.orNull(),
  os_type: text.orNull(),
  architecture: text.orNull(),
  vm_mode: text.orNull(),
  uuid: uuid,
  root_device_name: text.orNull(),
  default_ephemeral_device: text.orNull(),
  default_swap_device: text.orNull(),
  config_drive: text.orNull(),
  access_ip_v4: ipv4.orNull(),
  access_ip_v6: ipv6.orNull(),
  auto_disk_config: boolean.initially(false),
  progress: integer.orNull(),
  shutdown_terminate: boolean.initially(false),
  disable_terminate: boolean.initially(false),
  cell_name: text.orNull(),
  metadata: dictOf(text),
  system_metadata: dictOf(text.orNull()),
  info_cache: object(InstanceInfoCache).orNull(),
  security_groups: object(SecurityGroupList),
  fault: object(InstanceFault).orNull(),
  cleaned: boolean.initially(false),
  pci_devices: object(PciDeviceList).orNull(),
  numa_topology: object(InstanceNUMATopology).orNull(),
  pci_requests: object(InstancePCIRequests).orNull(),
  device_metadata: object(InstanceDeviceMetadata).orNull(),
  tags: object(TagList),
  flavor: object(Flavor),
  old_flavor: object(Flavor).orNull(),
  new_flavor: object(Flavor).orNull(),
  vcpu_model: object(VirtCPUModel).orNull(),
  ec2_ids: object(EC2Ids),
  migration_context: object(MigrationContext).orNull(),
  keypairs: object(KeyPairList),
  trusted_certs: object(TrustedCerts).orNull(),
  hidden: boolean.initially(false),
  resources: object(ResourceList).orNull(),
  ...persistent,
})
export type Instance = ObjectValue<typeof Instance>

export const InstanceList = defineList('InstanceList', '2.6', Instance)
export type InstanceList = ObjectValue<typeof InstanceList>
