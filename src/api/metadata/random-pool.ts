/** Random bytes for many small askers: asking the system for a lot at once costs a tenth of asking for each. */
import { randomFillSync } from 'node:crypto'
import type { RandomBytes } from './openstack.ts'

const poolBytes = 64 * 1024

/** Bytes are handed out once; what is handed out may be kept. Counts up to the size of the pool. */
export function randomPool(): RandomBytes {
  let pool = Buffer.alloc(0)
  let used = 0
  return (count) => {
    if (used + count > pool.length) {
      pool = randomFillSync(Buffer.allocUnsafeSlow(poolBytes))
      used = 0
    }
    used += count
    return pool.subarray(used - count, used)
  }
}
