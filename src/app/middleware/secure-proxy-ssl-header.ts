/** Takes the scheme from one header of a proxy in front: `[wsgi] secure_proxy_ssl_header` (nova/api/wsgi.py Request), deprecated by `http_proxy_to_wsgi`. */
import { group, text } from '../../oslo/config/options.ts'
import { type Filter, headerJoined } from '../contract.ts'
import { withParts } from '../request.ts'

export const secureProxyOptions = group('wsgi', {
  header: text('secure_proxy_ssl_header', null, {
    deprecated: ['DEFAULT/secure_proxy_ssl_header'],
    help: 'The header that holds the scheme of the original request, in the form HTTP_X_FORWARDED_PROTO.',
  }),
})

/** Does nothing without a header. Only `http` and `https` count. */
export const secureProxySslHeader =
  ({ header = null }: { header?: string | null } = {}): Filter =>
  (app) => {
    if (!header) return app
    const name = header
      .replace(/^HTTP_/, '')
      .toLowerCase()
      .replaceAll('_', '-')
    return function secureProxySslHeader(request) {
      const scheme = headerJoined(request, name)
      return app(scheme === 'http' || scheme === 'https' ? withParts(request, { scheme }) : request)
    }
  }
