/** The proxy: every request goes to the real nova-api and its answer comes back unchanged. What is mirrored is only watched on its way. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { endToEnd, forwarded, headerIn, type RawHeaders, without } from './headers.ts'
import type { Side } from './side.ts'

/** Sees an answer pass. Must not throw, and cannot hold it up. */
export interface Witness {
  chunk(bytes: Buffer): void
  /** All of it has come from the real one. */
  end(response: IncomingMessage, ms: number): void
  /** There was none, or not all of it, because of this one. */
  lost(by: 'client' | 'real'): void
}

export interface ForwardParts {
  readonly real: Side
  readonly silentMs: number
  /** Called for each request, with what the real one is sent; a witness for those that are of interest. */
  readonly witness: (message: IncomingMessage, target: string, headers: RawHeaders) => Witness | undefined
  /** The real one gave no answer. */
  readonly failed: (why: string) => void
}

export type Forward = (message: IncomingMessage, answer: ServerResponse) => void

/** Without a side effect when asked twice (RFC 9110 9.2.2 of those without a body). */
const repeatable = new Set(['GET', 'HEAD', 'OPTIONS'])

export function forwarding({ real, silentMs, witness, failed }: ForwardParts): Forward {
  return function forward(message, answer) {
    const method = message.method ?? 'GET'
    const target = withoutHost(message.url ?? '/')
    const sent = forwarded(message.rawHeaders, {
      remoteAddress: (message.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
      scheme: (message.socket as { encrypted?: boolean }).encrypted ? 'https' : 'http',
    })
    const hasBody = headerIn(sent, 'content-length') !== undefined || headerIn(sent, 'transfer-encoding') !== undefined
    // else node:http would send an empty body in pieces, which not every server of WSGI can read
    if (!hasBody && !repeatable.has(method)) sent.push('Content-Length', '0')
    const seen = witness(message, target, sent)
    const again = repeatable.has(method) && !hasBody
    pass({ method, target, sent, again })

    function pass(request: { method: string; target: string; sent: RawHeaders; again: boolean }): void {
      const started = performance.now()
      // on a kept connection a request may be lost when the other side has just closed it: only what can be sent again is sent there
      const upstream = real.request(request.method, request.target, request.sent, request.again)
      let response: IncomingMessage | undefined
      let timedOut = false
      upstream.setTimeout(silentMs, () => {
        timedOut = true
        upstream.destroy()
      })
      const leave = () => {
        if (!answer.writableFinished) upstream.destroy()
      }
      answer.on('close', leave)
      upstream.on('response', (incoming) => {
        response = incoming
        answer.sendDate = false
        try {
          // pieces are made anew, for a client of HTTP/1.0 knows none
          answer.writeHead(incoming.statusCode!, incoming.statusMessage, without(endToEnd(incoming.rawHeaders), 'transfer-encoding'))
        } catch (error) {
          seen?.lost('real')
          failed(`gave an answer that cannot be passed on: ${(error as Error).message}`)
          answer.destroy()
          upstream.destroy()
          return
        }
        if (seen) incoming.on('data', (chunk: Buffer) => seen.chunk(chunk))
        incoming.on('end', () => seen?.end(incoming, performance.now() - started))
        incoming.on('error', (error: NodeJS.ErrnoException) => {
          seen?.lost(answer.destroyed ? 'client' : 'real')
          if (!answer.destroyed) failed(`broke off its answer: ${error.code ?? error.message}`)
          answer.destroy()
        })
        incoming.pipe(answer)
      })
      upstream.on('error', (error: NodeJS.ErrnoException) => {
        // what happens behind the answer's end, or to one that is broken off, is told there
        if (response) return
        if (request.again && upstream.reusedSocket && !timedOut && !answer.destroyed) {
          answer.off('close', leave)
          pass(request)
          return
        }
        seen?.lost(answer.destroyed ? 'client' : 'real')
        if (answer.destroyed) return
        const why = timedOut ? `was silent for ${silentMs / 1000} s` : `gave no answer: ${error.code ?? error.message}`
        failed(why)
        refuse(message, answer, timedOut ? 504 : 502, `nova-ts shadow: the real nova-api ${why}\n`)
      })
      if (hasBody) {
        message.pipe(upstream)
        message.on('error', () => upstream.destroy())
      } else upstream.end()
    }
  }
}

function refuse(message: IncomingMessage, answer: ServerResponse, status: number, text: string): void {
  message.unpipe()
  message.resume()
  answer.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': Buffer.byteLength(text) }).end(text)
}

/** HTTP allows `GET http://host/path` to a proxy; the real one is asked for the path. */
function withoutHost(target: string): string {
  const rest = target.replace(/^https?:\/\/[^/?]*/i, '')
  return rest.startsWith('/') || rest === '*' ? rest : `/${rest}`
}
