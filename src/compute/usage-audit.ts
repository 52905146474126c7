/** Accounts that compute hosts make of what their servers used, period by period: which hosts are done. */
import { toDateTime } from '../oslo/database/datetime.ts'
import { answered } from '../stores/cells.ts'
import type { Backends } from './backends.ts'
import { listServices } from './services/list.ts'

export interface AuditedHost {
  readonly host: string
  readonly state: string
  readonly servers: number
  readonly errors: number
  readonly message: string
}

export interface Audit {
  /** Both in milliseconds since 1970. */
  readonly begin: number
  readonly end: number
  readonly log: readonly AuditedHost[]
  /** All compute hosts, disabled ones too. */
  readonly hosts: ReadonlySet<string>
}

/** The last period that was over before a moment, by default before now. */
export async function lastAudit(backends: Backends, before = backends.clock.now()): Promise<Audit> {
  const { begin, end } = completedPeriod(backends.settings.compute.instanceUsageAuditPeriod, before)
  const [answers, services] = await Promise.all([
    backends.stores.cells.gather((cell) => cell.ran.audits(toDateTime(begin), toDateTime(end))),
    listServices(backends),
  ])
  const log = answers
    .filter(answered)
    .flatMap(({ value }) => value)
    .map(({ host, state, taskItems, errors, message }) => ({ host, state, servers: taskItems ?? 0, errors: errors ?? 0, message }))
  return { begin, end, log, hosts: new Set(services.filter(({ topic }) => topic === 'compute').map(({ host }) => host!)) }
}

const hour = 3_600_000
const day = 24 * hour

/** `month` begins on the 1st, `month@15` on the 15th, `day@18` at 18:00, `hour@5` five minutes past. nova/utils.py last_completed_audit_period */
export function completedPeriod(period: string, before: number): { begin: number; end: number } {
  const [unit, offsetText] = period.split('@')
  const offset = Number(offsetText ?? 0)
  const now = new Date(before)
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()]
  switch (unit) {
    case 'month': {
      const starts = (months: number) => Date.UTC(year, month + months, offset || 1)
      const last = starts(0) >= before ? -1 : 0
      return { begin: starts(last - 1), end: starts(last) }
    }
    case 'year': {
      const starts = (years: number) => Date.UTC(year + years, (offset || 1) - 1, 1)
      const last = starts(0) >= before ? -1 : 0
      return { begin: starts(last - 1), end: starts(last) }
    }
    default: {
      const length = unit === 'day' ? day : hour
      const today = Math.floor(before / length) * length + offset * (unit === 'day' ? hour : 60_000)
      const end = today >= before ? today - length : today
      return { begin: end - length, end }
    }
  }
}
