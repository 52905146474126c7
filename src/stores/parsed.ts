/**
 * Parses stored JSON text and remembers what came out by the text itself: flavors repeat between servers, network info between polls.
 * What is remembered is shared, so nobody may change it.
 */

/** Characters that are kept: what comes out of them takes some four times as much memory. */
const most = 4_000_000
const known = new Map<string, unknown>()
let kept = 0

/** The parsed text; null for null. */
export function parsed<T>(text: string | null | undefined): T | null {
  if (text === null || text === undefined) return null
  const found = known.get(text)
  if (found !== undefined) return found as T
  const value: unknown = JSON.parse(text)
  // Dropping all at once is cheaper than keeping order, and happens once in so many texts
  if (kept + text.length > most) {
    known.clear()
    kept = 0
  }
  kept += text.length
  known.set(text, value)
  return value as T
}
