/** What the operations of the cloud stand on. Made once in `wsgi/`, passed to each call. */
import type { Log } from '../oslo/log.ts'
import type { Peers } from '../peers/peers.ts'
import type { CellStore } from '../stores/cells.ts'
import type { Stores } from '../stores/stores.ts'
import type { Notifications } from './notifications/notifications.ts'
import type { Rpc } from './rpc.ts'
import type { ComputeSettings } from './settings.ts'

export interface Backends {
  readonly stores: Stores
  /** The services' own database, that of [database] connection: cell0's as a rule, or that of the only cell. */
  readonly main: () => Promise<CellStore>
  readonly peers: Peers
  readonly rpc: Rpc
  readonly notifications: Notifications
  readonly settings: ComputeSettings
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Log
}

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
}

export interface Ids {
  /** A random UUID. */
  uuid(): string
}
