/** The words that fields may hold, under the names that nova/objects/fields.py has for them, with older spellings mapped to today's. */
import { choice } from '../../oslo/objects/fields.ts'

const lower = (value: unknown): unknown => (typeof value === 'string' ? value.toLowerCase() : value)

function renamed(value: unknown, names: Readonly<Record<string, string>>): unknown {
  const small = lower(value)
  return typeof small === 'string' ? (names[small] ?? small) : small
}

// nova/objects/fields.py Architecture.canonicalize
const canonicalArchitecture = (value: unknown) =>
  renamed(value, { i386: 'i686', i486: 'i686', i586: 'i686', x86_32: 'i686', x86_32p: 'i686', amd64: 'x86_64' })

// nova/objects/fields.py VIFModel.LEGACY_VALUES
const vmwareNames = {
  virtuale1000: 'e1000',
  virtuale1000e: 'e1000e',
  virtualpcnet32: 'pcnet',
  virtualsriovethernetcard: 'sriov',
  virtualvmxnet: 'vmxnet',
  virtualvmxnet3: 'vmxnet3',
}

export const architecture = choice(
  'Architecture',
  [
    'alpha',
    'armv6',
    'armv7l',
    'armv7b',
    'aarch64',
    'cris',
    'i686',
    'ia64',
    'lm32',
    'm68k',
    'microblaze',
    'microblazeel',
    'mips',
    'mipsel',
    'mips64',
    'mips64el',
    'openrisc',
    'parisc',
    'parisc64',
    'ppc',
    'ppcle',
    'ppc64',
    'ppc64le',
    'ppcemb',
    's390',
    's390x',
    'sh4',
    'sh4eb',
    'sparc',
    'sparc64',
    'unicore32',
    'x86_64',
    'xtensa',
    'xtensaeb',
  ],
  canonicalArchitecture,
  (_, value) => `Architecture name '${value}' is not valid`,
)
export const blockDeviceDestinationType = choice('BlockDeviceDestinationType', ['local', 'volume'])
export const blockDeviceEncryptionFormatType = choice('BlockDeviceEncryptionFormatType', ['plain', 'luks', 'luksv2'])
export const blockDeviceSourceType = choice('BlockDeviceSourceType', ['blank', 'image', 'snapshot', 'volume'])
export const blockDeviceType = choice('BlockDeviceType', ['cdrom', 'disk', 'floppy', 'fs', 'lun'])
export const configDrivePolicy = choice('ConfigDrivePolicy', ['optional', 'mandatory'])
export const cpuAllocationPolicy = choice('CPUAllocationPolicy', ['dedicated', 'shared', 'mixed'])
export const cpuEmulatorThreadsPolicy = choice('CPUEmulatorThreadsPolicy', ['share', 'isolate'])
export const cpuFeaturePolicy = choice('CPUFeaturePolicy', ['force', 'require', 'optional', 'disable', 'forbid'])
export const cpuMatch = choice('CPUMatch', ['minimum', 'exact', 'strict'])
export const cpuMode = choice('CPUMode', ['custom', 'host-model', 'host-passthrough'])
export const cpuThreadAllocationPolicy = choice('CPUThreadAllocationPolicy', ['prefer', 'isolate', 'require'])
export const diskBus = choice('DiskBus', ['fdc', 'ide', 'sata', 'scsi', 'usb', 'virtio', 'xen', 'lxc', 'uml'])
export const externalEventName = choice('ExternalEventName', [
  'network-changed',
  'network-vif-plugged',
  'network-vif-unplugged',
  'network-vif-deleted',
  'volume-extended',
  'power-update',
  'accelerator-request-bound',
  'volume-reimaged',
])
export const externalEventStatus = choice('ExternalEventStatus', ['failed', 'completed', 'in-progress'])
export const firmwareType = choice('FirmwareType', ['uefi', 'bios'])
export const hvType = choice(
  'HVType',
  [
    'baremetal',
    'bhyve',
    'docker',
    'fake',
    'hyperv',
    'ironic',
    'kqemu',
    'kvm',
    'lxc',
    'lxd',
    'openvz',
    'parallels',
    'phyp',
    'qemu',
    'test',
    'uml',
    'vbox',
    'vz',
    'vmware',
    'xen',
    'zvm',
    'prsm',
  ],
  (value) => renamed(value, { xapi: 'xen' }),
  (_, value) => `Hypervisor virt type '${value}' is not valid`,
)
export const hypervisorDriver = choice('HypervisorDriver', ['libvirt', 'xenapi', 'vmwareapi', 'ironic', 'hyperv'])
export const imageSignatureHashType = choice('ImageSignatureHashType', ['SHA-224', 'SHA-256', 'SHA-384', 'SHA-512'])
export const imageSignatureKeyType = choice('ImageSignatureKeyType', [
  'DSA',
  'ECC_SECP384R1',
  'ECC_SECP521R1',
  'ECC_SECT409K1',
  'ECC_SECT409R1',
  'ECC_SECT571K1',
  'ECC_SECT571R1',
  'RSA-PSS',
])
export const inputBus = choice('InputBus', ['usb', 'virtio'])
const powerStates = ['pending', 'running', '_unused', 'paused', 'shutdown', '_unused', 'crashed', 'suspended'] as const
/** Also by its number, as libvirt has it. */
export const instancePowerState = choice('InstancePowerState', powerStates, (value) => powerStates[Number(value)] ?? value)
export const maxPhyAddrMode = choice('MaxPhyAddrMode', ['passthrough', 'emulate'])
export const memEncryptionModel = choice('MemEncryptionModel', ['amd-sev', 'amd-sev-es'])
export const migrationType = choice('MigrationType', ['migration', 'resize', 'live-migration', 'evacuation'])
export const osType = choice('OSType', ['linux', 'windows'], lower)
export const pciDeviceStatus = choice('PciDeviceStatus', [
  'available',
  'claimed',
  'allocated',
  'removed',
  'deleted',
  'unavailable',
  'unclaimable',
])
export const pciDeviceType = choice('PciDeviceType', ['type-PCI', 'type-PF', 'type-VF', 'vdpa'])
export const pciNumaAffinityPolicy = choice('PCINUMAAffinityPolicy', ['required', 'legacy', 'preferred', 'socket'])
export const pointerModelType = choice('PointerModelType', ['usbtablet'])
export const rngModel = choice('RNGModel', ['virtio'])
export const scsiModel = choice(
  'SCSIModel',
  ['buslogic', 'ibmvscsi', 'lsilogic', 'lsisas1068', 'lsisas1078', 'virtio-scsi', 'vmpvscsi'],
  (value) => renamed(value, { lsilogicsas: 'lsisas1068', paravirtual: 'vmpvscsi' }),
)
export const secureBoot = choice('SecureBoot', ['required', 'disabled', 'optional'])
export const shareMappingProto = choice('ShareMappingProto', ['NFS', 'CEPHFS'])
export const shareMappingStatus = choice('ShareMappingStatus', ['attaching', 'detaching', 'active', 'inactive', 'error'])
export const soundModelType = choice('SoundModelType', ['sb16', 'es1370', 'pcspk', 'ac97', 'ich6', 'ich9', 'usb', 'virtio'])
export const tpmModel = choice('TPMModel', ['tpm-tis', 'tpm-crb'])
export const tpmVersion = choice('TPMVersion', ['1.2', '2.0'])
export const usbControllerModelType = choice('USBControllerModelType', ['none', 'nec-xhci', 'qemu-xhci'])
export const videoModel = choice('VideoModel', ['cirrus', 'qxl', 'vga', 'vmvga', 'xen', 'virtio', 'gop', 'none', 'bochs'])
export const vifModel = choice(
  'VIFModel',
  ['virtio', 'ne2k_pci', 'pcnet', 'rtl8139', 'e1000', 'e1000e', 'netfront', 'spapr-vlan', 'lan9118', 'sriov', 'vmxnet', 'vmxnet3', 'igb'],
  (value) => renamed(value, vmwareNames),
)
export const viommuModel = choice('VIOMMUModel', ['intel', 'smmuv3', 'virtio', 'auto'])
export const vmMode = choice(
  'VMMode',
  ['hvm', 'xen', 'uml', 'exe'],
  (value) => renamed(value, { pv: 'xen', hv: 'hvm', baremetal: 'hvm' }),
  (_, value) => `Virtual machine mode '${value}' is not valid`,
)
export const watchdogAction = choice('WatchdogAction', ['none', 'pause', 'poweroff', 'reset', 'disabled'])
