/** A guest's memory: the size of its pages, whether it is locked, whether it is encrypted. */
import { memEncryptionModel } from '../../stores/objects/enums.ts'
import { Fault } from '../faults.ts'
import { type GuestFlavor, type GuestImage, property, shown, spec, specSwitch, unfit } from './wanted.ts'

/** nova/virt/hardware.py MEMPAGES_* */
const symbolic: Readonly<Record<string, number>> = { small: -1, large: -2, any: -3 }

/** In KiB, or one of the symbolic sizes; undefined when nothing is asked. _get_numa_pagesize_constraint */
export function pageSize(flavor: GuestFlavor, image: GuestImage): number | undefined {
  const wanted = spec(flavor, 'mem_page_size')
  const has = property(image, 'hw_mem_page_size')
  if (!wanted) {
    if (has) throw unfit(`Page size ${has} forbidden against '<empty>'`)
    return undefined
  }
  const size = sizeOf(wanted)
  if (!has) return size
  if (size !== symbolic.any && size !== symbolic.large) throw unfit(`Page size ${has} forbidden against '${wanted}'`)
  return sizeOf(has)
}

const prefixes = ['', 'K', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y', 'R', 'Q']

/** oslo_utils.strutils.string_to_bytes in KiB; digits alone are KiB already. */
function sizeOf(text: string): number {
  if (symbolic[text] !== undefined) return symbolic[text]
  if (/^\d+$/.test(text)) return Number(text)
  const found = /^([-+]?\d*\.?\d+)([KMGTPEZYRQ]?)i?(b|bit|B)$/.exec(text)
  if (!found || (/i(b|bit|B)$/.test(text) && found[2] === '')) throw unfit(`Invalid memory page size '${text}'`)
  const [, digits, prefix, unit] = found
  const bytes = (Number(digits) / (unit === 'B' ? 1 : 8)) * 1024 ** prefixes.indexOf(prefix!)
  return Math.trunc(Math.ceil(bytes) / 1024)
}

/** get_locked_memory_constraint */
export function checkLockedMemory(flavor: GuestFlavor, image: GuestImage): void {
  const [wanted, has] = [specSwitch(flavor, 'locked_memory'), property(image, 'hw_locked_memory')]
  if (wanted !== undefined && has !== undefined && wanted !== has)
    throw unfit(
      `locked_memory value in image (${shown(has)}) and flavor (${shown(wanted)}) conflict. A consistent value is expected if both specified.`,
    )
  if ((wanted ?? has) && !spec(flavor, 'mem_page_size') && !property(image, 'hw_mem_page_size'))
    throw new Fault('forbidden', 'locked_memory value in image or flavor is forbidden when mem_page_size is not set.')
}

/** get_mem_encryption_constraint */
export function checkMemoryEncryption(flavor: GuestFlavor, image: GuestImage): void {
  const [wanted, has] = [specSwitch(flavor, 'mem_encryption'), property(image, 'hw_mem_encryption')]
  if (!wanted && !has) return
  conflict('mem_encryption', flavor, image, { wanted, has, text: spec(flavor, 'mem_encryption') })
  const requesters = [
    ...(wanted ? [`hw:mem_encryption extra spec in ${flavor.name} flavor`] : []),
    ...(has ? [`hw_mem_encryption property of image ${idOf(image)}`] : []),
  ].join(' and ')
  if (property(image, 'hw_firmware_type') !== 'uefi')
    throw unfit(
      `Memory encryption requested by ${requesters} but image ${nameOf(image)} doesn't have 'hw_firmware_type' property set to 'uefi' or volume-backed instance was requested`,
    )
  const machine = property(image, 'hw_machine_type')
  if (machine !== undefined && !machine.includes('q35'))
    throw unfit(
      `Machine type '${machine}' is not compatible with image ${nameOf(image)} (${idOf(image)}): q35 type is required for SEV to work`,
    )
  const [wantedModel, hasModel] = [spec(flavor, 'mem_encryption_model'), property(image, 'hw_mem_encryption_model')]
  conflict('mem_encryption_model', flavor, image, { wanted: wantedModel, has: hasModel, text: wantedModel })
  const model = hasModel || wantedModel
  const known = memEncryptionModel.values!
  if (model && !known.includes(model)) throw unfit(`Invalid memory encryption model '${model}'. Allowed values: ${known.join(', ')}.`)
}

interface Asked<T> {
  /** By the flavor. */
  readonly wanted: T | undefined
  /** By the image. */
  readonly has: T | undefined
  /** As the flavor says it. */
  readonly text: unknown
}

function conflict<T>(key: string, flavor: GuestFlavor, image: GuestImage, { wanted, has, text }: Asked<T>): void {
  if (wanted === undefined || has === undefined || wanted === has) return
  throw unfit(
    `Flavor ${flavor.name} has hw:${key} extra spec explicitly set to ${text}, conflicting with image ${nameOf(image)} which has hw_${key} property explicitly set to ${shown(has)}`,
  )
}

/** An image that stands for a volume has neither. */
const nameOf = ({ name }: GuestImage): string => name ?? 'None'
const idOf = ({ id }: GuestImage): string => id ?? '<no-id>'
