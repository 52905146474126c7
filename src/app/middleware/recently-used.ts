/** A map that forgets what was used longest ago. */

export interface RecentlyUsed<V> {
  get(key: string): V | undefined
  set(key: string, value: V): void
}

/** Holds `most` entries. */
export function recentlyUsed<V>(most: number): RecentlyUsed<V> {
  const held = new Map<string, V>()
  return {
    get(key) {
      const value = held.get(key)
      if (value === undefined) return undefined
      held.delete(key)
      held.set(key, value)
      return value
    },
    set(key, value) {
      held.delete(key)
      held.set(key, value)
      if (held.size > most) held.delete(held.keys().next().value!)
    },
  }
}
