/** The disks that new servers get: those asked for in either syntax, those that the image names, and those of the flavor (nova/block_device.py). */
import type { Flavor } from '../../../stores/api/flavors.ts'
import type { Image } from '../../../stores/objects/image-meta.ts'
import { Fault } from '../../faults.ts'
import { isYes } from '../../hardware/wanted.ts'
import type { Device, LegacyDevice, WantedDevices } from './wanted.ts'

const invalid = (details: string): Fault => new Fault('invalidBlockDevice', details)

const blank: Device = {
  source_type: null,
  destination_type: null,
  device_name: null,
  delete_on_termination: false,
  no_device: false,
  volume_size: null,
  volume_id: null,
  snapshot_id: null,
  image_id: null,
  volume_type: null,
  connection_info: null,
  tag: null,
  encrypted: false,
  encryption_secret_uuid: null,
  encryption_format: null,
  encryption_options: null,
}
/** What the older syntax cannot say, so that it is left open there. */
const newer = { boot_index: null, guest_format: null, device_type: null, disk_bus: null }
const known = new Set([...Object.keys(blank), ...Object.keys(newer)])

type Said = Readonly<Record<string, unknown>>

/** A disk as `block_device_mapping_v2` names it. `withImage`: whether the server has an image as well. BlockDeviceDict.from_api */
export function deviceFromApi({ uuid, ...said }: Said, withImage: boolean): Device {
  const source = said.source_type
  if (said.no_device) return deviceOf(said)
  if (source === 'blank' && uuid) throw invalid('Invalid device UUID.')
  if (source !== 'blank' && !uuid) throw invalid('Missing device UUID.')
  if (source === undefined) throw invalid('Some required fields are missing')
  if (source === 'image' && said.destination_type === 'local' && !(withImage && Number(said.boot_index ?? -1) === 0))
    throw invalid('Mapping image to local is not supported.')
  if (said.destination_type === 'local' && said.volume_type)
    throw invalid('Specifying a volume_type with destination_type=local is not supported.')
  if (source === 'volume' && said.volume_type) throw invalid('Specifying volume type to existing volume is not supported.')
  return deviceOf(source === 'blank' ? said : { ...said, [`${source}_id`]: uuid })
}

/** A disk in Nova's own form, as API requests and images give it. BlockDeviceDict.__init__ */
function deviceOf(said: Said): Device {
  const unknown = Object.keys(said).filter((key) => !known.has(key))
  if (unknown.length > 0) throw invalid(`Following fields are invalid: ${unknown.join(' ')}`)
  if (!said.no_device && said.source_type === undefined) throw invalid('Some required fields are missing')
  return { ...blank, ...newer, ...said, ...normalised(said) } as Device
}

const normalised = (
  said: Said,
): Pick<Device, 'device_name' | 'delete_on_termination' | 'no_device' | 'encrypted' | 'volume_size' | 'boot_index'> => ({
  device_name: withDev((said.device_name as string | null | undefined) ?? null),
  delete_on_termination: flexible(said.delete_on_termination),
  no_device: Boolean(said.no_device),
  encrypted: flexible(said.encrypted),
  volume_size: integerOf(said.volume_size, 'Invalid volume_size.'),
  boot_index: integerOf(said.boot_index, 'Boot index is invalid.'),
})

const flexible = (value: unknown): boolean => (typeof value === 'string' ? isYes(value) : Boolean(value))

function integerOf(value: unknown, complaint: string): number | null {
  if (value === undefined || value === null || value === '') return null
  const number = Number(value)
  if (!Number.isInteger(number)) throw invalid(complaint)
  return number
}

const isEphemeral = (name: string | undefined): boolean => /^ephemeral(\d|[1-9]\d+)$/.test(name ?? '')

/** Without the fields that cannot be known. BlockDeviceDict.from_legacy */
function fromLegacy(said: LegacyDevice, ephemeralFormat: string | null): Device {
  const { virtual_name: virtual, volume_id = null, snapshot_id = null, connection_info = null } = said
  const { boot_index: _, ...values } = normalised(said as Said)
  const base: Device = { ...blank, ...values, volume_id, snapshot_id, connection_info }
  if (virtual === 'swap' || isEphemeral(virtual))
    return {
      ...base,
      source_type: 'blank',
      destination_type: 'local',
      delete_on_termination: true,
      guest_format: virtual === 'swap' ? 'swap' : ephemeralFormat,
    }
  if (snapshot_id) return { ...base, source_type: 'snapshot', destination_type: 'volume' }
  if (volume_id) return { ...base, source_type: 'volume', destination_type: 'volume' }
  if (said.no_device) return base
  throw invalid('Unrecognized legacy format.')
}

/** Finds the disk to boot from by the name of the root device, or puts the image in front. from_legacy_mapping */
function fromLegacyList(
  said: readonly LegacyDevice[],
  {
    imageRef,
    rootName,
    ephemeralFormat,
    noRoot = false,
  }: { imageRef: string | null; rootName: string; ephemeralFormat: string | null; noRoot?: boolean },
): Device[] {
  const devices = said.map((each) => fromLegacy(each, ephemeralFormat))
  if (noRoot) return devices.map((device) => ({ ...device, boot_index: -1 }))
  const isRoot = (device: Device) =>
    ['volume', 'snapshot', 'image'].includes(device.source_type ?? '') && withoutDev(device.device_name) === withoutDev(rootName)
  const placed = devices.map((device) => ({ ...device, boot_index: isRoot(device) ? 0 : device.no_device ? null : -1 }))
  return imageRef && !devices.some(isRoot) ? [imageDevice(imageRef), ...placed] : placed
}

const imageDevice = (imageId: string): Device => ({
  ...blank,
  ...newer,
  source_type: 'image',
  destination_type: 'local',
  image_id: imageId,
  boot_index: 0,
  device_type: 'disk',
  delete_on_termination: true,
})

const blankDisk = (size: number, guestFormat: string | null): Device => ({
  ...blank,
  ...newer,
  source_type: 'blank',
  destination_type: 'local',
  boot_index: -1,
  device_type: 'disk',
  delete_on_termination: true,
  guest_format: guestFormat,
  volume_size: size,
})

const withoutDev = (name: string | null): string | null => (name === null ? null : name.replace(/^\/dev\//, ''))
const withDev = (name: string | null): string | null => name && `/dev/${withoutDev(name)}`

/** The root device's name that the image says, with /dev/. nova/block_device.py properties_root_device_name */
export function rootDeviceName({ properties = {} }: Image): string | null {
  if ('root_device_name' in properties) return withDev((properties.root_device_name as string | null) || null)
  const named = mappingsOf(properties).findLast(({ virtual }) => virtual === 'root')
  return withDev(named?.device ?? null)
}

interface ImageMapping {
  readonly virtual: string
  readonly device: string
  readonly guest_format?: string
}

const mappingsOf = (properties: Said): readonly ImageMapping[] => (Array.isArray(properties.mappings) ? properties.mappings : [])

type Source = Partial<Pick<Device, 'image_id' | 'volume_id' | 'snapshot_id'>>

/** The device that is asked for to boot from, as far as its image goes, so that one of nothing is none; undefined when it is the image itself. */
export function rootOf(devices: WantedDevices): Source | undefined {
  const isOfSomething = ({ image_id, volume_id, snapshot_id }: Source) => Boolean(image_id || volume_id || snapshot_id)
  if (devices.form === 'v2') return devices.devices.find((device) => device.boot_index === 0 && isOfSomething(device))
  if (devices.form === 'none') return undefined
  return devices.devices.find((device) => deviceLetter(device.device_name ?? '') === 'a' && isOfSomething(device))
}

/** `a` of /dev/vda1. */
const deviceLetter = (name: string): string =>
  name
    .replace(/^\/dev\//, '')
    .replace(/^(x?v|s|h)d/, '')
    .replace(/\d+/g, '')

export interface DeviceRules {
  readonly imageRef: string | null
  readonly image: Image
  readonly rootName: string | null
  readonly flavor: Pick<Flavor, 'swap' | 'ephemeralGb'>
  /** [DEFAULT] default_ephemeral_format */
  readonly ephemeralFormat: string | null
  /** Whether there may be more than one server. */
  readonly several: boolean
}

/** Every disk of a server. nova/compute/api.py API._check_and_transform_bdm */
export function allDevices(asked: WantedDevices, rules: DeviceRules): Device[] {
  const { imageRef, image, flavor, ephemeralFormat } = rules
  const rootName = rules.rootName ?? 'vda'
  if (
    imageRef &&
    asked.form === 'v2' &&
    asked.devices.some((each) => each.destination_type === 'volume' && withoutDev(each.device_name) === rootName)
  )
    throw new Fault('badRequest', `The volume cannot be assigned the same device name as the root device ${rootName}`)
  const ofImage = devicesOfImage(image, rootName, flavor, ephemeralFormat)
  const imageHasRoot = ofImage.some(({ boot_index }) => boot_index === 0)
  const own =
    asked.form === 'v2'
      ? // Clients add the image as the root, which an image that brings a root of its own is not
        asked.devices.filter((each) => !(imageHasRoot && each.boot_index === 0 && each.source_type === 'image'))
      : fromLegacyList(asked.form === 'v1' ? asked.devices : [], { imageRef, rootName, ephemeralFormat, noRoot: imageHasRoot })
  const devices = overridden(ofImage, own)
  if (rules.several && devices.some(({ source_type }) => source_type === 'volume'))
    throw new Fault('badRequest', 'Cannot attach one or more volumes to multiple instances')
  return [...devices, ...devicesOfFlavor(flavor, devices)]
}

function devicesOfImage(
  { properties = {} }: Image,
  rootName: string,
  flavor: DeviceRules['flavor'],
  ephemeralFormat: string | null,
): Device[] {
  const listed = (properties.block_device_mapping ?? []) as readonly Said[]
  const devices = properties.bdm_v2
    ? listed.map(deviceOf)
    : fromLegacyList(listed as readonly LegacyDevice[], { imageRef: null, rootName, ephemeralFormat })
  const blanks = mappingsOf(properties).flatMap((mapping) => blankOfMapping(mapping, flavor, ephemeralFormat))
  return overridden(blanks, devices)
}

/** nova/compute/api.py API._prepare_image_mapping */
function blankOfMapping(
  { virtual, device, guest_format }: ImageMapping,
  flavor: DeviceRules['flavor'],
  ephemeralFormat: string | null,
): Device[] {
  if (virtual !== 'swap' && !isEphemeral(virtual)) return []
  const size = virtual === 'swap' ? flavor.swap : flavor.ephemeralGb
  const disk = blankDisk(size, virtual === 'swap' ? 'swap' : guest_format || ephemeralFormat)
  return size === 0 ? [] : [{ ...disk, device_name: device.startsWith('/') ? device : `/dev/${device}` }]
}

/** Those of the second list, then those of the first whose device names they leave free. */
const overridden = (first: readonly Device[], second: readonly Device[]): Device[] => {
  const taken = new Set(second.flatMap(({ device_name }) => device_name || []))
  return [...second, ...first.filter(({ device_name }) => !taken.has(device_name ?? ''))]
}

/** nova/compute/api.py API._get_flavor_defined_bdms */
function devicesOfFlavor({ ephemeralGb, swap }: DeviceRules['flavor'], devices: readonly Device[]): Device[] {
  return [
    ...(ephemeralGb && !devices.some(isEphemeralDisk) ? [blankDisk(ephemeralGb, null)] : []),
    ...(swap && !devices.some(isSwap) ? [blankDisk(swap, 'swap')] : []),
  ]
}

const isLocalBlank = ({ source_type, destination_type }: Device): boolean => source_type === 'blank' && destination_type === 'local'
export const isSwap = (device: Device): boolean => isLocalBlank(device) && device.guest_format === 'swap'
export const isEphemeralDisk = (device: Device): boolean => isLocalBlank(device) && device.guest_format !== 'swap'
