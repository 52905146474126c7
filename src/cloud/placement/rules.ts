/** Who may do what: Placement's default policies (placement/policies). Administrators and services may, projects may read what they use. */
import type { Caller } from '../service.ts'
import { fault } from './faults.ts'

const isService = (caller: Caller): boolean => caller.roles.includes('service')

/** All but these are for administrators and services. */
const others: Readonly<Record<string, (caller: Caller, projectId: string | null) => boolean>> = {
  // The one operation that is for services alone.
  'placement:reshaper:reshape': isService,
  'placement:usages': (caller, projectId) =>
    caller.isAdmin || isService(caller) || (caller.roles.includes('reader') && caller.projectId !== null && caller.projectId === projectId),
}

/** 403 that names the rule. */
export function enforce(rule: string, caller: Caller, projectId: string | null = null): void {
  const allowed = others[rule]?.(caller, projectId) ?? (caller.isAdmin || isService(caller))
  if (!allowed) throw fault(403, `Policy does not allow ${rule} to be performed.`)
}
