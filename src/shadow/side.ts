/** One of the two that are compared: how it is reached, and a question to it whose answer is kept. */
import { type ClientRequest, Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import type { Answer } from './compare/answers.ts'
import type { RawHeaders } from './headers.ts'

/** Most bytes of all headers together: tokens may be long. */
export const largestHead = 64 * 1024

export interface Side {
  /** For logs. */
  readonly address: string
  /** Starts a request; a connection that is kept may be used where `kept` allows it. Header names and values alternate. */
  request(method: string, target: string, headers: RawHeaders, kept: boolean): ClientRequest
  close(): void
}

export function sideAt(url: URL, authorities: string | undefined): Side {
  const [Agent, request] = url.protocol === 'https:' ? [HttpsAgent, httpsRequest] : [HttpAgent, httpRequest]
  const trust = { ...(authorities !== undefined && { ca: authorities }) }
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 64, ...trust })
  const place = { protocol: url.protocol, host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: url.port }
  return {
    address: url.origin,
    request: (method, target, headers, kept) =>
      request({
        ...place,
        ...trust,
        method,
        path: target,
        headers: [...headers],
        agent: kept ? agent : false,
        maxHeaderSize: largestHead,
      }),
    close: () => agent.destroy(),
  }
}

/** A read: it can be asked as often as one likes. */
export interface Question {
  readonly method: string
  /** Path and query, as the client wrote them. */
  readonly target: string
  readonly headers: RawHeaders
}

/** No answer: refused, reset, too late or too large. `code` is a word for reports. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  readonly code: string
  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

export interface Patience {
  readonly ms: number
  readonly largestBytes: number
}

/** Rejects with a `NoAnswer`. */
export function ask(side: Side, { method, target, headers }: Question, { ms, largestBytes }: Patience): Promise<Answer> {
  const started = performance.now()
  return new Promise((resolve, reject) => {
    const request = side.request(method, target, headers, true)
    const give = (code: string, message: string, cause?: unknown) => {
      clearTimeout(timer)
      reject(new NoAnswer(code, message, cause))
      request.destroy()
    }
    const timer = setTimeout(() => give('ETIMEDOUT', `no answer within ${ms / 1000} s`), ms)
    request.on('error', (error: NodeJS.ErrnoException) => give(error.code ?? error.name, error.message, error))
    request.on('response', (response) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > largestBytes) give('ETOOLARGE', `more than ${largestBytes} bytes`)
        else chunks.push(chunk)
      })
      response.on('error', (error: NodeJS.ErrnoException) => give(error.code ?? error.name, error.message, error))
      response.on('end', () => {
        clearTimeout(timer)
        const took = performance.now() - started
        const coding = response.headers['content-encoding']
        decoded(Buffer.concat(chunks), coding, largestBytes).then(
          (body) => resolve({ status: response.statusCode!, headers: response.headers, body, ms: took }),
          (error) => reject(new NoAnswer('EDECODE', `${coding}: ${error.message}`, error)),
        )
      })
    })
    request.end()
  })
}

const codings: Readonly<Record<string, (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>> = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
}

/** A body as it was before a proxy compressed it. Rejects when it is not what it claims to be. */
export async function decoded(body: Buffer, coding: string | undefined, largestBytes: number): Promise<Buffer> {
  const decode = coding === undefined || body.length === 0 ? undefined : codings[coding.toLowerCase()]
  return decode ? decode(body, { maxOutputLength: largestBytes }) : body
}
