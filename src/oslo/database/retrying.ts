/** Trying again while another transaction is in the way. */
import { setTimeout as pause } from 'node:timers/promises'
import { DatabaseBusy } from './errors.ts'

const longestPauseMs = 50

/** Runs `attempt` until it ends otherwise than with DatabaseBusy, or `seconds` are over: then that error is thrown. */
export async function retrying<T>(attempt: () => T | Promise<T>, seconds: number): Promise<T> {
  const end = performance.now() + seconds * 1000
  for (let ms = 1; ; ms = Math.min(ms * 2, longestPauseMs)) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof DatabaseBusy) || performance.now() + ms > end) throw error
      await pause(ms)
    }
  }
}
