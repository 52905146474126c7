/** What `nova-ts shadow` is told: where it listens, which two it compares, and how much of both it may take. */
import type { Address, Endpoint } from '../hosts/address.ts'

export interface ShadowSettings {
  readonly listen: Endpoint
  /** The nova-api whose answers clients get. */
  readonly real: URL
  /** The one whose answers are compared with them. */
  readonly ours: URL
  /** Text of certificates that both are trusted by, in PEM; the system's without it. */
  readonly authorities?: string
  /** How long the real one may be silent before the client is told 504. */
  readonly realSeconds: number
  /** How long an answer of ours may take. */
  readonly oursSeconds: number
  /** Of a hundred reads so many are mirrored. */
  readonly samplePercent: number
  /** Reads mirrored at once. */
  readonly concurrency: number
  /** Reads that wait to be mirrored; what comes while all places are taken is dropped. */
  readonly queue: number
  /** Larger answers are not compared. */
  readonly largestBytes: number
  /** Most memory for all answers that are kept for a comparison. */
  readonly heldBytes: number
  /** Differences of one kind (route, statuses, pointers) that are written; further ones are counted only. */
  readonly repeat: number
  /** How long requests and comparisons under way may go on at the end. */
  readonly drainSeconds: number
  /** Standard output without it. */
  readonly report: string | null
  readonly metrics: Address | null
}

export const defaults = {
  realSeconds: 600,
  oursSeconds: 30,
  samplePercent: 100,
  concurrency: 4,
  queue: 200,
  largestBytes: 16 * 1024 * 1024,
  heldBytes: 128 * 1024 * 1024,
  repeat: 10,
  drainSeconds: 10,
  report: null,
  metrics: null,
} as const satisfies Partial<ShadowSettings>
