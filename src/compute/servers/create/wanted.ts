/** Servers that somebody asks for: everything about them that was said, checked for its form. */
import type { Flavor } from '../../../stores/api/flavors.ts'
import type { InjectedFile } from '../../quotas.ts'

export interface WantedServers {
  readonly name: string
  readonly description: string | null
  /** What the guest is called; made of the name when absent. */
  readonly hostname: string | null
  readonly flavor: Flavor
  /** Null for servers that boot from a volume. */
  readonly imageRef: string | null
  readonly min: number
  readonly max: number
  readonly metadata: Readonly<Record<string, string>>
  readonly tags: readonly string[]
  readonly adminPass: string
  readonly userData: string | null
  readonly keyName: string | null
  readonly configDrive: boolean
  /** Null: as the image says. */
  readonly autoDiskConfig: boolean | null
  readonly accessIpV4: string | null
  readonly accessIpV6: string | null
  readonly files: readonly InjectedFile[]
  readonly zone: WantedZone
  /** By names or ids; the project's default group when empty. */
  readonly securityGroups: readonly string[]
  /** Null when nothing was said: then a network is chosen. */
  readonly networks: WantedNetworks | null
  readonly devices: WantedDevices
  readonly hints: Readonly<Record<string, unknown>>
  readonly trustedCerts: readonly string[] | null
  /** Where the scheduler shall put them, after its own checks. */
  readonly requestedHost: string | null
  readonly requestedNode: string | null
  /** What the caller may have, and what it can be told of. */
  readonly may: Permissions
}

export interface Permissions {
  /** Root disks whose size nobody limits. */
  readonly zeroDiskFlavor: boolean
  readonly multiattach: boolean
  readonly portsWithResourceRequests: boolean
}

export interface WantedZone {
  /** Any when null. */
  readonly name: string | null
  /** From `zone:host:node`: there and nowhere else, unchecked. An empty host counts as said. */
  readonly forcedHost: string | null
  readonly forcedNode: string | null
}

/** A list of interfaces, one network chosen or made (`auto`), or no network at all. */
export type WantedNetworks = 'auto' | 'none' | readonly WantedNic[]

/** One interface: on a port that exists, or on a network, perhaps with a certain address. */
export interface WantedNic {
  readonly portId: string | null
  readonly networkId: string | null
  readonly address: string | null
  readonly tag: string | null
}

/** Disks in one of the two forms that there are. */
export type WantedDevices =
  | { readonly form: 'none' }
  | { readonly form: 'v1'; readonly devices: readonly LegacyDevice[] }
  | { readonly form: 'v2'; readonly devices: readonly Device[] }

/** A disk as `block_device_mapping` names it. */
export interface LegacyDevice {
  readonly device_name?: string
  readonly virtual_name?: string
  readonly volume_id?: string
  readonly snapshot_id?: string
  readonly volume_size?: number | string
  readonly delete_on_termination?: unknown
  readonly no_device?: unknown
  readonly connection_info?: string
}

/** A disk in Nova's own form, before it is a BlockDeviceMapping; the names are those of its fields. */
export interface Device {
  readonly source_type: string | null
  readonly destination_type: string | null
  readonly device_name: string | null
  readonly boot_index?: number | null
  readonly guest_format?: string | null
  readonly device_type?: string | null
  readonly disk_bus?: string | null
  readonly delete_on_termination: boolean
  readonly no_device: boolean
  /** In GiB; swap in MiB. */
  readonly volume_size: number | null
  readonly volume_id: string | null
  readonly snapshot_id: string | null
  readonly image_id: string | null
  readonly volume_type: string | null
  readonly connection_info: string | null
  readonly tag: string | null
  readonly encrypted: boolean
  readonly encryption_secret_uuid: string | null
  readonly encryption_format: string | null
  readonly encryption_options: string | null
}
