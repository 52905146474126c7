/**
 * Parses stored JSON text and remembers what came out by the text itself: flavors repeat between servers, network info between polls.
 * What is remembered is shared, so nobody may change it.
 */
import { wholeJson } from '../oslo/database/driver.ts'

interface Known {
  readonly text: string
  readonly value: unknown
}

/** Characters in each of the two generations: what comes out of them takes some four times as much memory. */
const most = 2_000_000
let young = new Map<string, unknown>()
let old = new Map<string, unknown>()
let kept = 0

/** The last text of each length: comparing it costs a fraction of hashing another one, and servers beside each other mostly have the same. */
const recent = new Map<number, Known>()

/** The parsed text; null for null. */
export function parsed<T>(text: string | null | undefined): T | null {
  if (text === null || text === undefined) return null
  const last = recent.get(text.length)
  if (last?.text === text) return last.value as T
  const value = remembered(text)
  if (recent.size >= 256) recent.clear()
  recent.set(text.length, { text, value })
  return value as T
}

/** From what `Fragments.jsonAt` gave for this path. */
export function parsedAt<T>(text: string | null, path: readonly string[]): T | null {
  if (!text?.startsWith(wholeJson)) return parsed(text)
  let value: unknown = JSON.parse(text.slice(wholeJson.length))
  for (const key of path) value = (value as Readonly<Record<string, unknown>> | null | undefined)?.[key]
  return (value ?? null) as T | null
}

function remembered(text: string): unknown {
  const found = young.get(text)
  if (found !== undefined) return found
  const value: unknown = old.get(text) ?? JSON.parse(text)
  // What is asked for again survives, what is not goes with its generation
  if (kept + text.length > most) {
    old = young
    young = new Map()
    kept = 0
    // Else it would hold what both have forgotten
    recent.clear()
  }
  kept += text.length
  young.set(text, value)
  return value
}
