/** Values that are asked for often and may be a little old. Whoever asks while one is being made waits for that one. */
import type { Shared, Timed } from './shared.ts'

export interface Kept<T> {
  /** What is kept under the key, else what `make` gives, which is kept then unless it is undefined. */
  get(key: string, make: () => Promise<T | undefined>): Promise<T | undefined>
  /** The next one who asks gets a new one. */
  forget(key: string): void
}

export interface KeptOptions<T> {
  /** How long one is kept; 0 keeps none. */
  readonly seconds: number
  /** How many at most; those made first go first. */
  readonly most: number
  readonly now: () => number
  /** Looked into before one is made. */
  readonly shared?: Shared<T>
}

export function kept<T>({ seconds, most, now, shared }: KeptOptions<T>): Kept<T> {
  // In the order of coming, which without others is that of expiry too
  const held = new Map<string, Timed<T>>()
  const making = new Map<string, Promise<T | undefined>>()

  function keep(key: string, timed: Timed<T>): void {
    const at = now()
    held.delete(key)
    held.set(key, timed)
    for (const [oldest, { until }] of held) {
      if (until > at && held.size <= most) break
      held.delete(oldest)
    }
  }

  async function find(key: string, make: () => Promise<T | undefined>): Promise<{ found: Timed<T>; isNew: boolean } | undefined> {
    const latest = now() + seconds * 1000
    const found = seconds > 0 ? await shared?.get(key) : undefined
    // A clock that is ahead does not make it last longer
    if (found) return { found: { value: found.value, until: Math.min(found.until, latest) }, isNew: false }
    const value = await make()
    return value === undefined ? undefined : { found: { value, until: now() + seconds * 1000 }, isNew: true }
  }

  return {
    async get(key, make) {
      const found = held.get(key)
      if (found && found.until > now()) return found.value
      const underWay = making.get(key)
      if (underWay) return underWay
      const begun: Promise<T | undefined> = Promise.resolve()
        .then(() => find(key, make))
        .then((outcome) => {
          if (outcome && seconds > 0 && making.get(key) === begun) {
            keep(key, outcome.found)
            if (outcome.isNew) shared?.set(key, outcome.found)
          }
          return outcome?.found.value
        })
        .finally(() => {
          if (making.get(key) === begun) making.delete(key)
        })
      making.set(key, begun)
      return begun
    },
    forget(key) {
      held.delete(key)
      shared?.remove(key)
      // One that is being made may be of before
      making.delete(key)
    },
  }
}
