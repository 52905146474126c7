/** Values that are asked for often and may be a little old. Whoever asks while one is being made waits for that one. */

export interface Kept<T> {
  /** What is kept under the key, else what `make` gives, which is kept then unless it is undefined. */
  get(key: string, make: () => Promise<T | undefined>): Promise<T | undefined>
  /** The next one who asks gets a new one. */
  forget(key: string): void
}

export interface KeptOptions {
  /** How long one is kept; 0 keeps none. */
  readonly seconds: number
  /** How many at most; those made first go first. */
  readonly most: number
  readonly now: () => number
}

export function kept<T>({ seconds, most, now }: KeptOptions): Kept<T> {
  // In the order of making, which is that of expiry too
  const held = new Map<string, { value: T; until: number }>()
  const making = new Map<string, Promise<T | undefined>>()

  function keep(key: string, value: T): void {
    const at = now()
    held.delete(key)
    held.set(key, { value, until: at + seconds * 1000 })
    for (const [oldest, { until }] of held) {
      if (until > at && held.size <= most) break
      held.delete(oldest)
    }
  }

  return {
    async get(key, make) {
      const found = held.get(key)
      if (found && found.until > now()) return found.value
      const underWay = making.get(key)
      if (underWay) return underWay
      const begun: Promise<T | undefined> = Promise.resolve()
        .then(make)
        .then((value) => {
          if (value !== undefined && seconds > 0 && making.get(key) === begun) keep(key, value)
          return value
        })
        .finally(() => {
          if (making.get(key) === begun) making.delete(key)
        })
      making.set(key, begun)
      return begun
    },
    forget(key) {
      held.delete(key)
      // One that is being made may be of before
      making.delete(key)
    },
  }
}
