/** The errors of the volume service in Cinder's form: `{"itemNotFound": {"code": 404, "message": "..."}}` (cinder/api/openstack/wsgi.py Fault). */
import { reply, ServiceError } from '../service.ts'

const names: Readonly<Record<number, string>> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  409: 'conflictingRequest',
  413: 'overLimit',
  415: 'badMediaType',
  501: 'notImplemented',
  503: 'serviceUnavailable',
}

export const fault = (status: number, message: string): ServiceError => new ServiceError(status, message)
export const badRequest = (message: string): ServiceError => fault(400, message)
export const conflict = (message: string): ServiceError => fault(409, message)
export const notFound = (message: string): ServiceError => fault(404, message)
export const notBuilt = (what: string): ServiceError => fault(501, `This volume service has no ${what}.`)

// cinder/exception.py
export const invalidInput = (reason: string): ServiceError => badRequest(`Invalid input received: ${reason}`)
export const invalidVolume = (reason: string): ServiceError => badRequest(`Invalid volume: ${reason}`)
export const invalidSnapshot = (reason: string): ServiceError => badRequest(`Invalid snapshot: ${reason}`)
export const noVolume = (id: string): ServiceError => notFound(`Volume ${id} could not be found.`)
export const noSnapshot = (id: string): ServiceError => notFound(`Snapshot ${id} could not be found.`)
export const noType = (id: string): ServiceError => notFound(`Volume type ${id} could not be found.`)
export const noTypeNamed = (name: string): ServiceError => notFound(`Volume type with name ${name} could not be found.`)
export const noTransfer = (id: string): ServiceError => notFound(`Transfer ${id} could not be found.`)

/** Above a quota: 413, which Cinder answers with the name of its exception. */
export const overLimit = (exception: string, message: string): ServiceError =>
  new ServiceError(413, `${exception}: ${message}`, '', [['Retry-After', '0']])

/** What WebOb says when nobody says more. */
const sentences: Readonly<Record<number, string>> = {
  500: 'The server has either erred or is incapable of performing the requested operation.',
}

/** The body of an error answer; `challenge` is the value of WWW-Authenticate. */
export function faultBody({ status, message, headers }: ServiceError, challenge: string): unknown {
  if (status === 401) {
    const body = { error: { code: 401, title: 'Unauthorized', message: 'The request you have made requires authentication.' } }
    return reply(401, body, [['WWW-Authenticate', challenge]])
  }
  // Cinder knows no 405: a method that nobody takes is not found.
  const code = status === 405 ? 404 : status
  const said = status === 405 ? 'The resource could not be found.' : (sentences[status] ?? message)
  const told = { code, message: said, ...(code === 413 && { retryAfter: '0' }) }
  return reply(code, { [names[code] ?? 'computeFault']: told }, status === 405 ? [] : headers)
}
