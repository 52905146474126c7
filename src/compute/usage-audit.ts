/** Accounts that compute hosts make of what their servers used, period by period: which hosts are done. */
import { toDateTime } from '../oslo/database/datetime.ts'
import type { Backends } from './backends.ts'

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
  /** Compute hosts, disabled ones too. */
  readonly hosts: ReadonlySet<string>
}

/**
 * The last period that was over before a moment, by default before now, as the services' own database tells it: where that is cell0's, no host is known.
 * nova/compute/api.py HostAPI.task_log_get_all; instance_usage_audit_log.py asks for services without `all_cells`
 */
export async function lastAudit(backends: Backends, before = backends.clock.now()): Promise<Audit> {
  const { begin, end } = completedPeriod(backends.settings.compute.instanceUsageAuditPeriod, before)
  const { ran, services } = await backends.main()
  const [rows, known] = await Promise.all([ran.audits(toDateTime(begin), toDateTime(end)), services.list()])
  const log = rows.map(({ host, state, taskItems, errors, message }) => ({
    host,
    state,
    servers: taskItems ?? 0,
    errors: errors ?? 0,
    message,
  }))
  return { begin, end, log, hosts: new Set(known.filter(({ topic }) => topic === 'compute').map(({ host }) => host!)) }
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
