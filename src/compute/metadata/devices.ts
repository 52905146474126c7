/** The devices of a server that its guest should be able to tell apart, and the processors that are its own. */
import type { WireObject } from '../../oslo/objects/object.ts'
import { InstanceDeviceMetadata } from '../../stores/objects/device-metadata.ts'
import { InstanceNUMATopology } from '../../stores/objects/numa.ts'

/** What guests of some versions are told and others not. */
export interface DeviceGates {
  readonly vlan: boolean
  readonly trusted: boolean
  readonly shares: boolean
}

type Device = NonNullable<InstanceDeviceMetadata['devices']>[number]
export type ShownDevice = Readonly<Record<string, unknown>>

/** nova/api/metadata/base.py _get_device_metadata; throws an `InvalidField` for what is stored wrongly. */
export function devicesOf(stored: WireObject | null, gates: DeviceGates): ShownDevice[] {
  if (stored === null) return []
  return (InstanceDeviceMetadata.fromWire(stored).devices ?? [])
    .map((device) => shownDevice(device, gates))
    .filter((device) => device !== undefined)
}

function shownDevice(device: Device, gates: DeviceGates): ShownDevice | undefined {
  const bus = busOf(device)
  const kind = kindOf(device, gates)
  return bus && kind && { ...kind, ...bus, ...(device.tags !== undefined && { tags: device.tags }) }
}

const buses: Readonly<Record<string, string>> = {
  PCIDeviceBus: 'pci',
  USBDeviceBus: 'usb',
  SCSIDeviceBus: 'scsi',
  IDEDeviceBus: 'ide',
  XenDeviceBus: 'xen',
}

/** Undefined for a bus of no certain kind: such a device is not shown. */
function busOf({ bus }: Device): ShownDevice | undefined {
  if (!bus) return { bus: 'none', address: 'none' }
  const name = buses[bus.kind]
  return name === undefined ? undefined : { bus: name, address: ('address' in bus && bus.address) || 'none' }
}

function kindOf(device: Device, { vlan, trusted, shares }: DeviceGates): ShownDevice | undefined {
  if (device.kind === 'NetworkInterfaceMetadata') {
    const more = {
      ...(vlan && (device.vlan ?? null) !== null && { vlan: device.vlan }),
      ...(trusted && { vf_trusted: device.vf_trusted ?? false }),
    }
    const toldApart = device.tags !== undefined || Object.keys(more).length > 0
    return toldApart ? { ...more, type: 'nic', mac: device.mac } : undefined
  }
  if (device.kind === 'DiskMetadata')
    return {
      type: 'disk',
      ...(device.serial !== undefined && { serial: device.serial }),
      ...(device.path !== undefined && { path: device.path }),
    }
  if (device.kind === 'ShareMetadata' && shares) return { type: 'share', share_id: device.share_id, tag: device.tag }
  return undefined
}

/** The guest's processors that have one of the host's to themselves, in order. */
export function dedicatedCpus(stored: WireObject | null): number[] {
  if (stored === null) return []
  const cells = InstanceNUMATopology.fromWire(stored).cells ?? []
  // nova/objects/instance_numa.py _migrate_legacy_dedicated_instance_cpuset: before Victoria they were in cpuset
  const own = cells.flatMap(({ pcpuset, cpuset, cpu_policy }) => [...(pcpuset ?? (cpu_policy === 'dedicated' ? (cpuset ?? []) : []))])
  return own.sort((a, b) => a - b)
}
