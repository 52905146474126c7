/** Takes scheme, host, client address and prefix from the headers of a proxy in front (oslo_middleware/http_proxy_to_wsgi.py). */
import { boolean, group } from '../../oslo/config/options.ts'
import { type Filter, headerJoined, type Request } from '../contract.ts'
import { type RequestParts, withParts } from '../request.ts'

export const proxyOptions = group('oslo_middleware', {
  enabled: boolean('enable_proxy_headers_parsing', false, {
    help: 'A proxy in front is trusted to say who asks, and under which address.',
  }),
})

/** Reads `Forwarded`, else `X-Forwarded-Proto`, `-Host` and `-For`; and `X-Forwarded-Prefix`. Does nothing unless enabled: clients could lie. */
export const httpProxyToWsgi =
  ({ enabled = false }: { enabled?: boolean } = {}): Filter =>
  (app) => {
    if (!enabled) return app
    return function httpProxyToWsgi(request) {
      const forwarded = headerJoined(request, 'forwarded')
      const parts = said(request, forwarded ? firstProxy(forwarded) : xForwarded(request))
      // For the request log, which may stand further out.
      if (parts.remoteAddress !== undefined) request.environ.remoteAddress = parts.remoteAddress
      if (parts.scriptName !== undefined) request.environ.scriptName = parts.scriptName
      return app(withParts(request, parts))
    }
  }

interface Said {
  readonly proto?: string | undefined
  readonly host?: string | undefined
  readonly for?: string | undefined
}

/** RFC 7239, the first proxy alone; quotes are kept, as upstream does. */
function firstProxy(header: string): Said {
  const pairs = header
    .split(',')[0]!
    .split(';')
    .map((pair) => {
      const at = pair.indexOf('=')
      return at < 0 ? [pair.trim().toLowerCase(), ''] : [pair.slice(0, at).trim().toLowerCase(), pair.slice(at + 1).trim()]
    })
  return Object.fromEntries(pairs)
}

const xForwarded = (request: Request): Said => ({
  proto: headerJoined(request, 'x-forwarded-proto'),
  host: headerJoined(request, 'x-forwarded-host'),
  for: headerJoined(request, 'x-forwarded-for'),
})

type Changed = { -readonly [K in keyof RequestParts]: RequestParts[K] }

function said(request: Request, { proto, host, for: client }: Said): RequestParts {
  const parts: Changed = {}
  if (proto === 'http' || proto === 'https') parts.scheme = proto
  if (host) parts.headers = { ...request.headers, host }
  if (client) parts.remoteAddress = client
  const prefix = headerJoined(request, 'x-forwarded-prefix')
  if (prefix) parts.scriptName = prefix + request.scriptName
  return parts
}
