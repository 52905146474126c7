/** The devices of a server that have tags, and the bus that each is on. */
import { boolean, integer, listOf, macAddress, pattern, text } from '../../oslo/objects/fields.ts'
import { defineObject, type ObjectValue, oneOf } from '../../oslo/objects/object.ts'

// nova/objects/fields.py AddressBase.coerce: the beginning must match, what follows is not looked at
const busAddress = (kind: string, form: string) => pattern(kind, new RegExp(`^(?:${form})`), () => `Value must match ${form}`)

// oslo_versionedobjects/fields.py PCIAddress
const pciAddress = pattern(
  'PCI address',
  /^[0-9a-f]{4}:[0-9a-f]{2}:[0-1][0-9a-f].[0-7]$/,
  (value) => `Malformed PCI address ${value}`,
  (value) => value.toLowerCase(),
)

/** A bus of no certain kind. */
export const DeviceBus = defineObject('DeviceBus', '1.0', {})
export type DeviceBus = ObjectValue<typeof DeviceBus>

export const PCIDeviceBus = defineObject('PCIDeviceBus', '1.0', {
  address: pciAddress,
})
export type PCIDeviceBus = ObjectValue<typeof PCIDeviceBus>

export const USBDeviceBus = defineObject('USBDeviceBus', '1.0', {
  address: busAddress('USB address', '[a-f0-9]+:[a-f0-9]+'),
})
export type USBDeviceBus = ObjectValue<typeof USBDeviceBus>

export const SCSIDeviceBus = defineObject('SCSIDeviceBus', '1.0', {
  address: busAddress('SCSI address', '[a-f0-9]+:[a-f0-9]+:[a-f0-9]+:[a-f0-9]+'),
})
export type SCSIDeviceBus = ObjectValue<typeof SCSIDeviceBus>

export const IDEDeviceBus = defineObject('IDEDeviceBus', '1.0', {
  address: busAddress('IDE address', '[0-1]:[0-1]'),
})
export type IDEDeviceBus = ObjectValue<typeof IDEDeviceBus>

export const XenDeviceBus = defineObject('XenDeviceBus', '1.0', {
  address: busAddress('Xen address', '(00[0-9]{2}00)|[1-9][0-9]+'),
})
export type XenDeviceBus = ObjectValue<typeof XenDeviceBus>

const anyDeviceBus = oneOf('DeviceBus', { DeviceBus, PCIDeviceBus, USBDeviceBus, SCSIDeviceBus, IDEDeviceBus, XenDeviceBus })

const common = { bus: anyDeviceBus, tags: listOf(text) }

export const NetworkInterfaceMetadata = defineObject('NetworkInterfaceMetadata', '1.2', {
  mac: macAddress,
  vlan: integer,
  vf_trusted: boolean.initially(false),
  ...common,
})
export type NetworkInterfaceMetadata = ObjectValue<typeof NetworkInterfaceMetadata>

export const DiskMetadata = defineObject('DiskMetadata', '1.0', {
  serial: text.orNull(),
  path: text.orNull(),
  ...common,
})
export type DiskMetadata = ObjectValue<typeof DiskMetadata>

export const ShareMetadata = defineObject('ShareMetadata', '1.0', {
  share_id: text.orNull(),
  tag: text.orNull(),
  ...common,
})
export type ShareMetadata = ObjectValue<typeof ShareMetadata>

/** A device of no certain kind. */
export const DeviceMetadata = defineObject('DeviceMetadata', '1.0', common)
export type DeviceMetadata = ObjectValue<typeof DeviceMetadata>

const anyDeviceMetadata = oneOf('DeviceMetadata', { DeviceMetadata, NetworkInterfaceMetadata, DiskMetadata, ShareMetadata })

/** All of one server. */
export const InstanceDeviceMetadata = defineObject('InstanceDeviceMetadata', '1.0', {
  devices: listOf(anyDeviceMetadata),
})
export type InstanceDeviceMetadata = ObjectValue<typeof InstanceDeviceMetadata>
