/** One memcached: a connection, made at its first use, over which requests go one after the other without waiting for each other. */
import { connect as connectPlain, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import type { Address } from './client.ts'

export interface ServerOptions {
  readonly address: Address
  /** How long it may take to connect, or to answer. */
  readonly timeoutMs: number
  /** How long it is left alone after it failed. */
  readonly deadMs: number
  readonly tls?: ConnectionOptions
  readonly report?: (error: Error) => void
  readonly now?: () => number
}

export interface Server {
  /** False for a while after it failed. */
  usable(): boolean
  get(key: string): Promise<Buffer | undefined>
  set(key: string, value: Buffer, seconds: number): Promise<void>
  remove(key: string): Promise<void>
  close(): void
}

interface Waiting {
  readonly since: number
  /** Takes what the server says, and is undefined while that is not complete. */
  readonly take: (held: Buffer) => { used: number; value?: Buffer } | undefined
  readonly done: (value: Buffer | undefined) => void
}

/** More than this and no answer: something else is there. */
const mostHeld = 8 * 1024 * 1024

export function server({ address, timeoutMs, deadMs, tls, report = () => {}, now = () => performance.now() }: ServerOptions): Server {
  let socket: Socket | undefined
  let waiting: Waiting[] = []
  let held: Buffer = Buffer.alloc(0)
  let deadUntil = Number.NEGATIVE_INFINITY
  let watch: NodeJS.Timeout | undefined
  const name = 'path' in address ? address.path : `${address.host}:${address.port}`

  function open(): Socket {
    if (socket) return socket
    const mine = tls ? connectTls({ ...tls, ...address }) : connectPlain(address)
    socket = mine
    mine.setNoDelay(true)
    mine.on('data', (chunk) => mine === socket && onData(chunk))
    mine.on('error', (error) => mine === socket && fail(error))
    mine.on('close', () => mine === socket && fail(waiting.length > 0 ? new Error('it closed the connection') : undefined))
    return mine
  }

  function onData(chunk: Buffer): void {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    for (let next = waiting[0]; next; next = waiting[0]) {
      let answer: ReturnType<Waiting['take']>
      try {
        answer = next.take(held)
      } catch (error) {
        fail(error as Error)
        return
      }
      if (!answer) break
      held = held.subarray(answer.used)
      waiting.shift()
      next.done(answer.value)
    }
    if (held.length > mostHeld || (waiting.length === 0 && held.length > 0)) fail(new Error('it says what it was not asked'))
    if (waiting.length === 0) rest()
  }

  /** An idle connection holds no process up. */
  function rest(): void {
    clearTimeout(watch)
    watch = undefined
    socket?.unref()
  }

  function fail(error: Error | undefined): void {
    const left = waiting
    waiting = []
    held = Buffer.alloc(0)
    clearTimeout(watch)
    watch = undefined
    const last = socket
    socket = undefined
    last?.destroy()
    if (error) {
      deadUntil = now() + deadMs
      report(new Error(`memcached ${name}: ${error.message}`))
    }
    for (const { done } of left) done(undefined)
  }

  function ask(request: Buffer, take: Waiting['take']): Promise<Buffer | undefined> {
    return new Promise((done) => {
      waiting.push({ since: now(), take, done })
      const through = open()
      through.ref()
      through.write(request)
      watch ??= setTimeout(look, timeoutMs)
    })
  }

  function look(): void {
    const waited = now() - (waiting[0]?.since ?? now())
    if (waited >= timeoutMs) fail(new Error(`no answer within ${timeoutMs} ms`))
    else watch = setTimeout(look, timeoutMs - waited)
  }

  return {
    usable: () => now() >= deadUntil,
    get: (key) => ask(Buffer.from(`get ${key}\r\n`), found),
    async set(key, value, seconds) {
      await ask(Buffer.concat([Buffer.from(`set ${key} 0 ${seconds} ${value.length}\r\n`), value, Buffer.from('\r\n')]), stored)
    },
    async remove(key) {
      await ask(Buffer.from(`delete ${key}\r\n`), removed)
    },
    close: () => fail(undefined),
  }
}

function found(held: Buffer): { used: number; value?: Buffer } | undefined {
  const end = held.indexOf('\r\n')
  if (end < 0) return undefined
  const line = held.toString('latin1', 0, end)
  if (line === 'END') return { used: end + 2 }
  const value = /^VALUE \S+ (\d+) (\d+)(?: \d+)?$/.exec(line)
  if (!value) throw new Error(line.slice(0, 100))
  const from = end + 2
  const to = from + Number(value[2])
  const tail = '\r\nEND\r\n'
  if (held.length < to + tail.length) return undefined
  // text and bytes are written as they are; what is pickled or compressed is not for us
  const readable = (Number(value[1]) & ~16) === 0
  return { used: to + tail.length, ...(readable ? { value: Buffer.from(held.subarray(from, to)) } : {}) }
}

// too large, or no memory: the next who looks does not find it
const stored = (held: Buffer) => oneLine(held, (line) => line === 'STORED' || line === 'NOT_STORED' || line.startsWith('SERVER_ERROR'))
const removed = (held: Buffer) => oneLine(held, (line) => line === 'DELETED' || line === 'NOT_FOUND')

function oneLine(held: Buffer, isAnswer: (line: string) => boolean): { used: number } | undefined {
  const end = held.indexOf('\r\n')
  if (end < 0) return undefined
  const line = held.toString('latin1', 0, end)
  if (!isAnswer(line)) throw new Error(line.slice(0, 100))
  return { used: end + 2 }
}
