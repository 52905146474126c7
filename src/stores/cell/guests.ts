/** Servers as their guests may know them: what the metadata service tells, read at once. */
import type { Database } from '../../oslo/database/database.ts'
import type { Fragments } from '../../oslo/database/driver.ts'
import type { WireObject } from '../../oslo/objects/object.ts'
import { type NetworkInfo, readNetworkInfo } from '../objects/network-info.ts'
import { parsed } from '../parsed.ts'
import { type Pairs, readBeside, selectBeside } from './beside.ts'
import type { CellTables } from './schema.ts'
import type { StoredFlavors } from './servers.ts'

/** A server, as far as its guest may know it. */
export interface GuestRow {
  readonly uuid: string
  readonly projectId: string
  readonly imageRef: string | null
  readonly kernelId: string | null
  readonly ramdiskId: string | null
  readonly hostname: string | null
  readonly displayName: string | null
  readonly launchIndex: number
  readonly reservationId: string | null
  readonly availabilityZone: string | null
  readonly keyName: string | null
  readonly keyData: string | null
  /** In base64, as it was given. */
  readonly userData: string | null
  readonly rootDeviceName: string | null
  readonly defaultEphemeralDevice: string | null
  readonly defaultSwapDevice: string | null
  readonly flavor: StoredFlavors | null
  /** A KeyPairList; null for old servers and those without a key. */
  readonly keyPairs: WireObject | null
  /** An InstanceDeviceMetadata. */
  readonly deviceMetadata: WireObject | null
  /** An InstanceNUMATopology. */
  readonly numaTopology: WireObject | null
  readonly networkInfo: NetworkInfo
  /** What users have set. */
  readonly metadata: Pairs
  readonly systemMetadata: Pairs
}

/** A disk of a server, as far as its guest may know it. */
export interface GuestDisk {
  readonly deviceName: string | null
  /** blank, image, snapshot, volume */
  readonly sourceType: string | null
  /** local, volume */
  readonly destinationType: string | null
  /** swap, or a file system */
  readonly guestFormat: string | null
}

export function guests(database: Database<CellTables>) {
  const findGuest = selectGuest(database.fragments)
  return {
    /** One that is not deleted, in one statement. */
    find: async (uuid: string): Promise<GuestRow | undefined> => {
      const [row] = await database.rows<StoredGuest>(findGuest, [uuid])
      return row && guestOf(row)
    },

    /** What it has for disks, in the order of their making. */
    disksOf: (uuid: string): Promise<GuestDisk[]> => database.rows<GuestDisk>(findDisks, [uuid]),
  }
}

export type Guests = ReturnType<typeof guests>

const jsonColumns = ['flavor', 'keyPairs', 'deviceMetadata', 'numaTopology', 'networkInfo'] as const
const parts = ['metadata', 'systemMetadata'] as const

/** As the driver gives it: JSON still as text. */
type StoredGuest = Omit<GuestRow, TextColumn> & Record<TextColumn, string | null>
type TextColumn = (typeof jsonColumns)[number] | (typeof parts)[number]

const guestOf = (row: StoredGuest): GuestRow => ({
  ...row,
  flavor: parsed(row.flavor),
  keyPairs: json(row.keyPairs),
  deviceMetadata: json(row.deviceMetadata),
  numaTopology: json(row.numaTopology),
  networkInfo: readNetworkInfo(row.networkInfo),
  ...readBeside(row, parts),
})

/** Each is of one server alone, so what was parsed is not worth remembering. */
const json = (text: string | null): WireObject | null => (text === null ? null : JSON.parse(text))

const columns = {
  uuid: 'instances.uuid',
  projectId: 'instances.project_id',
  imageRef: 'instances.image_ref',
  kernelId: 'instances.kernel_id',
  ramdiskId: 'instances.ramdisk_id',
  hostname: 'instances.hostname',
  displayName: 'instances.display_name',
  launchIndex: 'instances.launch_index',
  reservationId: 'instances.reservation_id',
  availabilityZone: 'instances.availability_zone',
  keyName: 'instances.key_name',
  keyData: 'instances.key_data',
  userData: 'instances.user_data',
  rootDeviceName: 'instances.root_device_name',
  defaultEphemeralDevice: 'instances.default_ephemeral_device',
  defaultSwapDevice: 'instances.default_swap_device',
  flavor: 'instance_extra.flavor',
  keyPairs: 'instance_extra.keypairs',
  deviceMetadata: 'instance_extra.device_metadata',
  numaTopology: 'instance_extra.numa_topology',
  networkInfo: 'instance_info_caches.network_info',
} satisfies Record<Exclude<keyof GuestRow, (typeof parts)[number]>, string>

const selectGuest = (fragments: Fragments) =>
  [
    `SELECT ${[...Object.entries(columns), ...parts.map((part) => [part, selectBeside(fragments, part)])]
      .map(([name, column]) => `${column} AS "${name}"`)
      .join(', ')}`,
    'FROM instances',
    'LEFT JOIN instance_extra ON instance_extra.instance_uuid = instances.uuid',
    'LEFT JOIN instance_info_caches ON instance_info_caches.instance_uuid = instances.uuid',
    'WHERE instances.uuid = ? AND instances.deleted = 0',
  ].join(' ')

const findDisks = [
  'SELECT device_name AS "deviceName", source_type AS "sourceType", destination_type AS "destinationType", guest_format AS "guestFormat"',
  'FROM block_device_mapping WHERE instance_uuid = ? AND deleted = 0 ORDER BY id',
].join(' ')
