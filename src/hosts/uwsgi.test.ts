import net, { type AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { type Application, BodyTooLarge, text } from '../app/contract.ts'
import { type UwsgiLimits, uwsgiServer } from './uwsgi.ts'
import { writePacket } from './uwsgi-packet.ts'

const closing: net.Server[] = []
afterEach(() => {
  for (const server of closing.splice(0)) server.close()
})

/** Sends bytes to a server of the application, and resolves with all that came back when the connection ended. */
async function exchange(app: Application, parts: (string | Uint8Array)[], limits: UwsgiLimits = {}, end = false): Promise<string> {
  const server = uwsgiServer(app, limits).listen(0, '127.0.0.1')
  closing.push(server)
  await new Promise((resolve) => server.once('listening', resolve))
  const socket = net.connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  let got = ''
  socket.on('data', (bytes: Buffer) => (got += bytes))
  const over = new Promise((resolve) => socket.on('end', resolve).on('error', resolve))
  for (const part of parts) {
    socket.write(part)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  if (end) socket.end()
  await over
  socket.destroy()
  return got
}

const get = writePacket({ REQUEST_METHOD: 'GET', PATH_INFO: '/' })
const post = (more: Record<string, string>) => writePacket({ REQUEST_METHOD: 'POST', PATH_INFO: '/', ...more })
const said: Application = async (request) => text(200, Buffer.from(await request.body()).toString(), [['A', 'b']])
const hello = 'HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 5\r\n\r\nhello'

describe('the uwsgi protocol', () => {
  test('a packet in pieces, a body behind it, and what is too much of it', async () => {
    const head = post({ CONTENT_LENGTH: '5' })
    expect(await exchange(said, [head.subarray(0, 3), head.subarray(3, 20), head.subarray(20), 'he', 'llo and more'])).toBe(hello)
  })

  test('a body that ends with its half of the connection', async () => {
    expect(await exchange(said, [post({ HTTP_TRANSFER_ENCODING: 'chunked' }), 'hel', 'lo'], {}, true)).toBe(hello)
  })

  test('a ping', async () => {
    expect(await exchange(said, [Buffer.from([100, 0, 0, 0])])).toBe(Buffer.from([100, 0, 0, 1]).toString())
  })

  const nobody = 'HTTP/1.1 204 No Content\r\n\r\n'
  const answers: [string, Application, Uint8Array, string][] = [
    ['without a body', async () => ({ status: 204, headers: [], body: null }), get, nobody],
    ['to HEAD', said, writePacket({ REQUEST_METHOD: 'HEAD' }), 'HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 0\r\n\r\n'],
    ['in pieces', async () => ({ status: 200, headers: [], body: pieces('a', '', 'bc') }), get, 'HTTP/1.1 200 OK\r\n\r\nabc'],
    [
      'in pieces, to who takes chunks',
      async () => ({ status: 200, headers: [], body: pieces('a', '', 'bc') }),
      writePacket({ REQUEST_METHOD: 'GET', NOVA_TS_CHUNKED: '1' }),
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n',
    ],
    [
      'that fails',
      () => Promise.reject(new Error('secret')),
      get,
      expect.stringMatching(/^HTTP\/1\.1 500 .*Internal Server Error\n$/s) as never,
    ],
    ['with a header that could begin another', async () => text(200, '', [['A', 'b\r\nC: d']]), get, ''],
  ]
  for (const [name, app, packet, expected] of answers)
    test(`an answer ${name}`, async () => expect(await exchange(app, [packet])).toEqual(expected))

  const refused: [string, Uint8Array | string, UwsgiLimits, RegExp][] = [
    ['a head that is too large', writePacket({ A: 'x'.repeat(100) }), { headBytes: 100 }, /^HTTP\/1\.1 431 /],
    ['a length that is no number', post({ CONTENT_LENGTH: '-1' }), {}, /^HTTP\/1\.1 400 /],
    ['what is another protocol', 'GET / HTTP/1.1\r\n\r\n', {}, /^$/],
    ['a head that does not come', Buffer.from([0, 9, 0, 0]), { receiveMs: 50 }, /^$/],
    ['a body that does not come', post({ CONTENT_LENGTH: '5' }), { receiveMs: 50 }, /^$/],
  ]
  for (const [name, packet, limits, expected] of refused)
    test(name, async () => expect(await exchange(said, [packet], limits)).toMatch(expected))

  test('a body above the limit', async () => {
    const app: Application = async (request) => {
      request.environ.maxBodyBytes = 4
      return request.body().then(
        () => text(200, ''),
        (error: unknown) => text(error instanceof BodyTooLarge ? 413 : 500, 'x'),
      )
    }
    expect(await exchange(app, [post({ CONTENT_LENGTH: '5' }), 'hello'])).toMatch(/^HTTP\/1\.1 413 /)
  })
})

async function* pieces(...words: string[]): AsyncGenerator<Uint8Array> {
  for (const word of words) yield Buffer.from(word)
}
