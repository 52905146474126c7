/** What the volume service remembers. Names are those of Cinder's tables; times are milliseconds. */
import type { Document } from '../shelf.ts'

export type Metadata = Readonly<Record<string, string>>

export interface Volume extends Document {
  readonly project_id: string
  readonly user_id: string
  readonly name: string | null
  readonly description: string | null
  /** In GiB. */
  readonly size: number
  readonly status: string
  readonly previous_status: string | null
  readonly attach_status: string
  readonly migration_status: string | null
  readonly volume_type_id: string
  readonly availability_zone: string
  /** `peer@one#peer`: host, back end and pool. Null when no back end took it. */
  readonly host: string | null
  readonly bootable: boolean
  readonly multiattach: boolean
  readonly readonly: boolean | null
  /** Of an attachment made by os-attach. */
  readonly attached_mode: string | null
  readonly snapshot_id: string | null
  readonly source_volid: string | null
  readonly metadata: Metadata
  /** Attributes and properties of the image that it was made from, all of them texts; null when it was not. */
  readonly image_metadata: Metadata | null
  /** False for the other end of a migration. */
  readonly use_quota: boolean
  /** The volume that holds the bytes, where a migration has left them in another one. */
  readonly name_id: string | null
  /** What its maker called the request for it (Idempotency-Key); null when it called it nothing. */
  readonly made_for: string | null
  readonly created_at: number
  readonly updated_at: number | null
}

export interface Attachment extends Document {
  readonly volume_id: string
  readonly instance_uuid: string | null
  readonly attached_host: string | null
  readonly mountpoint: string | null
  /** reserved, attaching, attached or detaching */
  readonly attach_status: string
  /** rw or ro; the text `null` until it is known. */
  readonly attach_mode: string | null
  readonly connector: Readonly<Record<string, unknown>> | null
  readonly connection_info: Readonly<Record<string, unknown>>
  readonly attach_time: number | null
  readonly created_at: number
}

export interface Snapshot extends Document {
  readonly project_id: string
  readonly user_id: string
  readonly volume_id: string
  readonly name: string | null
  readonly description: string | null
  readonly status: string
  readonly progress: string
  readonly volume_size: number
  readonly volume_type_id: string
  readonly metadata: Metadata
  readonly image_metadata: Metadata | null
  readonly use_quota: boolean
  readonly created_at: number
  readonly updated_at: number | null
}

export interface VolumeType extends Document {
  readonly name: string
  readonly description: string | null
  readonly is_public: boolean
  readonly extra_specs: Readonly<Record<string, string | null>>
  readonly qos_specs_id: string | null
  /** Projects that may use it when it is not public. */
  readonly projects: readonly string[]
  readonly created_at: number
  readonly updated_at: number | null
}

export interface QosSpecs extends Document {
  readonly name: string
  /** front-end, back-end or both */
  readonly consumer: string
  readonly specs: Metadata
  readonly created_at: number
}

/** Limits of a project, or those of everybody under the id of the class `default`. */
export interface Limits extends Document {
  readonly limits: Readonly<Record<string, number>>
}

/** The id is its name, such as `cinder-volume:peer@one`. */
export interface Service extends Document {
  readonly uuid: string
  readonly binary: string
  readonly host: string
  readonly disabled: boolean
  readonly disabled_reason: string | null
}

export interface Transfer extends Document {
  readonly volume_id: string
  readonly name: string | null
  readonly salt: string
  /** Of the key that was given to the one who offered the volume. */
  readonly crypt_hash: string
  readonly no_snapshots: boolean
  readonly source_project_id: string
  readonly destination_project_id: string | null
  readonly accepted: boolean
  readonly created_at: number
}

/** The type that volumes of a project (its id) get when none is asked for. */
export interface DefaultType extends Document {
  readonly volume_type_id: string
}
