/** HTTP by hand: what is sent is what a case says, byte for byte, and what comes back is told as it came. */
import net from 'node:net'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'

/** Where a host answers. */
export interface Place {
  readonly host?: string
  readonly port?: number
  readonly socketPath?: string
  readonly secure?: boolean
}

export interface Answer {
  readonly status: number
  readonly protocol: string
  /** In the order and case in which they came. */
  readonly headers: [string, string][]
  readonly body: string
  readonly bytes: number
}

/** All values of a header. */
export const headerValues = ({ headers }: Answer, name: string): string[] =>
  headers.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value)

export interface Connection {
  readonly socket: Duplex
  send(text: string | Uint8Array): void
  /** The next answer. Rejects when the connection ends before it is whole. `to` is the method that it answers. */
  answer(to?: string): Promise<Answer>
  /** Resolves when something of an answer has come, or the connection has ended. */
  begins(): Promise<void>
  /** Resolves when the other side ends the connection; false when it still stands after that time. */
  ends(ms: number): Promise<boolean>
  /** Breaks it. */
  abort(): void
}

/** Longest that anything may take. */
const patienceMs = 10_000

export function connect({ host = '127.0.0.1', port, socketPath, secure }: Place): Promise<Connection> {
  const socket = secure
    ? tls.connect({ host, port: port!, rejectUnauthorized: false })
    : net.connect(socketPath ? { path: socketPath } : { host, port: port! })
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once(secure ? 'secureConnect' : 'connect', () => resolve(connection(socket)))
  })
}

function connection(socket: net.Socket): Connection {
  let pending = Buffer.alloc(0)
  let over = false
  let wake = () => {}
  socket.setTimeout(patienceMs, () => socket.destroy(new Error('nothing came for ten seconds')))
  socket.on('data', (bytes: Buffer) => {
    pending = Buffer.concat([pending, bytes])
    wake()
  })
  const end = () => {
    over = true
    wake()
  }
  socket.on('end', end).on('close', end).on('error', end)
  const more = (): Promise<void> => (over ? Promise.resolve() : new Promise((resolve) => (wake = resolve)))

  /** Takes bytes as soon as `size` says how many there are to take. */
  async function take(size: (bytes: Buffer) => number | undefined): Promise<Buffer> {
    for (;;) {
      const count = size(pending)
      if (count !== undefined && pending.length >= count) {
        const taken = pending.subarray(0, count)
        pending = pending.subarray(count)
        return taken
      }
      if (over) throw new Error(`the connection ended after ${JSON.stringify(pending.toString('latin1').slice(0, 200))}`)
      await more()
    }
  }
  const line = async () =>
    (
      await take((bytes) => {
        const at = bytes.indexOf('\r\n')
        return at < 0 ? undefined : at + 2
      })
    )
      .toString('latin1')
      .slice(0, -2)

  async function head(): Promise<{ status: number; protocol: string; headers: [string, string][] }> {
    const [protocol = '', status] = (await line()).split(' ')
    const headers: [string, string][] = []
    for (let text = await line(); text !== ''; text = await line()) {
      const colon = text.indexOf(':')
      headers.push([text.slice(0, colon), text.slice(colon + 1).trim()])
    }
    return { status: Number(status), protocol, headers }
  }

  async function bodyOf(headers: [string, string][]): Promise<Buffer> {
    const value = (name: string) => headers.find(([key]) => key.toLowerCase() === name)?.[1]
    if (/chunked/i.test(value('transfer-encoding') ?? '')) {
      const chunks: Buffer[] = []
      for (;;) {
        const size = Number.parseInt(await line(), 16)
        if (size === 0) break
        chunks.push(await take(() => size))
        await line()
      }
      while ((await line()) !== '');
      return Buffer.concat(chunks)
    }
    const length = value('content-length')
    if (length !== undefined) return take(() => Number(length))
    while (!over) await more()
    return take((bytes) => bytes.length)
  }

  return {
    socket,
    send: (text) => void socket.write(text),
    async answer(to = 'GET') {
      let first = await head()
      while (first.status === 100) first = await head()
      const bodiless = to === 'HEAD' || first.status === 204 || first.status === 304
      const body = bodiless ? Buffer.alloc(0) : await bodyOf(first.headers)
      return { ...first, body: body.toString(), bytes: body.length }
    },
    async begins() {
      while (pending.length === 0 && !over) await more()
    },
    async ends(ms) {
      const late = setTimeout(() => wake(), ms)
      if (!over) await more()
      clearTimeout(late)
      return over
    },
    abort: () => void socket.destroy(),
  }
}

/** One request on a connection of its own. */
export async function ask(place: Place, text: string | Uint8Array, method?: string): Promise<Answer> {
  const connection = await connect(place)
  try {
    connection.send(text)
    return await connection.answer(method ?? String(text).split(' ', 1)[0])
  } finally {
    connection.abort()
  }
}
