/** Whether an image can become a server of a flavor. Rebuilding asks the same. */
import type { Flavor } from '../../../stores/api/flavors.ts'
import type { Image } from '../../../stores/objects/image-meta.ts'
import { Fault } from '../../faults.ts'
import { checkMemoryEncryption } from '../../hardware/memory.ts'
import { realtimeProcessors } from '../../hardware/processors.ts'
import { checkMultiqueue, checkPackedRing, checkPmu, checkSerialPorts } from '../../hardware/switches.ts'
import { checkTopology } from '../../hardware/topology.ts'
import { type GuestImage, isYes } from '../../hardware/wanted.ts'

const gib = 1024 ** 3

/** As much of a flavor as counts here. */
type Size = Pick<Flavor, 'name' | 'vcpus' | 'memoryMb' | 'rootGb' | 'extraSpecs'>

/** The root disk, when it is a volume. */
export interface RootVolume {
  /** In GiB; null for one that is there already, which Cinder has checked. */
  readonly size: number | null
}

export interface ImageCheck {
  readonly image: Image
  /** Null when the server does not boot from the image itself. */
  readonly imageId: string | null
  /** The image with its properties converted. */
  readonly guest: GuestImage
  readonly flavor: Size
  readonly rootVolume: RootVolume | null
  /** Whether the caller may have a root disk whose size nobody limits. */
  readonly zeroDiskFlavor: boolean
}

/** Throws the first thing that does not fit. nova/compute/api.py API._validate_flavor_image with _detect_nonbootable_image_from_properties; NUMA apart */
export function checkImage({ image, imageId, guest, flavor, rootVolume, zeroDiskFlavor }: ImageCheck): void {
  if (Object.keys(image).length === 0) return
  const properties = image.properties ?? {}
  if (properties.cinder_encryption_key_id && imageId)
    throw new Fault('imageUnacceptable', imageId, 'Direct booting of an image uploaded from an encrypted volume is unsupported.')
  if (image.status !== 'active') throw new Fault('imageNotActive', imageId ?? 'None')
  const configDrive = properties.img_config_drive ?? 'optional'
  if (configDrive !== 'optional' && configDrive !== 'mandatory')
    throw new Fault('badRequest', `Image's config drive option '${configDrive}' is invalid`)
  if (flavor.memoryMb < Number(image.min_ram ?? 0)) throw new Fault('badRequest', "Flavor's memory is too small for requested image.")
  checkPackedRing(flavor, properties.hw_virtio_packed_ring)
  if (rootVolume) checkVolumeSize(image, rootVolume)
  else checkDiskSize(image, flavor, zeroDiskFlavor)
  checkGuest(flavor, guest)
}

function checkVolumeSize(image: Image, { size }: RootVolume): void {
  const smallest = Number(image.min_disk ?? 0) * gib
  if (size !== null && smallest > size * gib)
    throw new Fault(
      'badRequest',
      `Volume is smaller than the minimum size specified in image metadata. Volume size is ${size * gib} bytes, minimum size is ${smallest} bytes.`,
    )
}

/** A flavor without a root disk takes any image, which not everybody may. */
function checkDiskSize(image: Image, { rootGb }: Size, zeroDiskFlavor: boolean): void {
  if (rootGb === 0) {
    if (!zeroDiskFlavor) throw new Fault('zeroDiskFlavor')
    return
  }
  const [disk, size, smallest] = [rootGb * gib, Number(image.size ?? 0), Number(image.min_disk ?? 0) * gib]
  if (size > disk)
    throw new Fault('badRequest', `Flavor's disk is too small for requested image. Flavor disk is ${disk} bytes, image is ${size} bytes.`)
  if (smallest > disk)
    throw new Fault(
      'badRequest',
      `Flavor's disk is smaller than the minimum size specified in image metadata. Flavor disk is ${disk} bytes, minimum size is ${smallest} bytes.`,
    )
}

/** nova/compute/api.py API._validate_flavor_image_numa_pci */
export function checkGuest(flavor: Size, guest: GuestImage): void {
  checkMemoryEncryption(flavor, guest)
  checkPmu(flavor, guest)
  checkSerialPorts(flavor, guest)
  realtimeProcessors(flavor, guest)
  checkTopology(flavor, guest)
  checkMultiqueue(flavor, guest)
}

/** What the disk config of a server is when only its image says; throws `autoDiskConfigDisabled`. nova/compute/api.py API._inherit_properties_from_image */
export function autoDiskConfigOf(image: Image, asked: boolean | null): boolean {
  const ofImage = image.properties?.auto_disk_config
  if (
    asked &&
    String(ofImage ?? '')
      .trim()
      .toLowerCase() === 'disabled'
  )
    throw new Fault('autoDiskConfigDisabled', image.id ?? 'None')
  return asked ?? isYes(String(ofImage ?? ''))
}
