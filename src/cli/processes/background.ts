/** `nova-ts cloud supervisor`: the supervisor as a process of its own, which takes its assignment from the process that started it. */
import { StateBusy } from '../../cloud/state.ts'
import { type Command, UsageError } from '../usage.ts'
import { logLine, type Report, sentence } from './report.ts'
import { type Assignment, superviseCloud } from './supervisor.ts'

export const background: Command = async (_, { out }) => {
  if (!process.send) throw new UsageError('cloud supervisor is what cloud up starts')
  process.title = 'nova-ts: supervisor'
  const assignment = await new Promise<Assignment>((resolve) => process.once('message', (message) => resolve(message as Assignment)))
  const log = (text: string) => out(logLine(text))
  try {
    const supervisor = await superviseCloud({
      ...assignment,
      logs: 'files',
      note(note) {
        log(sentence(note))
        void tell(note)
      },
    })
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void supervisor.stop())
    log(`supervising ${assignment.place.state}`)
    await supervisor.stopped
    log('everything has been stopped')
    process.exit(0)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    log(reason)
    await tell({ kind: 'refused', reason, busy: error instanceof StateBusy })
    process.exit(1)
  }
}

/** Resolves when it has been sent; nobody listens any more when the cloud is ready. */
const tell = (report: Report): Promise<void> =>
  new Promise((resolve) => {
    if (process.connected) process.send!(report, undefined, {}, () => resolve())
    else resolve()
  })
