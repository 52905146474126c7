import { describe, expect, test } from 'vitest'
import { type Application, applicationUrl, text } from '../contract.ts'
import { ask } from '../testing.ts'
import { httpProxyToWsgi } from './http-proxy-to-wsgi.ts'
import { secureProxySslHeader } from './secure-proxy-ssl-header.ts'

const app: Application = async (request) => text(200, `${applicationUrl(request)} ${request.remoteAddress}`)
const plain = 'http://nova.example:8774/v2.1 127.0.0.1'

describe('the headers of a proxy', () => {
  const rows: [Record<string, string | string[]>, string][] = [
    [{}, plain],
    [
      { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'pub.example', 'x-forwarded-for': '10.0.0.1, 10.0.0.2' },
      'https://pub.example/v2.1 10.0.0.1, 10.0.0.2',
    ],
    [{ 'x-forwarded-prefix': '/compute' }, 'http://nova.example:8774/compute/v2.1 127.0.0.1'],
    [{ forwarded: 'For=10.0.0.1; proto=https;host=pub.example, for=10.0.0.9' }, 'https://pub.example/v2.1 10.0.0.1'],
    [{ forwarded: ['for=10.0.0.1', 'for=10.0.0.2'] }, 'http://nova.example:8774/v2.1 10.0.0.1'],
    // Forwarded beats X-Forwarded-*, but for the prefix
    [{ forwarded: 'by=x', 'x-forwarded-proto': 'https', 'x-forwarded-prefix': '/c' }, 'http://nova.example:8774/c/v2.1 127.0.0.1'],
    [{ 'x-forwarded-proto': 'gopher' }, plain],
  ]
  for (const [headers, expected] of rows) {
    const request = () => ask('GET /x', { headers, scriptName: '/v2.1' })
    test(`on: ${JSON.stringify(headers)}`, async () =>
      expect((await httpProxyToWsgi({ enabled: true })(app)(request())).body).toBe(expected))
    test(`off: ${JSON.stringify(headers)}`, async () => expect((await httpProxyToWsgi()(app)(request())).body).toBe(plain))
  }
  test('switched off it is not even there', () => expect(httpProxyToWsgi()(app)).toBe(app))
})

describe('secure_proxy_ssl_header', () => {
  const rows: [string | null, string | undefined, string][] = [
    ['HTTP_X_FORWARDED_PROTO', 'https', 'https://nova.example:8774/v2.1 127.0.0.1'],
    ['HTTP_X_FORWARDED_PROTO', 'x', plain],
    ['HTTP_X_FORWARDED_PROTO', undefined, plain],
    [null, 'https', plain],
  ]
  for (const [header, value, expected] of rows)
    test(`${header} ${value}`, async () => {
      const headers: Record<string, string> = value === undefined ? {} : { 'x-forwarded-proto': value }
      expect((await secureProxySslHeader({ header })(app)(ask('GET /x', { headers, scriptName: '/v2.1' }))).body).toBe(expected)
    })
})
