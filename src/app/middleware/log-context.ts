/** What the log says of a request: its caller once known, before that its id. */
import type { LogContext } from '../../oslo/log.ts'
import type { Request } from '../contract.ts'

/** For the `context` of a log line; undefined for a request without an id. */
export function logContext({ environ }: Pick<Request, 'environ'>): LogContext | undefined {
  if (environ.context) return environ.context
  return environ.requestId === undefined ? undefined : { requestId: environ.requestId, globalRequestId: environ.globalRequestId ?? null }
}
