/** Turns an error that nobody foresaw into a fault, and tells it to the log alone (nova/api/openstack/__init__.py FaultWrapper). */
import type { Log } from '../../oslo/log.ts'
import { applicationUrl, BodyTooLarge, type Filter, type Request, type Response, text } from '../contract.ts'
import { logContext } from './log-context.ts'
import { bodyTooLarge } from './size-limit.ts'

/** Nothing of the error reaches the client: it could hold what is not theirs to know. */
const body =
  '{"computeFault": {"code": 500, "message": "The server has either erred or is incapable of performing the requested operation."}}'

export const faultWrap =
  ({ log }: { log: Pick<Log, 'error' | 'info' | 'debug'> }): Filter =>
  (app) =>
    async function faultWrap(request) {
      try {
        return await app(request)
      } catch (error) {
        if (error instanceof BodyTooLarge) return bodyTooLarge(request, error.message)
        const context = logContext(request)
        if (request.signal?.aborted) log.debug('The client went away before it was answered', { context, error })
        else {
          log.error(`Caught error: ${error instanceof Error ? error.message : error}`, { context, error })
          log.info(`${urlOf(request)} returned with HTTP 500`, { context })
        }
        return fault(request)
      }
    }

function fault({ environ }: Request): Response {
  const { microversion } = environ
  const headers: [string, string][] = [['Content-Type', 'application/json; charset=UTF-8']]
  if (microversion !== undefined)
    headers.unshift(
      ['OpenStack-API-Version', `compute ${microversion}`],
      ['X-OpenStack-Nova-API-Version', microversion],
      ['Vary', 'OpenStack-API-Version'],
      ['Vary', 'X-OpenStack-Nova-API-Version'],
    )
  return text(500, body, headers)
}

const urlOf = (request: Request): string => `${applicationUrl(request)}${request.path}${request.query === '' ? '' : `?${request.query}`}`
