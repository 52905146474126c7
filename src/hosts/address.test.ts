import { describe, expect, test } from 'vitest'
import { endpointText, parseEndpoint } from './address.ts'

describe('addresses', () => {
  const good: [string, string][] = [
    ['http://127.0.0.1:8774', 'http://127.0.0.1:8774'],
    ['http://:8774', 'http://0.0.0.0:8774'],
    ['http:8774', 'http://0.0.0.0:8774'],
    ['https://[::]:8774', 'https://[::]:8774'],
    ['http://localhost:0', 'http://127.0.0.1:0'],
    ['uwsgi://10.0.0.1:3031', 'uwsgi://10.0.0.1:3031'],
    ['uwsgi:/run/nova/api.sock', 'uwsgi:/run/nova/api.sock'],
    ['uwsgi:///run/nova/api.sock', 'uwsgi:/run/nova/api.sock'],
    ['http:unix:/run/x', 'http:/run/x'],
    ['http:@name', 'http:@name'],
    ['http:systemd:1', 'http:systemd:1'],
  ]
  for (const [text, expected] of good) test(text, () => expect(endpointText(parseEndpoint(text))).toBe(expected))

  const bad: [string, string][] = [
    ['127.0.0.1:8774', 'is no address to listen on'],
    ['ftp://127.0.0.1:1', 'is no address to listen on'],
    ['http://127.0.0.1', 'is no address to listen on'],
    ['http://127.0.0.1:65536', 'is no address to listen on'],
    ['http://nova.example:8774', 'nova.example is no IP address'],
    [`http:/${'x'.repeat(107)}`, 'longer than the 107 bytes'],
  ]
  for (const [text, message] of bad) test(`${text.slice(0, 40)} is refused`, () => expect(() => parseEndpoint(text)).toThrow(message))
})
