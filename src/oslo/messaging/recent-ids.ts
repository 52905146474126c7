/** Remembers the last ids that passed, so that what comes twice is noticed. */

export interface RecentIds {
  /** False when the id was there already. */
  add(id: string): boolean
  forget(id: string): void
}

/** oslo.messaging remembers 16; a publisher that reconnects may send far more than that again. */
export function recentIds(most = 16_384): RecentIds {
  const ids = new Set<string>()
  return {
    add(id) {
      if (ids.has(id)) return false
      ids.add(id)
      if (ids.size > most) ids.delete(ids.values().next().value!)
      return true
    },
    forget: (id) => void ids.delete(id),
  }
}
