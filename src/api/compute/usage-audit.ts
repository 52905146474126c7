/** Hosts' accounts of what servers used: /os-instance_usage_audit_log. */
import { Fault } from '../../compute/faults.ts'
import { type Audit, lastAudit } from '../../compute/usage-audit.ts'
import { op, plain, resource } from '../spec/operation.ts'
import * as p from '../spec/parameters.ts'
import { parsedTime } from './times.ts'

const nobody = () => ({})

export const usageAudit = resource({
  'GET /os-instance_usage_audit_log': op({
    query: p.noParameters,
    rule: 'os_compute_api:os-instance-usage-audit-log:list',
    target: nobody,
    reply: plain(),
    run: async ({ backends }) => ({ instance_usage_audit_logs: shown(await lastAudit(backends)) }),
  }),
  'GET /os-instance_usage_audit_log/:id': op({
    query: p.noParameters,
    rule: 'os_compute_api:os-instance-usage-audit-log:show',
    target: nobody,
    errors: [400],
    reply: plain(),
    run: async ({ backends, params }) => {
      const before = parsedTime(params.id!, { between: ' ', fraction: 'maybe' })
      if (before === undefined) throw new Fault('badRequest', `Invalid timestamp for date ${params.id}`)
      return { instance_usage_audit_log: shown(await lastAudit(backends, before)) }
    },
  }),
})

function shown({ begin, end, log, hosts }: Audit) {
  const inState = (state: string) => new Set(log.filter((entry) => entry.state === state).map(({ host }) => host))
  const done = inState('DONE').size
  const missing = [...hosts].filter((host) => !log.some((entry) => entry.host === host))
  const errors = log.reduce((total, entry) => total + entry.errors, 0)
  return {
    period_beginning: moment(begin),
    period_ending: moment(end),
    num_hosts: hosts.size,
    num_hosts_done: done,
    num_hosts_running: inState('RUNNING').size,
    num_hosts_not_run: missing.length,
    hosts_not_run: missing,
    total_instances: log.reduce((total, { servers }) => total + servers, 0),
    total_errors: errors,
    overall_status: `${done === hosts.size ? 'ALL' : `${done} of ${hosts.size}`} hosts done. ${errors} errors.`,
    log: Object.fromEntries(log.map(({ host, state, servers, errors, message }) => [host, { state, instances: servers, errors, message }])),
  }
}

const moment = (milliseconds: number): string => new Date(milliseconds).toISOString().slice(0, 19).replace('T', ' ')
