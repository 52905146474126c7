import { describe, expect, test } from 'vitest'
import { openTransport } from './transport.ts'
import { parseTransportUrl, redactTransportUrl } from './transport-url.ts'

const host = (hostname: string, port: number | null, username: string | null = null, password: string | null = null) => ({
  hostname,
  port,
  username,
  password,
})

describe('parsing', () => {
  const rows: [url: string, scheme: string, hosts: unknown[], virtualHost: string | null, query: object][] = [
    ['rabbit://', 'rabbit', [], null, {}],
    ['rabbit://h1', 'rabbit', [host('h1', null)], null, {}],
    ['rabbit://user:pw@h1:5672/', 'rabbit', [host('h1', 5672, 'user', 'pw')], '', {}],
    ['rabbit://user:pw@h1:5672,u2:p2@h2:5673/vhost', 'rabbit', [host('h1', 5672, 'user', 'pw'), host('h2', 5673, 'u2', 'p2')], 'vhost', {}],
    ['rabbit://user:pw@h1:5672,h2:5673/%2F', 'rabbit', [host('h1', 5672, 'user', 'pw'), host('h2', 5673)], '/', {}],
    ['rabbit://me@example.org:p%40s%2Fs:x@h1/v', 'rabbit', [host('h1', null, 'me@example.org', 'p@s/s:x')], 'v', {}],
    ['rabbit://user@h1', 'rabbit', [host('h1', null, 'user')], null, {}],
    ['rabbit://[::1]:5672,[fe80::2]/', 'rabbit', [host('::1', 5672), host('fe80::2', null)], '', {}],
    ['rabbit://100%@h/', 'rabbit', [host('h', null, '100%')], '', {}],
    ['rabbit://h/v?ssl=1&a=1&a=2&b=', 'rabbit', [host('h', null)], 'v', { ssl: '1', a: '1,2' }],
    ['RABBIT://h:1', 'rabbit', [host('h', 1)], null, {}],
    ['rabbit://h:65535', 'rabbit', [host('h', 65535)], null, {}],
    ['local:///run/nova/messages.sock', 'local', [], 'run/nova/messages.sock', {}],
    ['memory:', 'memory', [], null, {}],
  ]
  for (const [url, scheme, hosts, virtualHost, query] of rows)
    test(url, () => expect(parseTransportUrl(url)).toEqual({ scheme, hosts, virtualHost, query }))
})

describe('what cannot be used is refused, and no password is told', () => {
  const rows: [url: string, message: RegExp][] = [
    ['', /no scheme/],
    ['h1:5672/v', /there is no driver for h1/],
    ['u:secret@h1:5672/v', /there is no driver for u/],
    ['://h', /no scheme/],
    ['rabbit://u:secret@h:0', /h:0 has no valid port/],
    ['rabbit://u:secret@h:65536', /h:65536 has no valid port/],
    ['rabbit://u:secret@h:amqp', /h:amqp has no valid port/],
    ['rabbit://u:secret@h1:5672/v?rabbit_quorum_queue=maybe', /rabbit_quorum_queue: .*maybe/],
    ['zmq://u:secret@h', /there is no driver for zmq; there are rabbit, local and memory/],
    ['local://', /wants the path of a socket/],
    ['local://host/path', /wants the path of a socket/],
  ]
  for (const [url, message] of rows)
    test(url, () => {
      expect(() => openTransport(url)).toThrow(message)
      expect(() => openTransport(url)).not.toThrow(/secret/)
    })
})

describe('passwords are replaced', () => {
  const rows: [url: string, shown: string][] = [
    ['rabbit://u:p@h:1,h2/v?x=1', 'rabbit://u:***@h:1,h2/v?x=1'],
    ['rabbit://u:p:q@r@h', 'rabbit://u:***@h'],
    ['rabbit://u@h', 'rabbit://u@h'],
    ['memory:', 'memory:'],
    ['u:p:q@h:1/v', 'u:***@h:1/v'],
  ]
  for (const [url, shown] of rows) test(url, () => expect(redactTransportUrl(url)).toBe(shown))
})
