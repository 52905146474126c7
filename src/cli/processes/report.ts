/** What the supervisor tells who waits for it, and how that reads in its log. */
import type { Note } from '../../cloud/supervisor.ts'

/** `refused`: nothing was started; `busy`: since another supervisor has the cloud. */
export type Report = Note | { readonly kind: 'refused'; readonly reason: string; readonly busy?: boolean }

export function sentence(report: Report): string {
  switch (report.kind) {
    case 'ready':
      return `${report.name} is ready after ${report.ms} ms`
    case 'up':
      return 'the cloud is ready'
    case 'failed':
      return `${report.name} could not start: ${report.reason}`
    case 'ended':
      return `${report.name} has ended (${report.how}) and is started again in ${report.againInMs} ms`
    case 'refused':
      return report.reason
    default:
      return report satisfies never
  }
}

/** A line of a log, with the time in UTC. */
export const logLine = (text: string, now = new Date()): string =>
  `${now.toISOString().replace('T', ' ').slice(0, -1)} supervisor: ${text}\n`
