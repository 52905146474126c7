/** The errors of the placement service: WebOb's sentences with Placement's own below, in the form that the API working group asks for. */
import { STATUS_CODES } from 'node:http'
import { header, type Request } from '../../app/contract.ts'
import { reply, ServiceError } from '../service.ts'

/** placement/errors.py */
export type Code =
  | 'placement.undefined_code'
  | 'placement.inventory.inuse'
  | 'placement.concurrent_update'
  | 'placement.duplicate_name'
  | 'placement.resource_provider.inuse'
  | 'placement.resource_provider.cannot_delete_parent'
  | 'placement.resource_provider.not_found'
  | 'placement.query.duplicate_key'
  | 'placement.query.bad_value'
  | 'placement.query.missing_value'

/** `code` is told from 1.23. */
export const fault = (status: number, detail: string, code: Code = 'placement.undefined_code'): ServiceError =>
  new ServiceError(status, detail, code)
export const badRequest = (detail: string, code?: Code): ServiceError => fault(400, detail, code)
export const notFound = (detail: string): ServiceError => fault(404, detail)
export const conflict = (detail: string, code?: Code): ServiceError => fault(409, detail, code)

/** A version that is not served; tells which are. */
export class UnservedVersion extends ServiceError {
  readonly served: { readonly max_version: string; readonly min_version: string }
  constructor(asked: string, newest: string, oldest: string) {
    super(406, `Invalid microversion: Unacceptable version header: ${asked}`)
    this.served = { max_version: newest, min_version: oldest }
  }
}

const sentences: Readonly<Record<number, string>> = {
  400: 'The server could not comply with the request since it is either malformed or otherwise incorrect.',
  403: 'Access was denied to this resource.',
  404: 'The resource could not be found.',
  409: 'There was a conflict when trying to complete your request.',
  500: 'The server has either erred or is incapable of performing the requested operation.',
}

/** The body of an error answer; `challenge` is the value of WWW-Authenticate. */
export function faultBody(error: ServiceError, request: Request, challenge: string): unknown {
  const { status, headers } = error
  if (status === 401) {
    const body = { error: { code: 401, title: 'Unauthorized', message: 'The request you have made requires authentication.' } }
    return reply(401, body, [['WWW-Authenticate', challenge]])
  }
  const { microversion, requestId } = request.environ
  const told = {
    status,
    title: STATUS_CODES[status] ?? '',
    detail: detailOf(error, request),
    ...(microversion && minorNumber(microversion) >= 23 && { code: error.type || 'placement.undefined_code' }),
    request_id: requestId,
    ...(error instanceof UnservedVersion && error.served),
  }
  return reply(status, { errors: [told] }, headers)
}

function detailOf({ status, message, type }: ServiceError, request: Request): string {
  const detail = message.replaceAll('\n', ' ')
  if (status === 405)
    return `The method ${request.method} is not allowed for this resource. \n\n The method specified is not allowed for this resource.`
  if (status === 406)
    return `The resource could not be generated that was acceptable to your browser (content of type application/json. \n\n ${detail}`
  if (status === 415)
    return `The request media type ${header(request, 'content-type') ?? 'None'} is not supported by this server. \n\n ${detail}`
  // What the shell of the service says itself stands for WebOb's sentence.
  const own = type === '' && status !== 500 ? '' : detail
  return `${sentences[status] ?? ''}\n\n ${own}  `
}

const minorNumber = (version: string): number => Number(version.split('.')[1])
