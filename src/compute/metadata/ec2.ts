/** What only EC2's tree tells of a server: its names there, its disks, the names of its security groups. */
import type { NeutronClient } from '../../peers/neutron.ts'
import type { GuestDisk, GuestRow } from '../../stores/cell/guests.ts'
import type { CellStore } from '../../stores/cells.ts'
import { securityGroupNames } from '../servers/extras.ts'

export interface Ec2Facts {
  /** `i-00000001` */
  readonly instanceId: string
  /** `ami-00000001`; null without an image. */
  readonly amiId: string | null
  readonly kernelId: string | null
  readonly ramdiskId: string | null
  readonly securityGroups: readonly string[]
  readonly blockDevices: Readonly<Record<string, string | null>>
}

export async function ec2Facts({ neutron }: { neutron: NeutronClient }, cell: CellStore, row: GuestRow): Promise<Ec2Facts> {
  const images = [row.imageRef, row.kernelId, row.ramdiskId].filter((id): id is string => Boolean(id))
  const [servers, known, disks, groups] = await Promise.all([
    cell.serverIntegers.of([row.uuid]),
    cell.imageIntegers.of(images),
    cell.guests.disksOf(row.uuid),
    securityGroupNames(neutron, [row.uuid]),
  ])
  const named = (prefix: string, id: string | null) => (id ? ec2Name(prefix, known.get(id)!) : null)
  return {
    instanceId: ec2Name('i', servers.get(row.uuid)!),
    amiId: named('ami', row.imageRef),
    kernelId: named('aki', row.kernelId),
    ramdiskId: named('ari', row.ramdiskId),
    securityGroups: (groups.get(row.uuid) ?? []).map(({ name }) => name),
    blockDevices: blockDeviceMapping(row, disks),
  }
}

const ec2Name = (prefix: string, id: number): string => `${prefix}-${id.toString(16).padStart(8, '0')}`

/** By EC2's names: ami, root, ephemeralN, ebsN, swap (nova/block_device.py instance_block_mapping). */
function blockDeviceMapping(row: GuestRow, disks: readonly GuestDisk[]): Record<string, string | null> {
  const { rootDeviceName: root, defaultEphemeralDevice, defaultSwapDevice } = row
  if (root === null) return { ami: 'sda1', ephemeral0: 'sda2', root: '/dev/sda1', swap: 'sda3' }
  const out: Record<string, string | null> = { ami: root.replace(/^\/dev\//, ''), root }
  if (defaultEphemeralDevice) out.ephemeral0 = defaultEphemeralDevice
  if (defaultSwapDevice) out.swap = defaultSwapDevice
  const volumes = disks.filter(({ destinationType }) => destinationType === 'volume').map(({ deviceName }) => deviceName)
  for (const [i, name] of volumes.sort(byName).entries()) out[`ebs${i}`] = name
  const blanks = disks.filter(({ destinationType, sourceType }) => destinationType !== 'volume' && sourceType === 'blank')
  const swap = blanks.findLast(({ guestFormat }) => guestFormat === 'swap')
  if (swap) out.swap = swap.deviceName
  for (const [i, { deviceName }] of blanks.filter(({ guestFormat }) => guestFormat !== 'swap').entries()) out[`ephemeral${i}`] = deviceName
  return out
}

/** Those without a name first. */
const byName = (a: string | null, b: string | null): number =>
  a === null || b === null ? Number(a !== null) - Number(b !== null) : a < b ? -1 : a > b ? 1 : 0
