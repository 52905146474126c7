/** Names of disks: `/dev/sda` for the root, the next letters for the others. nova/compute/utils.py get_next_device_name, nova/block_device.py */
import type { BlockDevice } from '../../../stores/cell/block-devices.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import { nova } from '../errors.ts'
import type { CellCore, Host } from '../parts.ts'

const defaultRoot = '/dev/sda1'

/** `/dev/sda1` is `/dev/sd` and `a`; undefined for what is no such name. */
function parse(device: string): [prefix: string, letters: string] | undefined {
  const found = /^(\/dev\/x?[a-z]?d?)([a-z]+)[0-9]*$/.exec(device)
  return found ? [found[1]!, found[2]!] : undefined
}

const lettersOf = (device: string): string =>
  device
    .replace(/^\/dev\//, '')
    .replace(/^(x?v|s|h)d/, '')
    .replace(/[0-9]/g, '')

/** a … z, aa … */
function letters(index: number): string {
  const last = String.fromCharCode(97 + (index % 26))
  return index < 26 ? last : letters(Math.floor(index / 26) - 1) + last
}

/** The next free name with the root device's prefix, or the one that is wanted, with that prefix. Throws a DevicePathInUse. */
function nextDevice(used: readonly string[], root = defaultRoot, wanted: string | null = null): string {
  const [prefix] = parse(root) ?? ['/dev/sd']
  const taken = new Set(used.map(lettersOf))
  const letter = wanted === null ? undefined : parse(wanted)?.[1]
  if (letter !== undefined && taken.has(letter)) throw nova('DevicePathInUse', { path: wanted })
  if (letter !== undefined) return prefix + letter
  let index = 0
  while (taken.has(letters(index))) index++
  return prefix + letters(index)
}

const isSwap = (device: BlockDevice) => device.sourceType === 'blank' && device.guestFormat === 'swap'
const isEphemeral = (device: BlockDevice) => device.sourceType === 'blank' && device.destinationType === 'local' && !isSwap(device)
const isLocalImage = (device: BlockDevice) => device.sourceType === 'image' && device.destinationType === 'local'
export const isVolume = (device: BlockDevice) => device.destinationType === 'volume'

/** The device whose volume it is. Throws a VolumeBDMNotFound. */
export async function deviceOf({ cell }: Pick<CellCore, 'cell'>, uuid: string, volumeId: string): Promise<BlockDevice> {
  const found = await cell.blockDevices.ofAttachment(uuid, volumeId)
  if (!found) throw nova('VolumeBDMNotFound', { volume_id: volumeId })
  return found
}

/** In the order of their making. */
export const devicesOf = async ({ cell }: Pick<CellCore, 'cell'>, uuid: string): Promise<BlockDevice[]> =>
  (await cell.blockDevices.of([uuid])).get(uuid) ?? []

/** Names the disks that have none; resolves with the root's. nova/compute/manager.py ComputeManager._default_block_device_names */
export async function nameDevices({ cell }: Host, server: Server, devices: readonly BlockDevice[]): Promise<string | null> {
  const root = devices.find(({ bootIndex }) => bootIndex === 0)
  if (!root) return server.rootDeviceName
  const rootName = root.deviceName ?? server.rootDeviceName ?? nextDevice([])
  const used = devices.flatMap(({ deviceName }) => deviceName ?? [])
  if (!used.includes(rootName)) used.push(rootName)
  if (root.deviceName === null) await cell.blockDevices.update(root.id, { deviceName: rootName })
  for (const kind of [isLocalImage, isEphemeral, isSwap, isVolume])
    for (const device of devices.filter(kind)) {
      if (device.deviceName !== null || device === root) continue
      const deviceName = nextDevice(used, rootName)
      used.push(deviceName)
      await cell.blockDevices.update(device.id, { deviceName })
    }
  return rootName
}

/** What a volume that is attached later is called. */
export const deviceFor = ({ rootDeviceName }: Server, devices: readonly BlockDevice[], wanted: string | null): string =>
  nextDevice(
    [...devices.flatMap(({ deviceName }) => deviceName ?? []), ...(rootDeviceName ? [rootDeviceName] : [])],
    rootDeviceName ?? undefined,
    wanted,
  )
