/** Makes the hosts known to Placement, once that answers. */
import type { CellParts } from './parts.ts'
import { report } from './providers.ts'

export interface Introduction {
  /** Resolves when all hosts are known. */
  readonly over: Promise<void>
  /** Tries no longer. */
  stop(): Promise<void>
}

const firstWaitMs = 40
const lastWaitMs = 5000
/** Who does not answer for so long is not just starting. */
const quietTries = 20

export function introduce(cells: readonly CellParts[]): Introduction {
  let stopped = false

  async function run(): Promise<void> {
    for (let tries = 1; !stopped; tries++)
      try {
        for (const parts of cells) {
          await report(parts)
          for (const name of parts.hosts.keys()) parts.usage.touch(name)
        }
        return
      } catch (error) {
        const [{ wait, log }] = cells as [CellParts]
        if (tries === quietTries) log.warning('Placement has not heard of the hosts yet', { error })
        await wait(tries < quietTries ? firstWaitMs : lastWaitMs)
      }
  }

  const over = run()
  return {
    over,
    async stop() {
      stopped = true
      await over
    },
  }
}
