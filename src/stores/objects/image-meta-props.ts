/** The properties of images that Nova knows: hw_*, img_*, os_*. */
import { dictOf, flexibleBoolean, integer, listOf, pattern, setOf, text, uuid } from '../../oslo/objects/fields.ts'
import { defineObject, type ObjectValue } from '../../oslo/objects/object.ts'
import { parseCpuSpec } from './cpu-spec.ts'
import {
  architecture,
  blockDeviceEncryptionFormatType,
  blockDeviceType,
  configDrivePolicy,
  cpuAllocationPolicy,
  cpuThreadAllocationPolicy,
  diskBus,
  firmwareType,
  hvType,
  imageSignatureHashType,
  imageSignatureKeyType,
  inputBus,
  maxPhyAddrMode,
  memEncryptionModel,
  osType,
  pciNumaAffinityPolicy,
  pointerModelType,
  rngModel,
  scsiModel,
  secureBoot,
  soundModelType,
  tpmModel,
  tpmVersion,
  usbControllerModelType,
  videoModel,
  vifModel,
  viommuModel,
  vmMode,
  watchdogAction,
} from './enums.ts'

// oslo_utils/versionutils.py VersionPredicate; PEP 440 versions in their plain forms
const versionPredicate = pattern(
  'version predicate',
  /^\s*(<=|>=|<|>|!=|==)\s*v?\d[^\s,]*\s*(,\s*(<=|>=|<|>|!=|==)\s*v?\d[^\s,]*\s*)*$/,
  (value) => `Version ${value} is not a valid predicate in field img_hv_requested_version`,
)

export const ImageMetaProps = defineObject('ImageMetaProps', '1.42', {
  hw_architecture: architecture,
  hw_emulation_architecture: architecture,
  hw_auto_disk_config: text,
  hw_boot_menu: flexibleBoolean,
  hw_cdrom_bus: diskBus,
  hw_cpu_cores: integer,
  hw_cpu_sockets: integer,
  hw_cpu_max_cores: integer,
  hw_cpu_max_sockets: integer,
  hw_cpu_max_threads: integer,
  hw_cpu_policy: cpuAllocationPolicy,
  hw_cpu_thread_policy: cpuThreadAllocationPolicy,
  hw_cpu_realtime_mask: text,
  hw_cpu_threads: integer,
  hw_device_id: integer,
  hw_disk_bus: diskBus,
  hw_disk_type: text,
  hw_floppy_bus: diskBus,
  hw_firmware_type: firmwareType,
  hw_firmware_stateless: flexibleBoolean,
  hw_input_bus: inputBus,
  hw_ipxe_boot: flexibleBoolean,
  hw_locked_memory: flexibleBoolean,
  hw_machine_type: text,
  hw_mem_encryption: flexibleBoolean,
  hw_mem_encryption_model: memEncryptionModel,
  hw_mem_page_size: text,
  hw_numa_nodes: integer,
  hw_numa_cpus: listOf(setOf(integer)),
  hw_numa_mem: listOf(integer),
  hw_pci_numa_affinity_policy: pciNumaAffinityPolicy,
  hw_pointer_model: pointerModelType,
  hw_pmu: flexibleBoolean,
  hw_qemu_guest_agent: flexibleBoolean,
  hw_rescue_bus: diskBus,
  hw_rescue_device: blockDeviceType,
  hw_rng_model: rngModel,
  hw_time_hpet: flexibleBoolean,
  hw_serial_port_count: integer,
  hw_scsi_model: scsiModel,
  hw_video_model: videoModel,
  hw_video_ram: integer,
  hw_vif_model: vifModel,
  hw_viommu_model: viommuModel,
  hw_vm_mode: vmMode,
  hw_watchdog_action: watchdogAction,
  hw_vif_multiqueue_enabled: flexibleBoolean,
  hw_tpm_model: tpmModel,
  hw_tpm_version: tpmVersion,
  hw_ephemeral_encryption: flexibleBoolean,
  hw_ephemeral_encryption_format: blockDeviceEncryptionFormatType,
  hw_ephemeral_encryption_secret_uuid: uuid,
  hw_virtio_packed_ring: flexibleBoolean,
  hw_maxphysaddr_mode: maxPhyAddrMode,
  hw_maxphysaddr_bits: integer,
  hw_sound_model: soundModelType,
  hw_usb_model: usbControllerModelType,
  hw_redirected_usb_ports: integer,
  img_bittorrent: flexibleBoolean,
  img_bdm_v2: flexibleBoolean,
  img_block_device_mapping: listOf(dictOf(text.orNull())),
  img_cache_in_nova: flexibleBoolean,
  img_compression_level: integer,
  img_hv_requested_version: versionPredicate,
  img_hv_type: hvType,
  img_config_drive: configDrivePolicy,
  img_linked_clone: flexibleBoolean,
  img_mappings: listOf(dictOf(text.orNull())),
  img_owner_id: text,
  img_root_device_name: text,
  img_use_agent: flexibleBoolean,
  img_version: integer,
  img_signature: text,
  img_signature_hash_method: imageSignatureHashType,
  img_signature_certificate_uuid: uuid,
  img_signature_key_type: imageSignatureKeyType,
  img_hide_hypervisor_id: flexibleBoolean,
  os_admin_user: text,
  os_command_line: text,
  os_distro: text,
  os_require_quiesce: flexibleBoolean,
  os_secure_boot: secureBoot,
  os_skip_agent_inject_files_at_boot: flexibleBoolean,
  os_skip_agent_inject_ssh: flexibleBoolean,
  os_type: osType,
  traits_required: listOf(text),
})
export type ImageMetaProps = ObjectValue<typeof ImageMetaProps>

// nova/objects/image_meta.py ImageMetaProps._legacy_property_map: the names that properties had before
const olderNames = {
  architecture: 'hw_architecture',
  owner_id: 'img_owner_id',
  vmware_disktype: 'hw_disk_type',
  vmware_image_version: 'img_version',
  vmware_ostype: 'os_distro',
  auto_disk_config: 'hw_auto_disk_config',
  ipxe_boot: 'hw_ipxe_boot',
  xenapi_device_id: 'hw_device_id',
  xenapi_image_compression_level: 'img_compression_level',
  vmware_linked_clone: 'img_linked_clone',
  xenapi_use_agent: 'img_use_agent',
  xenapi_skip_agent_inject_ssh: 'os_skip_agent_inject_ssh',
  xenapi_skip_agent_inject_files_at_boot: 'os_skip_agent_inject_files_at_boot',
  cache_in_nova: 'img_cache_in_nova',
  vm_mode: 'hw_vm_mode',
  bittorrent: 'img_bittorrent',
  mappings: 'img_mappings',
  block_device_mapping: 'img_block_device_mapping',
  bdm_v2: 'img_bdm_v2',
  root_device_name: 'img_root_device_name',
  hypervisor_version_requires: 'img_hv_requested_version',
  hypervisor_type: 'img_hv_type',
} as const satisfies Record<string, keyof typeof ImageMetaProps.fields>

/** Whether Nova knows a property of an image, by its name of today or an older one. */
export const isStandardProperty = (name: string): boolean => Object.hasOwn(ImageMetaProps.fields, name) || Object.hasOwn(olderNames, name)

/** Names that mean something else than their field, or nothing. */
const notByName = ['hw_numa_mem', 'hw_numa_cpus', 'traits_required']

/**
 * The properties of an image that Nova knows, converted; names of today win over older ones. Throws an `InvalidField`.
 * nova/objects/image_meta.py ImageMetaProps.from_dict
 */
export function imageProperties(properties: Readonly<Record<string, unknown>>): ImageMetaProps {
  const values: Record<string, unknown> = {}
  const set = (name: keyof typeof ImageMetaProps.fields, value: unknown) => {
    values[name] = ImageMetaProps.fields[name].read(value, `ImageMetaProps.${name}`)
  }
  const has = (name: string) => Object.hasOwn(properties, name)
  for (const [older, name] of Object.entries(olderNames)) if (has(older)) set(name, properties[older])
  const adapter = properties.vmware_adaptertype
  if (adapter === 'ide') set('hw_disk_bus', 'ide')
  else if (adapter) {
    set('hw_disk_bus', 'scsi')
    set('hw_scsi_model', adapter)
  }
  for (const name of Object.keys(ImageMetaProps.fields) as (keyof typeof ImageMetaProps.fields)[])
    if (has(name) && !notByName.includes(name)) set(name, properties[name])
  const memory = numbered('hw_numa_mem', properties)
  if (memory.length > 0) set('hw_numa_mem', memory)
  const processors = numbered('hw_numa_cpus', properties)
  if (processors.length > 0)
    set(
      'hw_numa_cpus',
      processors.map((spec) => parseCpuSpec(String(spec))),
    )
  const traits = Object.keys(properties).filter((name) => name.startsWith('trait:') && properties[name] === 'required')
  if (traits.length > 0)
    set(
      'traits_required',
      traits.map((name) => name.slice('trait:'.length)),
    )
  return ImageMetaProps.make(values)
}

/** `name.0`, `name.1` … up to the first that is missing, at most 128. */
function numbered(name: string, properties: Readonly<Record<string, unknown>>): unknown[] {
  const values: unknown[] = []
  while (values.length < 128 && Object.hasOwn(properties, `${name}.${values.length}`)) values.push(properties[`${name}.${values.length}`])
  return values
}
