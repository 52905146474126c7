/** Hosts an application where requests and answers are those of the web standard: Bun, Deno, workers, srvx. */
import { type Response as Answer, type Application, type Request as Asked, BodyTooLarge, type Environ } from '../app/contract.ts'

export type FetchHandler = (request: Request) => Promise<Response>

/** Header names come in lower case and repeats joined, since the standard keeps neither. */
export function toFetch(app: Application): FetchHandler {
  return async function fetch(request) {
    let answer: Answer
    try {
      answer = await app(askedOf(request))
    } catch {
      // An application answers its own errors; this is the last resort, and says nothing of the cause.
      return new Response('Internal Server Error\n', { status: 500 })
    }
    const { status, headers, body } = answer
    const out = new Headers()
    for (const [name, value] of headers) out.append(name, value)
    const empty = body === null || request.method === 'HEAD' || status === 204 || status === 304
    if (request.method === 'HEAD' && !out.has('content-length') && (typeof body === 'string' || body instanceof Uint8Array))
      out.set('content-length', String(Buffer.byteLength(body)))
    return new Response(empty ? null : ((body instanceof Uint8Array || typeof body === 'string' ? body : streamOf(body)) as string), {
      status,
      headers: out,
    })
  }
}

function askedOf(request: Request): Asked {
  // a client of HTTP/1.0 need not say whom it asks
  const url = new URL(request.url, 'http://localhost')
  const headers = Object.fromEntries(request.headers)
  headers.host ??= url.host
  const environ: Environ = {}
  let body: Promise<Uint8Array> | undefined
  return {
    method: request.method,
    target: url.pathname + url.search,
    scriptName: '',
    path: url.pathname,
    query: url.search.slice(1),
    scheme: url.protocol === 'https:' ? 'https' : 'http',
    protocol: 'HTTP/1.1',
    remoteAddress: '',
    headers,
    rawHeaders: [...request.headers].flat(),
    environ,
    body: () => (body ??= bytesOf(request, environ)),
    signal: request.signal,
  }
}

async function bytesOf(request: Request, { maxBodyBytes = Number.POSITIVE_INFINITY }: Environ): Promise<Uint8Array> {
  if (!request.body) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body) {
    size += chunk.length
    if (size > maxBodyBytes) throw new BodyTooLarge(`more than ${maxBodyBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const streamOf = (body: AsyncIterable<Uint8Array>): ReadableStream => ReadableStream.from(body) as unknown as ReadableStream
