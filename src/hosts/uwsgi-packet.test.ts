import { describe, expect, test } from 'vitest'
import { MalformedPacket, readPacket, writePacket } from './uwsgi-packet.ts'
import { uwsgiRequest } from './uwsgi-request.ts'

describe('a packet', () => {
  test('is read as it was written, with what follows it', () => {
    const variables = { REQUEST_METHOD: 'GET', PATH_INFO: '/Ã©', EMPTY: '' }
    const bytes = Buffer.concat([writePacket(variables), Buffer.from('body')])
    const { packet, rest } = readPacket(bytes)!
    expect([{ ...packet.variables }, packet.modifier, packet.size, rest.toString()]).toEqual([variables, 0, bytes.length - 8, 'body'])
  })

  test('that is not whole yet is waited for', () => {
    const bytes = writePacket({ A: 'b' })
    for (let length = 0; length < bytes.length; length++) expect(readPacket(bytes.subarray(0, length))).toBe(undefined)
  })

  const wrong: [string, Buffer, string][] = [
    ['of another kind', Buffer.from([5, 0, 0, 0]), 'the first byte is 5'],
    ['that is HTTP', Buffer.from('GET / HTTP/1.1'), 'the first byte is 71'],
    ['with half a length', Buffer.from([0, 1, 0, 0, 9]), 'a length is cut off'],
    ['with a name beyond its end', Buffer.from([0, 3, 0, 0, 9, 0, 65]), 'longer than the packet'],
    ['with a name and no value', Buffer.from([0, 3, 0, 0, 1, 0, 65]), 'a length is cut off'],
  ]
  for (const [name, bytes, message] of wrong)
    test(`${name} is refused`, () => {
      expect(() => readPacket(bytes)).toThrow(MalformedPacket)
      expect(() => readPacket(bytes)).toThrow(message)
    })

  test('holds 65535 bytes and no more', () => {
    expect(writePacket({ A: 'x'.repeat(65_530) }).length).toBe(65_539)
    expect(() => writePacket({ A: 'x'.repeat(65_531) })).toThrow('65535 bytes')
  })

  test('with a header twice has both', () => {
    const bytes = Buffer.concat([writePacket({ HTTP_A: 'x' }).subarray(4), writePacket({ HTTP_A: 'y' }).subarray(4)])
    const head = Buffer.from([0, bytes.length, 0, 0])
    expect(readPacket(Buffer.concat([head, bytes]))!.packet.variables.HTTP_A).toBe('x,y')
  })
})

describe('where a request goes', () => {
  const body = { whole: async () => new Uint8Array(), chunks: () => [] as never }
  const rows: [string, Record<string, string>, string, string, string][] = [
    ['as it came', { REQUEST_URI: '/a%2Fb?x=1', PATH_INFO: '/a/b', QUERY_STRING: 'x=1' }, '', '/a%2Fb', 'x=1'],
    ['below a mount', { REQUEST_URI: '/compute/v2.1', SCRIPT_NAME: '/compute', PATH_INFO: '/v2.1' }, '/compute', '/v2.1', ''],
    ['below a mount that nginx was told', { REQUEST_URI: '/c/v2', SCRIPT_NAME: '/c', PATH_INFO: '/c/v2' }, '/c', '/v2', ''],
    ['the same, with dots that it resolved', { REQUEST_URI: '/c/a/../v2', SCRIPT_NAME: '/c', PATH_INFO: '/c/v2' }, '/c', '/v2', ''],
    ['below a mount, its name again', { REQUEST_URI: '/c/c/v2', SCRIPT_NAME: '/c', PATH_INFO: '/c/v2' }, '/c', '/c/v2', ''],
    ['the mount itself', { REQUEST_URI: '/compute', SCRIPT_NAME: '/compute', PATH_INFO: '' }, '/compute', '', ''],
    ['rewritten by the server in front', { REQUEST_URI: '/nova/v2.1?x', PATH_INFO: '/v2.1', QUERY_STRING: '' }, '', '/v2.1', ''],
    ['without REQUEST_URI', { PATH_INFO: '/Ã© b?', QUERY_STRING: 'q' }, '', '/%C3%A9%20b%3F', 'q'],
    ['without anything', {}, '', '/', ''],
    ['an absolute target', { REQUEST_URI: 'http://x/a?b', PATH_INFO: '/a' }, '', '/a', 'b'],
    ['bytes that are no UTF-8', { REQUEST_URI: '/%FF', PATH_INFO: '/\xff' }, '', '/%FF', ''],
  ]
  for (const [name, variables, ...expected] of rows)
    test(name, () => {
      const { scriptName, path, query } = uwsgiRequest({ variables, body, signal: () => new AbortController().signal, limit: 1 })
      expect([scriptName, path, query]).toEqual(expected)
    })

  const schemes: [Record<string, string>, string][] = [
    [{}, 'http'],
    [{ HTTPS: 'on' }, 'https'],
    [{ HTTPS: 'off' }, 'http'],
    [{ REQUEST_SCHEME: 'https' }, 'https'],
    [{ REQUEST_SCHEME: 'http', UWSGI_SCHEME: 'https' }, 'https'],
    // a client may say it; only the server in front is believed
    [{ HTTP_HTTPS: 'on', HTTP_X_FORWARDED_PROTO: 'https' }, 'http'],
  ]
  for (const [variables, scheme] of schemes)
    test(`${JSON.stringify(variables)} is ${scheme}`, () => {
      expect(uwsgiRequest({ variables, body, signal: () => new AbortController().signal, limit: 1 }).scheme).toBe(scheme)
    })

  test('headers', () => {
    const variables = { HTTP_X_AUTH_TOKEN: 't', CONTENT_TYPE: 'application/json', CONTENT_LENGTH: '', SERVER_NAME: 'n' }
    const { headers, rawHeaders } = uwsgiRequest({ variables, body, signal: () => new AbortController().signal, limit: 1 })
    expect(headers).toEqual({ 'x-auth-token': 't', 'content-type': 'application/json' })
    expect(rawHeaders).toEqual(['X-Auth-Token', 't', 'Content-Type', 'application/json'])
  })
})
