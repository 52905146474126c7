/** What the two ends of the socket say to each other. The broker speaks first, with `hello`. */
import type { Address } from '../driver.ts'

export const protocolVersion = 1

/** From a client. */
export type Request =
  | {
      readonly op: 'publish'
      readonly seq: number
      readonly to: Address
      readonly id: string
      readonly durable: boolean
      readonly expiresMs?: number
    }
  | { readonly op: 'consume'; readonly tag: number; readonly from: Address; readonly prefetch: number }
  | { readonly op: 'cancel'; readonly tag: number }
  | { readonly op: 'acknowledge'; readonly tag: number; readonly deliveries: readonly number[] }

/** From the broker. */
export type Notice =
  | { readonly op: 'hello'; readonly protocol: number }
  | { readonly op: 'confirm'; readonly seqs: readonly number[] }
  | { readonly op: 'refuse'; readonly seq: number; readonly reason: string }
  /** Of `consume` and `cancel`. */
  | { readonly op: 'done'; readonly tag: number; readonly what: 'consume' | 'cancel' }
  | { readonly op: 'deliver'; readonly tag: number; readonly delivery: number; readonly redelivered: boolean }
