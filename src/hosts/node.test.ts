/** What goes over the wire from node:http, byte by byte. */
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Response } from '../app/contract.ts'
import { toNodeListener } from './node.ts'

const named = (body: Response['body'], name = 'é'): Response => ({ status: 200, headers: [['X-Name', name]], body })
const long = 'é'.repeat(20_000)

const answers: Readonly<Record<string, Response>> = {
  '/ascii': named('plain'),
  '/wide': named('größe 😀'),
  '/lone': named('a\ud800b'),
  '/long': named(long),
  '/bytes': named(new Uint8Array([0xe9, 0x00])),
  '/none': named(null),
  '/unsendable': named('plain', '日'),
}

let server: Server
beforeAll(async () => {
  server = createServer(toNodeListener(async ({ path }) => answers[path]!))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
})
afterAll(() => server.close())

/** The whole of what one connection answers to both methods, with a character for each byte. */
function wire(path: string): Promise<string> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const pieces: Buffer[] = []
  socket.on('data', (piece) => pieces.push(piece))
  const hosted = 'HTTP/1.1\r\nHost: x\r\n'
  socket.write(`HEAD ${path} ${hosted}\r\nGET ${path} ${hosted}Connection: close\r\n\r\n`)
  return new Promise((done, fail) => {
    socket.on('end', () => done(Buffer.concat(pieces).toString('latin1')))
    socket.on('error', fail)
  })
}

const utf8 = (text: string): string => Buffer.from(text).toString('latin1')

const rows: [path: string, body: string][] = [
  ['/ascii', 'plain'],
  ['/wide', utf8('größe 😀')],
  ['/lone', utf8('a\ufffdb')],
  ['/long', utf8(long)],
  ['/bytes', '\xe9\x00'],
  ['/none', ''],
]
for (const [path, body] of rows)
  test(`${path}: each character of a header is a byte, whatever the body is`, async () => {
    const [head, get] = (await wire(path)).split('HTTP/1.1 200 OK\r\n').slice(1)
    for (const answer of [head!, get!]) {
      expect(answer).toContain('X-Name: \xe9\r\n')
      expect(answer).toContain(`Content-Length: ${body.length}\r\n`)
    }
    expect([head!.split('\r\n\r\n')[1], get!.split('\r\n\r\n')[1]]).toEqual(['', body])
  })

test('a header that cannot be sent is an error of ours, which is called so', async () => {
  const [, head, get] = (await wire('/unsendable')).split('HTTP/1.1 ')
  expect([head, get]).toEqual([
    expect.stringMatching(/^500 Internal Server Error\r\n/),
    expect.stringContaining('\r\nInternal Server Error\n'),
  ])
})
