/** Who has a state directory: a lock that the kernel holds for as long as a process lives, and no longer. */
import Database from 'better-sqlite3'
import { type Layout, StateBusy } from './state.ts'

/** Returns what gives it back. Throws `StateBusy` when another process has it. */
export function takeLock({ lock }: Pick<Layout, 'lock'>): () => void {
  const database = new Database(lock, { timeout: 0 })
  try {
    database.pragma('locking_mode = EXCLUSIVE')
    database.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    database.close()
    throw new StateBusy(`another process works with ${lock}: a cloud runs there already, or is being started`, { cause })
  }
  return () => database.close()
}

/** Whether a process has it at this moment. */
export function isLocked(layout: Pick<Layout, 'lock'>): boolean {
  try {
    takeLock(layout)()
    return false
  } catch (error) {
    if (error instanceof StateBusy) return true
    throw error
  }
}
