/** Settings of a guest that stand alone: flavor and image may each ask for them, and must agree. */
import { blockDeviceEncryptionFormatType, pciNumaAffinityPolicy, soundModelType } from '../../stores/objects/enums.ts'
import { Fault } from '../faults.ts'
import { type GuestFlavor, type GuestImage, isYes, property, sameUnless, shown, spec, specInteger, specSwitch, unfit } from './wanted.ts'

/** nova/virt/hardware.py get_pmu_constraint */
export function checkPmu(flavor: GuestFlavor, image: GuestImage): void {
  sameUnless('pmu', flavor, image, specSwitch(flavor, 'pmu'), property(image, 'hw_pmu'))
}

/** A server with one processor has no queues to speak of. get_vif_multiqueue_constraint */
export function checkMultiqueue(flavor: GuestFlavor, image: GuestImage): void {
  if (flavor.vcpus < 2) return
  const key = 'vif_multiqueue_enabled'
  sameUnless(key, flavor, image, specSwitch(flavor, key), property(image, 'hw_vif_multiqueue_enabled'))
}

/** Asked of the image's own text, before its properties are converted. get_packed_virtqueue_constraint */
export function checkPackedRing(flavor: GuestFlavor, imageText: unknown): void {
  const wanted = specSwitch(flavor, 'virtio_packed_ring')
  const has = imageText === undefined || imageText === null ? undefined : isYes(String(imageText))
  if (wanted === undefined || has === undefined || wanted === has) return
  throw unfit(
    `Flavor has hw:virtio_packed_ring extra spec explicitly set to ${shown(wanted)}, conflicting with image which has hw_virtio_packed_ring explicitly set to ${shown(has)}.`,
  )
}

/** The image may ask for fewer than the flavor, not for more. get_number_of_serial_ports */
export function checkSerialPorts(flavor: GuestFlavor, image: GuestImage): void {
  const text = spec(flavor, 'serial_port_count')
  if (!text) return
  const most = specInteger(text, () => unfit(`Number of serial ports specified in flavor is invalid: expected an integer, got '${text}'`))
  if (most && (property(image, 'hw_serial_port_count') ?? 0) > most)
    throw unfit('Forbidden to exceed flavor value of number of serial ports passed in image meta.')
}

/** get_sound_model */
export function soundModel(flavor: GuestFlavor, image: GuestImage): string | undefined {
  const [wanted, has] = [spec(flavor, 'sound_model'), property(image, 'hw_sound_model')]
  if (wanted && has) sameUnless<string>('sound_model', flavor, image, wanted, has)
  const model = wanted || has
  if (model && !soundModelType.values!.includes(model))
    throw unfit(`Invalid sound device model '${model}'. Allowed values: ${soundModelType.values!.join(', ')}.`)
  return model || undefined
}

/** How close to its processors a server's PCI devices must be. get_pci_numa_policy_constraint */
export function pciAffinity(flavor: GuestFlavor, image: GuestImage): string | undefined {
  const [wanted, has] = [spec(flavor, 'pci_numa_affinity_policy'), property(image, 'hw_pci_numa_affinity_policy')]
  if (wanted && has && wanted !== has)
    throw new Fault(
      'forbidden',
      "Image property 'hw_pci_numa_affinity_policy' is not permitted to override the 'hw:pci_numa_affinity_policy' flavor extra spec.",
    )
  const policy = wanted || has
  if (policy && !pciNumaAffinityPolicy.values!.includes(policy)) throw unfit(`Invalid PCI NUMA affinity configured: ${policy}`)
  return policy || undefined
}

/** Whether local disks are encrypted, and how; the format is undefined when the compute chooses. get_ephemeral_encryption_constraint, …_format */
export function diskEncryption(flavor: GuestFlavor, image: GuestImage): { readonly format: string | undefined } | undefined {
  const text = spec(flavor, 'ephemeral_encryption')
  const [wanted, has] = [specSwitch(flavor, 'ephemeral_encryption'), property(image, 'hw_ephemeral_encryption')]
  if (wanted !== undefined && has !== undefined && wanted !== has)
    throw unfit(
      `Flavor ${flavor.name} has hw:ephemeral_encryption extra spec explicitly set to ${text}, conflicting with image ${image.name} which has hw_eph_encryption property explicitly set to ${shown(has)}`,
    )
  if (!wanted && !has) return undefined
  const formats = [spec(flavor, 'ephemeral_encryption_format'), property(image, 'hw_ephemeral_encryption_format')] as const
  if (formats[0] && formats[1]) sameUnless<string>('ephemeral_encryption_format', flavor, image, ...formats)
  const format = formats[0] || formats[1]
  const known = blockDeviceEncryptionFormatType.values!
  if (format && !known.includes(format)) throw unfit(`Invalid ephemeral encryption format ${format}. Allowed values: ${known.join(', ')}`)
  return { format: format || undefined }
}
