/** Hosts an application under node:http: any `http.createServer`, `https.createServer` or framework mount takes the listener. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Application, BodyTooLarge, type Environ, type Request, type Response } from '../app/contract.ts'

export type NodeListener = (message: IncomingMessage, answer: ServerResponse) => void

/** Most bytes of a body that are taken into memory; filters may set a lower limit. */
const hardLimit = 64 * 1024 * 1024

/** Text above this is encoded once before it is handed to the socket: half the cost for large answers. */
const encodeAbove = 16 * 1024

export function toNodeListener(app: Application): NodeListener {
  return function listener(message, answer) {
    const controller = new LazyAbort()
    answer.on('close', () => {
      if (!answer.writableFinished) controller.abort()
    })
    app(requestOf(message, controller))
      .then((response) => send(response, message, answer))
      // An application answers its own errors; this is the last resort, and says nothing of the cause.
      .catch(() => refuse(answer))
  }
}

function refuse(answer: ServerResponse): void {
  if (answer.headersSent) {
    answer.destroy()
    return
  }
  for (const name of answer.getHeaderNames()) answer.removeHeader(name)
  answer.writeHead(500, 'Internal Server Error', { 'Content-Type': 'text/plain; charset=UTF-8' }).end('Internal Server Error\n')
}

function requestOf(message: IncomingMessage, abort: LazyAbort): Request {
  const target = message.url ?? '/'
  const { path, query } = splitTarget(target)
  const environ: Environ = {}
  let body: Promise<Uint8Array> | undefined
  return {
    method: message.method ?? 'GET',
    target,
    scriptName: '',
    path,
    query,
    scheme: (message.socket as { encrypted?: boolean }).encrypted ? 'https' : 'http',
    protocol: `HTTP/${message.httpVersion}`,
    remoteAddress: (message.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
    headers: message.headers,
    rawHeaders: message.rawHeaders,
    environ,
    body: () => (body ??= hasBody(message) ? readBody(message, Math.min(environ.maxBodyBytes ?? hardLimit, hardLimit)) : nothing),
    chunks: () => message,
    get signal() {
      return abort.signal
    },
  }
}

/** An absolute target (`GET http://host/path`) is allowed by HTTP; what counts is its path. */
export function splitTarget(target: string): { path: string; query: string } {
  const rest = /^https?:\/\/[^/?]*/i.test(target) ? target.replace(/^https?:\/\/[^/?]*/i, '') : target
  const mark = rest.indexOf('?')
  const path = mark < 0 ? rest : rest.slice(0, mark)
  return { path: path.startsWith('/') ? path : `/${path}`, query: mark < 0 ? '' : rest.slice(mark + 1) }
}

const nothing = Promise.resolve(new Uint8Array())

/** RFC 9112, 6.3: a request has a body when it says how long it is, or that it comes in chunks. */
const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'

function readBody(message: IncomingMessage, limit: number): Promise<Uint8Array> {
  return new Promise((done, fail) => {
    const chunks: Buffer[] = []
    let size = 0
    let ended = false
    message.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > limit) {
        message.removeAllListeners('data')
        message.resume()
        fail(new BodyTooLarge(`more than ${limit} bytes`))
      } else chunks.push(chunk)
    })
    message.on('end', () => {
      ended = true
      done(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks))
    })
    message.on('error', fail)
    message.on('close', () => {
      // an error costs more than all the rest here
      if (!ended) fail(new Error('the client went away'))
    })
  })
}

/** An AbortSignal is made only when somebody asks for it. */
class LazyAbort {
  #controller: AbortController | undefined
  #aborted = false
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#aborted) this.#controller.abort()
    }
    return this.#controller.signal
  }
  abort(): void {
    this.#aborted = true
    this.#controller?.abort()
  }
}

/** Rejects when it cannot be sent as it is. */
async function send({ status, headers, body }: Response, message: IncomingMessage, answer: ServerResponse): Promise<void> {
  if (body === null || typeof body === 'string' || body instanceof Uint8Array) {
    const bytes = typeof body === 'string' && body.length > encodeAbove ? Buffer.from(body) : (body ?? '')
    const length = Buffer.byteLength(bytes)
    answer.writeHead(status, lines(headers, hasLength(headers) || !mayHaveBody(status) ? undefined : length))
    if (message.method === 'HEAD') answer.end()
    // What is ASCII needs no encoding. With any other text node:http would encode the headers too, whose characters are bytes
    else if (typeof bytes === 'string' && bytes.length === length) answer.end(bytes, 'latin1')
    else answer.end(typeof bytes === 'string' ? Buffer.from(bytes) : bytes)
    return
  }
  answer.writeHead(status, lines(headers))
  try {
    for await (const chunk of body) {
      if (answer.destroyed) return
      if (!answer.write(chunk)) await drained(answer)
    }
    answer.end()
  } catch {
    answer.destroy()
  }
}

/** Resolves when the socket takes more, or never will. */
function drained(answer: ServerResponse): Promise<void> {
  return new Promise((done) => {
    const over = () => {
      answer.off('drain', over).off('close', over)
      done()
    }
    answer.on('drain', over).on('close', over)
    if (answer.destroyed) over()
  })
}

const mayHaveBody = (status: number): boolean => status >= 200 && status !== 204 && status !== 304

const hasLength = (headers: Response['headers']): boolean =>
  headers.some(([name]) => name.length === 14 && name.toLowerCase() === 'content-length')

/** Names and values in turn, as node:http sends them line by line: repeats and case as they are. */
function lines(headers: Response['headers'], length?: number): string[] {
  const out: string[] = []
  for (const [name, value] of headers) out.push(name, value)
  if (length !== undefined) out.push('Content-Length', String(length))
  return out
}
