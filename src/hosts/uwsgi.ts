/** Hosts an application behind the uwsgi protocol: a request for each connection, answered in HTTP. */
import { STATUS_CODES } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { type Application, type Response, text } from '../app/contract.ts'
import { nextBytes, uwsgiBody, within } from './uwsgi-body.ts'
import { MalformedPacket, type Packet, pingModifier, readPacket } from './uwsgi-packet.ts'
import { uwsgiRequest } from './uwsgi-request.ts'

export interface UwsgiLimits {
  /** Most bytes of a packet: the head of a request. The protocol knows no more than 65535. */
  readonly headBytes?: number
  /** Most bytes of a body that are taken into memory. */
  readonly bodyBytes?: number
  /** How long the other side may take for a request's head, and how long it may send nothing of its body. */
  readonly receiveMs?: number
}

/** A server that is not listening yet. */
export function uwsgiServer(app: Application, limits: UwsgiLimits = {}): Server {
  // A client that ends its half has sent its body, and waits for the answer.
  return createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    answerOne(app, socket, limits).catch(() => socket.destroy())
  })
}

async function answerOne(
  app: Application,
  socket: Socket,
  { headBytes = 0xffff, bodyBytes = 64 * 1024 * 1024, receiveMs = 60_000 }: UwsgiLimits,
): Promise<void> {
  const head = await within(socket, receiveMs, readHead(socket))
  if (!head) return void socket.destroy()
  const { packet, rest } = head
  if (packet.modifier === pingModifier) return void socket.end(Buffer.from([pingModifier, 0, 0, 1]))
  if (packet.size > headBytes) return send(text(431, 'The head of the request is too large.\n'), packet, socket)
  const length = lengthOf(packet)
  if (length === undefined) return send(text(400, 'CONTENT_LENGTH is no number.\n'), packet, socket)
  const gone = new AbortController()
  socket.on('close', () => {
    if (!socket.writableFinished) gone.abort()
  })
  // Front servers give up by closing; only who could not tell the length ends a half to end the body.
  if (length !== null)
    socket.on('end', () => {
      if (!socket.writableFinished) gone.abort()
    })
  const body = uwsgiBody(socket, rest, { length, idleMs: receiveMs })
  const request = uwsgiRequest({ variables: packet.variables, body, signal: () => gone.signal, limit: bodyBytes })
  // The body may be left unread; that the other side is gone is heard only from a socket that is read.
  if (length === 0) socket.resume()
  let response: Response
  try {
    response = await app(request)
  } catch {
    // An application answers its own errors; this is the last resort, and says nothing of the cause.
    response = text(500, 'Internal Server Error\n')
  }
  await send(response, packet, socket)
}

async function readHead(socket: Socket): Promise<{ packet: Packet; rest: Buffer } | undefined> {
  let bytes: Buffer = Buffer.alloc(0)
  for (;;) {
    try {
      const found = readPacket(bytes)
      if (found) return found
    } catch (error) {
      if (!(error instanceof MalformedPacket)) throw error
      return undefined
    }
    const more = await nextBytes(socket)
    if (more === null) return undefined
    bytes = bytes.length === 0 ? more : Buffer.concat([bytes, more])
  }
}

/** Null when the body ends with the connection's half; undefined when the declared length makes no sense. */
function lengthOf({ variables }: Packet): number | null | undefined {
  const declared = variables.CONTENT_LENGTH || variables.HTTP_CONTENT_LENGTH || ''
  if (declared === '') return /\bchunked\b/i.test(variables.HTTP_TRANSFER_ENCODING ?? '') ? null : 0
  return /^\d{1,15}$/.test(declared) ? Number(declared) : undefined
}

async function send({ status, headers, body }: Response, { variables }: Packet, socket: Socket): Promise<void> {
  const bodiless = variables.REQUEST_METHOD === 'HEAD' || status === 204 || status === 304 || status < 200
  const whole = body === null || typeof body === 'string' || body instanceof Uint8Array
  const bytes = whole ? Buffer.from(body ?? '') : undefined
  // The end of a connection says nothing of the end of an answer. A client that can, asks for chunks; front servers cannot.
  const chunked = !whole && !bodiless && variables.NOVA_TS_CHUNKED === '1'
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n`
  let hasLength = false
  for (const [name, value] of headers) {
    hasLength ||= name.toLowerCase() === 'content-length'
    // as node:http: a value that could end its line is refused, and the answer with it
    if (/[\r\n\0]/.test(value) || !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name))
      throw new Error(`the header ${JSON.stringify(name)} is malformed`)
    head += `${name}: ${value}\r\n`
  }
  if (bytes && !hasLength && status >= 200 && status !== 204 && status !== 304) head += `Content-Length: ${bytes.length}\r\n`
  if (chunked && !hasLength) head += 'Transfer-Encoding: chunked\r\n'
  socket.write(`${head}\r\n`, 'latin1')
  if (bytes) {
    if (!bodiless && bytes.length > 0) socket.write(bytes)
  } else if (!bodiless)
    for await (const chunk of pieces(body as AsyncIterable<Uint8Array>, chunked && !hasLength)) {
      if (socket.destroyed) return
      if (!socket.write(chunk)) await drained(socket)
    }
  await ended(socket)
}

async function* pieces(body: AsyncIterable<Uint8Array>, chunked: boolean): AsyncGenerator<Uint8Array> {
  for await (const chunk of body)
    if (!chunked) yield chunk
    else if (chunk.length > 0) yield Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')])
  if (chunked) yield Buffer.from('0\r\n\r\n')
}

/** Resolves when the socket takes more, or never will. */
function drained(socket: Socket): Promise<void> {
  return new Promise((done) => {
    const over = () => {
      socket.off('drain', over).off('close', over)
      done()
    }
    socket.on('drain', over).on('close', over)
    if (socket.destroyed) over()
  })
}

/** Closing with bytes unread would make the kernel drop the answer on its way: what still comes is read and forgotten, for a while. */
const lingerMs = 2000

function ended(socket: Socket): Promise<void> {
  return new Promise((done) => {
    if (socket.destroyed) return done()
    let late: NodeJS.Timeout | undefined
    socket.on('close', () => {
      clearTimeout(late)
      done()
    })
    socket.end(() => {
      const close = () => socket.destroy()
      if (socket.readableEnded) return close()
      socket.on('end', close).resume()
      late = setTimeout(close, lingerMs)
    })
  })
}
