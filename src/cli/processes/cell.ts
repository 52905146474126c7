/** The cell: Nova's databases, the message broker, and in later releases of this file the conductor, the scheduler and the simulated hosts. */
import { randomUUID } from 'node:crypto'
import { prepareDatabases } from '../../cloud/databases.ts'
import { layout } from '../../cloud/state.ts'
import { listenLocal } from '../../oslo/messaging/local/listen.ts'
import { programLogs } from './log.ts'
import type { Program } from './program.ts'

export const program: Program = async (place) => {
  const files = layout(place.state)
  await prepareDatabases(files, { clock: { now: () => Date.now() }, ids: { uuid: () => randomUUID() } })
  const logs = await programLogs(place)
  const log = logs.named('cloud.cell')
  const broker = await listenLocal({ socketPath: files.messages, report: (error) => log.warning(`The message broker: ${error}`) })
  return {
    async close() {
      await broker.close()
      logs.flush()
    },
  }
}
