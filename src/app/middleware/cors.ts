/** Cross-origin requests of browsers: who may ask, and what they may see (oslo_middleware/cors.py). */
import { boolean, group, integer, list } from '../../oslo/config/options.ts'
import { type Filter, headerJoined, type Request, type Response, responseHeader, setResponseHeader } from '../contract.ts'

/** With the defaults that Nova sets (nova/middleware.py set_defaults). */
export const corsOptions = group('cors', {
  allowedOrigins: list('allowed_origin', [], { help: 'Origins that may ask, as scheme://host:port; * for any.' }),
  allowCredentials: boolean('allow_credentials', true, { help: 'Requests may carry credentials.' }),
  exposeHeaders: list(
    'expose_headers',
    [
      'X-Auth-Token',
      'X-Openstack-Request-Id',
      'X-Subject-Token',
      'X-Service-Token',
      'X-OpenStack-Nova-API-Version',
      'OpenStack-API-Version',
    ],
    { help: 'Response headers that scripts may read.' },
  ),
  maxAge: integer('max_age', 3600, { help: 'Seconds for which a preflight answer may be kept.' }),
  allowMethods: list('allow_methods', ['GET', 'PUT', 'POST', 'DELETE', 'PATCH'], { help: 'Methods that may be used.' }),
  allowHeaders: list(
    'allow_headers',
    [
      'X-Auth-Token',
      'X-Openstack-Request-Id',
      'X-Identity-Status',
      'X-Roles',
      'X-Service-Catalog',
      'X-User-Id',
      'X-Tenant-Id',
      'X-OpenStack-Nova-API-Version',
      'OpenStack-API-Version',
    ],
    { help: 'Request headers that may be sent.' },
  ),
})

export interface CorsSettings {
  readonly allowedOrigins?: readonly string[]
  readonly allowCredentials?: boolean
  readonly exposeHeaders?: readonly string[]
  /** Seconds; 0 sends no header. */
  readonly maxAge?: number
  readonly allowMethods?: readonly string[]
  readonly allowHeaders?: readonly string[]
}

/** Headers that any script may send. */
const simpleHeaders = [
  'Accept',
  'Accept-Language',
  'Content-Type',
  'Cache-Control',
  'Content-Language',
  'Expires',
  'Last-Modified',
  'Pragma',
]

/** Answers preflight requests and adds `Access-Control-…` for origins that are allowed. */
export const cors = ({
  allowedOrigins = [],
  allowCredentials = true,
  exposeHeaders = [],
  maxAge = 3600,
  allowMethods = [],
  allowHeaders = [],
}: CorsSettings = {}): Filter => {
  const origins = new Set(allowedOrigins)
  const methods = new Set(allowMethods)
  const headers = new Set([...allowHeaders, ...simpleHeaders].map((name) => name.toUpperCase()))
  const exposed = exposeHeaders.join(',')

  /** What to allow an origin: itself, `*`, or nothing. */
  const allowed = (origin: string | undefined): string | undefined => {
    if (origin === undefined || origins.has(origin)) return origin
    return origins.has('*') ? '*' : undefined
  }

  function preflight(request: Request, response: Response): Response {
    if (responseHeader(response, 'access-control-allow-origin') !== undefined) return response
    // An application that knows no OPTIONS is made to: its 404 becomes an empty 200, even without an origin.
    const answer: Response = response.status >= 200 && response.status < 300 ? response : { status: 200, headers: [], body: '' }
    const origin = allowed(headerJoined(request, 'origin'))
    const method = headerJoined(request, 'access-control-request-method')
    if (origin === undefined || method === undefined || !methods.has(method)) return answer
    const wanted = (headerJoined(request, 'access-control-request-headers') ?? '')
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean)
    if (!wanted.every((name) => headers.has(name.toUpperCase()))) return answer
    setResponseHeader(answer, 'Vary', 'Origin')
    answer.headers.push(['Access-Control-Allow-Origin', origin])
    if (allowCredentials) answer.headers.push(['Access-Control-Allow-Credentials', 'true'])
    if (maxAge !== 0) answer.headers.push(['Access-Control-Max-Age', String(maxAge)])
    answer.headers.push(['Access-Control-Allow-Methods', method])
    if (wanted.length > 0) answer.headers.push(['Access-Control-Allow-Headers', wanted.join(',')])
    return answer
  }

  function decorate(origin: string, response: Response): Response {
    if (responseHeader(response, 'access-control-allow-origin') !== undefined) return response
    // Of several Vary headers the last one alone is kept, as upstream does.
    const vary = response.headers.findLast(([name]) => name.toLowerCase() === 'vary')?.[1]
    setResponseHeader(response, 'Vary', vary === undefined ? 'Origin' : `${vary},Origin`)
    response.headers.push(['Access-Control-Allow-Origin', origin])
    if (allowCredentials) response.headers.push(['Access-Control-Allow-Credentials', 'true'])
    if (exposed !== '') response.headers.push(['Access-Control-Expose-Headers', exposed])
    return response
  }

  return (app) =>
    function cors(request) {
      if (request.method === 'OPTIONS') return app(request).then((response) => preflight(request, response))
      const origin = request.headers.origin === undefined ? undefined : allowed(headerJoined(request, 'origin'))
      return origin === undefined ? app(request) : app(request).then((response) => decorate(origin, response))
    }
}
