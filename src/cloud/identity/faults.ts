/** The errors of the identity service in Keystone's words (keystone/exception.py) and form. */
import { STATUS_CODES } from 'node:http'
import type { Request } from '../../app/contract.ts'
import { clientUrl, type Reply, reply, ServiceError } from '../service.ts'

const assumed =
  'The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.'

/** 404 with the name Keystone gives the kind of thing; the words after it are the same for all. */
export const missing = (what: string, id: string): ServiceError => new ServiceError(404, `Could not find ${what}: ${id}.`)
export const invalid = (message: string): ServiceError => new ServiceError(400, message)
/** 400: `attribute` is not where it should be. */
export const expecting = (attribute: string, target: string): ServiceError =>
  invalid(`Expecting to find ${attribute} in ${target}. ${assumed}`)
export const forbidden = (message = 'You are not authorized to perform the requested action.'): ServiceError =>
  new ServiceError(403, message)
export const forbiddenAction = (action: string): ServiceError =>
  forbidden(`You are not authorized to perform the requested action: ${action}.`)
export const conflict = (type: string, details: string): ServiceError =>
  new ServiceError(409, `Conflict occurred attempting to store ${type} - ${details}.`)
/** 401, whatever the reason: which half of a login was wrong is not told. */
export const unauthorized = (): ServiceError => new ServiceError(401, 'The request you have made requires authentication.')
export const notBuilt = (what: string): ServiceError =>
  new ServiceError(501, `The action you have requested has not been implemented: this identity service has no ${what}.`)
export const malformedTime = (): ServiceError => invalid(`Timestamp not in expected format. ${assumed}`)
export const expiredTime = (): ServiceError => invalid(`The 'expires_at' must not be before now. ${assumed}`)

/** 401 of a way to log in, which also says what could be tried (`identity` in the answer). */
export class AuthMethodError extends ServiceError {
  readonly identity: Readonly<Record<string, unknown>>
  constructor(message: string, identity: Readonly<Record<string, unknown>>) {
    super(401, message)
    this.identity = identity
  }
}

/** A path that Keystone does not have: Flask's own page, without the form of the API. */
export const noSuchPage = (): ServiceError => new ServiceError(404, '', 'page')

const page = `<!doctype html>
<html lang=en>
<title>404 Not Found</title>
<h1>Not Found</h1>
<p>The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.</p>
`

/** The answer to an error. */
export function fault(error: ServiceError, request: Request): Reply | string {
  if (error.type === 'page') return page
  // flask_restful answers this one itself, in a form of its own.
  if (error.status === 405) return reply(405, { message: error.message }, error.headers)
  const extra = error instanceof AuthMethodError ? { identity: error.identity } : {}
  const body = { error: { code: error.status, message: error.message, title: STATUS_CODES[error.status], ...extra } }
  const challenge: [string, string][] = error.status === 401 ? [['WWW-Authenticate', `Keystone uri="${clientUrl(request)}/v3"`]] : []
  return reply(error.status, body, [...error.headers, ...challenge])
}
