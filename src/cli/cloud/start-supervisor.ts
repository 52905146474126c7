/** Starts a supervisor in the background and hears from it until the cloud is ready. */
import { spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import type { Report } from '../processes/report.ts'
import { type Assignment, openLog } from '../processes/supervisor.ts'

export type Ending =
  | Extract<Report, { kind: 'up' | 'failed' | 'refused' }>
  | { readonly kind: 'late' }
  | { readonly kind: 'gone'; readonly how: string }

/** Resolves when the cloud is ready, or when the supervisor has ended, or when it takes too long; in that last case it goes on. */
export function startSupervisor(assignment: Assignment, logFile: string, waitMs: number, note: (report: Report) => void): Promise<Ending> {
  const log = openLog(logFile)
  const [program, ...first] = assignment.self
  const child = spawn(program, [...first, 'cloud', 'supervisor'], {
    cwd: assignment.place.state,
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  })
  closeSync(log)
  return new Promise((resolve) => {
    let last: Ending | undefined
    const settle = (ending: Ending) => {
      clearTimeout(late)
      if (child.connected) child.disconnect()
      child.unref()
      resolve(ending)
    }
    const late = setTimeout(() => settle({ kind: 'late' }), waitMs)
    child.on('message', (report: Report) => {
      note(report)
      if (report.kind === 'up') settle(report)
      else if (report.kind === 'failed' || report.kind === 'refused') last = report
    })
    child.on('error', (error) => settle({ kind: 'gone', how: error.message }))
    child.on('exit', (code, signal) => settle(last ?? { kind: 'gone', how: signal ?? `exit ${code}` }))
    // when it has ended already, `exit` tells
    child.send(assignment, () => undefined)
  })
}
