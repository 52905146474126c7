/** What every operation of the volume service works with: the tables, the time, ids, settings and the neighbours. */
import type { AuthenticatedCall, Clock, Ids } from '../service.ts'
import type { Compute } from './compute.ts'
import type { Volume } from './documents.ts'
import type { Images } from './images.ts'
import type { Store } from './store.ts'

export interface VolumeSettings {
  /** The first part of the names of back ends: `peer@one#peer`. */
  readonly host: string
  readonly backends: readonly string[]
  /** volume_backend_name, and the name of the one pool of each back end. */
  readonly backendName: string
  readonly zone: string
  /** The name of the type of volumes for which none is asked. */
  readonly defaultType: string
}

export interface Cinder {
  readonly store: Store
  readonly clock: Clock
  readonly ids: Ids
  readonly settings: VolumeSettings
  /** Absent where there is no image service. */
  readonly images: Images | undefined
  /** Absent where there is no compute service. */
  readonly compute: Compute | undefined
  /** Work that the client does not wait for; what goes wrong there is reported. */
  later(work: () => Promise<void>): void
}

export interface VolumeCall extends AuthenticatedCall, Cinder {
  /** 27 for 3.27. */
  readonly minor: number
  /** The project in the path, `''` when there was none; links repeat it. */
  readonly urlProject: string
  /** The project of the caller, who must have one. */
  readonly projectId: string
  /** Whether a service speaks for the caller: its token comes along in X-Service-Token. */
  fromService(): Promise<boolean>
}

/** Cinder's form of a time: UTC, without a zone. */
export const moment = (time: number | null): string | null => (time === null ? null : `${new Date(time).toISOString().slice(0, 19)}.000000`)

/** Puts a changed volume; inside a `write`. */
export const putVolume = ({ store, clock }: Pick<Cinder, 'store' | 'clock'>, volume: Volume, changes: Partial<Volume>): Volume =>
  store.volumes.put({ ...volume, ...changes, updated_at: clock.now() })

/** As Cinder reads the booleans of queries and bodies (oslo_utils bool_from_string): what is none is false. */
export const truth = (value: unknown): boolean => /^(1|t|true|on|y|yes)$/i.test(String(value ?? '').trim())
