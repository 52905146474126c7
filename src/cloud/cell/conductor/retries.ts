/** What travels with a server from host to host while one after the other fails to take it. */
import type { RequestSpec } from '../../../stores/objects/request-spec.ts'
import { nova } from '../errors.ts'

/** What of the older form of a request spec is still needed. nova/objects/request_spec.py RequestSpec.to_legacy_filter_properties_dict */
export interface FilterProperties {
  limits: Record<string, never>
  scheduler_hints?: Record<string, readonly string[]>
  force_hosts?: readonly string[]
  force_nodes?: readonly string[]
  ignore_hosts?: readonly string[]
  retry?: {
    num_attempts: number
    hosts: [host: string, node: string][]
    /** Why the last attempt failed. */
    exc_reason?: string
  }
}

export const filterProperties = ({ scheduler_hints: hints, force_hosts, force_nodes, ignore_hosts }: RequestSpec): FilterProperties => ({
  limits: {},
  ...(hints && { scheduler_hints: hints }),
  ...(force_hosts && { force_hosts }),
  ...(force_nodes && { force_nodes }),
  ...(ignore_hosts && { ignore_hosts }),
})

/**
 * One more attempt. A server that was sent to one certain host has a single one. Throws a MaxRetriesExceeded.
 * nova/scheduler/utils.py populate_retry
 */
export function countAttempt(filters: FilterProperties, uuid: string, most: number): void {
  if (most === 1 || filters.force_hosts?.length === 1 || filters.force_nodes?.length === 1) return
  const retry = (filters.retry ??= { num_attempts: 0, hosts: [] })
  retry.num_attempts += 1
  const { exc_reason: reason } = retry
  delete retry.exc_reason
  if (retry.num_attempts > most)
    throw nova('MaxRetriesExceeded', {
      reason: `Exceeded max scheduling attempts ${most} for instance ${uuid}. Last exception: ${reason}`,
    })
}
