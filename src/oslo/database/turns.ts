/** One at a time, first come, first served: who may use the connection that writes. */
import { DatabaseBusy } from './errors.ts'

export interface Turns {
  /** Resolves when it is the caller's turn; DatabaseBusy after `seconds`. */
  take(seconds: number): Promise<void>
  /** Hands the turn on. */
  give(): void
}

export function turns(): Turns {
  const waiting = new Set<() => void>()
  let taken = false
  return {
    take(seconds) {
      if (!taken) {
        taken = true
        return Promise.resolve()
      }
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(next)
          reject(new DatabaseBusy(`no turn to write within ${seconds} s (a write inside a write never gets one)`))
        }, seconds * 1000)
        const next = () => {
          clearTimeout(timer)
          resolve()
        }
        waiting.add(next)
      })
    },
    give() {
      const [next] = waiting
      if (!next) taken = false
      else {
        waiting.delete(next)
        next()
      }
    },
  }
}
