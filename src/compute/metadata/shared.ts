/**
 * What this process keeps, in a memcached that other workers and hosts look into too. The keys are our own: Nova pickles its objects under the
 * SHA-1 of `metadata-` and the server's id, which nothing but Nova can read.
 */
import { createHash } from 'node:crypto'
import type { Memcached } from '../../oslo/memcached/client.ts'
import type { Clock } from '../backends.ts'

export interface Timed<T> {
  readonly value: T
  /** When it is too old, in milliseconds since 1970. */
  readonly until: number
}

/** No call rejects: what cannot be had is not there. */
export interface Shared<T> {
  get(key: string): Promise<Timed<T> | undefined>
  set(key: string, timed: Timed<T>): void
  remove(key: string): void
}

/** Raised when the form of what is kept changes, so that hosts of two releases do not read each other's. */
const form = 1

/** memcached takes more for a date. */
const mostSeconds = 30 * 24 * 3600

/** Values that JSON can hold. `read` makes the value anew from what was kept. */
export function sharedIn<T>(memcached: Memcached, kind: string, clock: Clock, read: (kept: never) => T): Shared<T> {
  // Ids are what somebody sent: hashed, they fit into memcached's lines
  const keyOf = (key: string) => `nova-ts-${form}-${kind}-${createHash('sha256').update(key).digest('hex')}`
  return {
    async get(key) {
      const kept = await memcached.get(keyOf(key))
      try {
        const [until, value] = kept ? (JSON.parse(kept.toString()) as [number, never]) : [0]
        return value !== undefined && until > clock.now() ? { value: read(value), until } : undefined
      } catch {
        return undefined
      }
    },
    set(key, { value, until }) {
      const seconds = Math.min(Math.ceil((until - clock.now()) / 1000), mostSeconds)
      if (seconds > 0) void memcached.set(keyOf(key), Buffer.from(JSON.stringify([until, value])), seconds)
    },
    remove: (key) => void memcached.remove(keyOf(key)),
  }
}
