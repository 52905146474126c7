/** One line for each request, in the form that log pipelines parse (nova/api/openstack/requestlog.py RequestLog). */
import type { Log } from '../../oslo/log.ts'
import { type Filter, type Request, type Response, responseHeader } from '../contract.ts'
import { decodePath } from '../router.ts'
import { logContext } from './log-context.ts'

/** `now` is a clock in milliseconds that never goes back. */
export const requestLog =
  ({ log, now = () => performance.now() }: { log: Pick<Log, 'info'>; now?: () => number }): Filter =>
  (app) =>
    async function requestLog(request) {
      const start = now()
      let response: Response | undefined
      try {
        response = await app(request)
        return response
      } finally {
        log.info(line(request, response, (now() - start) / 1000), { context: logContext(request) })
      }
    }

function line(request: Request, response: Response | undefined, seconds: number): string {
  const { environ } = request
  // A proxy filter further in may have found out who asks, and under which prefix.
  const address = environ.remoteAddress ?? request.remoteAddress
  const prefix = environ.scriptName ?? request.scriptName
  const uri = `${visible(prefix + request.path)}${request.query === '' ? '' : `?${request.query}`}`
  const status = response ? response.status : 500
  return `${address || '-'} "${request.method} ${uri}" status: ${status} len: ${lengthOf(response)} microversion: ${environ.microversion ?? '-'} time: ${seconds.toFixed(6)}`
}

/** Decoded as in WSGI, but for what could forge another line. */
function visible(path: string): string {
  if (!path.includes('%')) return path
  return decodePath(path).replaceAll(/[\x00-\x1f\x7f]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}

/** The length of the body; 0 after an error that passed by, None when nobody knows. */
function lengthOf(response: Response | undefined): string | number {
  if (!response) return 0
  const declared = responseHeader(response, 'content-length')
  if (declared !== undefined) return declared
  const { body, status } = response
  if (body === null) return status === 204 || status === 304 ? 'None' : 0
  if (typeof body === 'string') return Buffer.byteLength(body)
  return body instanceof Uint8Array ? body.length : 'None'
}
