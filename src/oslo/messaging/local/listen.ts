/** The broker on a UNIX socket that only its owner can open. */
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import type { Driver } from '../driver.ts'
import { type Broker, createBroker, type Session } from './broker.ts'
import { encodeFrame, frameReader } from './frames.ts'
import { inProcessDriver } from './in-process.ts'
import { openJournal } from './journal.ts'
import { type Notice, protocolVersion, type Request } from './protocol.ts'

/** The kernel's bound on the path of a socket, less the terminating zero. */
const maxPathBytes = 107
/** Where the socket is bound before it is moved to its place; mkdtemp adds six letters. */
const cradleOf = (path: string) => join(dirname(path), '.socket-')

export interface LocalBroker {
  /** For who lives in this process. */
  driver(): Driver
  /** Messages held, waiting and unacknowledged. */
  readonly size: number
  /** Disconnects everybody; what is journalled is there at the next start. */
  close(): Promise<void>
}

export interface LocalBrokerOptions {
  readonly socketPath: string
  /** Beside the socket, with `.journal` added, when absent. */
  readonly journalPath?: string
  readonly report: (error: unknown) => void
}

/** Rejects when another broker has the journal, or the place cannot be written. A socket that a dead broker left is replaced. */
export async function listenLocal({ socketPath, journalPath = `${socketPath}.journal`, report }: LocalBrokerOptions): Promise<LocalBroker> {
  if (Math.max(Buffer.byteLength(socketPath), Buffer.byteLength(cradleOf(socketPath)) + 8) > maxPathBytes)
    throw new Error(`the path of the socket is too long: ${socketPath}`)
  mkdirSync(dirname(socketPath), { recursive: true })
  const broker = createBroker({ journal: openOwnJournal(journalPath), report })
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    serve(socket, broker, report)
  })
  try {
    await bind(server, socketPath)
  } catch (error) {
    broker.close()
    throw error
  }
  const inode = statSync(socketPath).ino
  return {
    driver: () => inProcessDriver(broker),
    get size() {
      return broker.size
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      removeOwn(socketPath, inode)
      for (const socket of sockets) socket.destroy()
      await closed
      broker.close()
    },
  }
}

function openOwnJournal(path: string) {
  try {
    return openJournal(path)
  } catch (cause) {
    throw new Error(`the journal ${path} cannot be opened (does another broker use it?)`, { cause })
  }
}

/** Bound in a directory that nobody else can enter, then moved: at no moment can others connect, and a stale socket is replaced in one step. */
async function bind(server: Server, path: string): Promise<void> {
  const cradle = mkdtempSync(cradleOf(path))
  try {
    const born = join(cradle, 's')
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(born, resolve))
    chmodSync(born, 0o600)
    renameSync(born, path)
  } finally {
    rmSync(cradle, { recursive: true, force: true })
  }
}

function removeOwn(path: string, inode: number): void {
  try {
    if (statSync(path).ino === inode) rmSync(path)
  } catch {
    // somebody removed it before
  }
}

function serve(socket: Socket, broker: Broker, report: (error: unknown) => void): void {
  const session = broker.attach()
  let confirmed: number[] = []
  let corked = false

  /** All that is written in one turn of the loop goes out together. */
  function send(notice: Notice, body?: Buffer): void {
    if (!corked) {
      corked = true
      socket.cork()
      setImmediate(uncork)
    }
    socket.write(encodeFrame(notice, body))
  }

  function uncork(): void {
    if (confirmed.length > 0) socket.write(encodeFrame({ op: 'confirm', seqs: confirmed } satisfies Notice))
    confirmed = []
    corked = false
    socket.uncork()
  }

  function confirm(seq: number): void {
    confirmed.push(seq)
    if (corked) return
    corked = true
    socket.cork()
    setImmediate(uncork)
  }

  const read = frameReader<Request>((request, body) => act(request, body, session, send, confirm))
  socket.on('data', (chunk) => {
    try {
      read(chunk)
    } catch (error) {
      report(error)
      socket.destroy()
    }
  })
  socket.on('error', () => {})
  socket.on('close', () => session.close())
  send({ op: 'hello', protocol: protocolVersion })
}

function act(
  request: Request,
  body: Buffer,
  session: Session,
  send: (notice: Notice, body?: Buffer) => void,
  confirm: (seq: number) => void,
): void {
  switch (request.op) {
    case 'publish': {
      const { seq, to, ...message } = request
      // copied: the chunk that it came in is many times as large
      session.publish(to, { ...message, body: Buffer.from(body) }, (reason) =>
        reason === undefined ? confirm(seq) : send({ op: 'refuse', seq, reason }),
      )
      break
    }
    case 'consume': {
      const { tag, from, prefetch } = request
      send({ op: 'done', tag, what: 'consume' })
      session.consume(tag, from, prefetch, (delivery, held, redelivered) => send({ op: 'deliver', tag, delivery, redelivered }, held))
      break
    }
    case 'cancel':
      session.cancel(request.tag)
      send({ op: 'done', tag: request.tag, what: 'cancel' })
      break
    case 'acknowledge':
      session.acknowledge(request.tag, request.deliveries)
      break
    default:
      throw new Error(`a client asked for ${JSON.stringify((request as { op?: unknown }).op)}`)
  }
}
