/** Trying again while another transaction is in the way, or a connection that broke is being replaced. */
import { setTimeout as pause } from 'node:timers/promises'
import { ConnectionLost, DatabaseBusy } from './errors.ts'

const longestPauseMs = 50

/** Runs `attempt` until it ends otherwise than with DatabaseBusy or ConnectionLost, or `seconds` or `retries` are over: then that error is thrown. */
export async function retrying<T>(attempt: () => T | Promise<T>, seconds: number, retries = Number.POSITIVE_INFINITY): Promise<T> {
  const end = performance.now() + seconds * 1000
  for (let ms = 1, left = retries; ; ms = Math.min(ms * 2, longestPauseMs), left--) {
    try {
      return await attempt()
    } catch (error) {
      const passing = error instanceof DatabaseBusy || error instanceof ConnectionLost
      if (!passing || left <= 0 || performance.now() + ms > end) throw error
      await pause(ms)
    }
  }
}
