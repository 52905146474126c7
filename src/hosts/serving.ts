/** Serves an application on sockets that are bound already, in the protocol of each, and lets go of them without losing a request. */
import { readFileSync } from 'node:fs'
import { createServer, type Server as HttpServer, type IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as HttpsServer } from 'node:https'
import net from 'node:net'
import type { Duplex } from 'node:stream'
import type { Application } from '../app/contract.ts'
import { type Certificate, type Endpoint, endpointText } from './address.ts'
import { type NodeListener, toNodeListener } from './node.ts'
import type { HostSettings } from './settings.ts'
import { uwsgiServer } from './uwsgi.ts'

export type ServeLimits = Pick<HostSettings, 'keepAliveSeconds' | 'receiveSeconds' | 'headBytes'>

export interface DrainLimits {
  /** After this a connection is cut, whatever it does. */
  readonly totalMs: number
  /** After this a connection on which nothing is asked is closed. */
  readonly idleMs: number
}

export interface Serving {
  /** Takes no new connections, answers what is asked on those that are there and closes each after its answer. Resolves when none is left. */
  drain(limits: DrainLimits): Promise<void>
  /** Reads the certificates again, for connections to come. Throws when they cannot be used, and goes on with those before. */
  renewCertificates(): void
}

/** One waiting queue for all processes on a socket. */
const backlog = 4096

/** Listens on the socket `fd`. Rejects when it cannot. */
export async function serve(app: Application, endpoint: Endpoint, fd: number, limits: ServeLimits): Promise<Serving> {
  const served = endpoint.protocol === 'uwsgi' ? serveUwsgi(app, limits) : serveHttp(app, endpoint, limits)
  await new Promise<void>((resolve, reject) => {
    served.server.once('error', (error) => reject(new Error(`${endpointText(endpoint)}: ${error.message}`, { cause: error })))
    served.server.listen({ fd, backlog }, resolve)
  })
  return served
}

type Served = Serving & { readonly server: net.Server }

function serveUwsgi(app: Application, { headBytes, receiveSeconds }: ServeLimits): Served {
  const server = uwsgiServer(app, { headBytes, receiveMs: receiveSeconds * 1000 })
  const connections = new Set<net.Socket>()
  let gone: Promise<void> | undefined
  server.on('connection', (socket) => {
    connections.add(socket)
    socket.on('close', () => connections.delete(socket))
  })
  return {
    server,
    renewCertificates: () => undefined,
    async drain({ totalMs }) {
      const late = setTimeout(() => {
        for (const socket of connections) socket.destroy()
      }, totalMs)
      await (gone ??= closed(server))
      clearTimeout(late)
    },
  }
}

function serveHttp(app: Application, { protocol, certificate }: Endpoint, limits: ServeLimits): Served {
  let gone: Promise<void> | undefined
  const listener = toNodeListener(app)
  const watched: NodeListener = (message, answer) => {
    if (gone) answer.setHeader('Connection', 'close')
    listener(message, answer)
  }
  const options = {
    keepAliveTimeout: limits.keepAliveSeconds * 1000,
    headersTimeout: Math.min(60, limits.receiveSeconds) * 1000,
    requestTimeout: limits.receiveSeconds * 1000,
    maxHeaderSize: limits.headBytes,
    noDelay: true,
  }
  const server: HttpServer | HttpsServer =
    protocol === 'https' ? createTlsServer({ ...options, ...secrets(certificate) }, watched) : createServer(options, watched)
  server.on('clientError', refuse)
  server.on('connect', (message, socket) => answerConnect(watched, message, socket))
  return {
    server,
    renewCertificates() {
      if (protocol === 'https') (server as HttpsServer).setSecureContext(secrets(certificate))
    },
    async drain({ totalMs, idleMs }) {
      // http's own close() would cut connections on which a client may be writing its next request
      gone ??= closed(server, net.Server.prototype.close)
      let sweep: NodeJS.Timeout | undefined
      const idle = setTimeout(() => {
        server.closeIdleConnections()
        sweep = setInterval(() => server.closeIdleConnections(), 100)
      }, idleMs)
      const late = setTimeout(() => server.closeAllConnections(), totalMs)
      await gone
      clearTimeout(idle)
      clearInterval(sweep)
      clearTimeout(late)
    },
  }
}

/** Reads the files now: a certificate that cannot be used keeps the host from starting. */
function secrets(certificate: Certificate | undefined) {
  if (!certificate) throw new Error('an https address needs a certificate and its key')
  const { clientAuthority } = certificate
  return {
    cert: readFileSync(certificate.certificate),
    key: readFileSync(certificate.key),
    ...(clientAuthority !== undefined && { ca: readFileSync(clientAuthority), requestCert: true, rejectUnauthorized: true }),
  }
}

const closed = (server: net.Server, close = server.close): Promise<void> => new Promise((resolve) => close.call(server, () => resolve()))

const reasons: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

/** A tunnel is nothing that anybody gives here: an application sees a method like any other, as under a WSGI server, and the connection ends with its answer. */
function answerConnect(listener: NodeListener, message: IncomingMessage, socket: Duplex): void {
  socket.on('error', () => undefined)
  const answer = new ServerResponse(message)
  answer.shouldKeepAlive = false
  answer.assignSocket(socket as net.Socket)
  answer.on('finish', () => socket.end())
  listener(message, answer)
}

/** What is no HTTP gets an answer all the same, when it can still be sent. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  socket.end(`HTTP/1.1 ${reasons[error.code ?? ''] ?? '400 Bad Request'}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
