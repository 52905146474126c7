/** Asks an application within the process, without a socket: for tests, and for a service that needs another one of the same process. */
import { type Application, type Request, responseHeader } from '../app/contract.ts'

export interface Asked {
  readonly token?: string | undefined
  /** Sent as JSON, or as it is when it is text or bytes. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** The Host header, which links follow. */
  readonly host?: string
}

export interface Answer {
  readonly status: number
  readonly header: (name: string) => string | undefined
  readonly bytes: Buffer
  /** Parsed, where the answer is JSON; otherwise text. */
  // biome-ignore lint/suspicious/noExplicitAny: an answer has the shape that the asker expects
  readonly body: any
}

/** `route` is a method and a target: `GET /v3/users?name=demo`. */
export async function ask(
  application: Application,
  route: string,
  { token, body, headers, host = 'cloud:5000' }: Asked = {},
): Promise<Answer> {
  const [method, target] = route.split(' ') as [string, string]
  const raw = typeof body === 'string' || body instanceof Uint8Array
  const bytes = body === undefined ? new Uint8Array() : raw ? Buffer.from(body as string) : Buffer.from(JSON.stringify(body))
  const all: Record<string, string> = {
    host,
    ...(body !== undefined && !raw && { 'content-type': 'application/json' }),
    ...(token !== undefined && { 'x-auth-token': token }),
    ...headers,
  }
  const response = await application(requestOf(method, target, all, bytes))
  const content = await bytesOf(response.body)
  const isJson = responseHeader(response, 'content-type')?.startsWith('application/json')
  return {
    status: response.status,
    header: (name) => responseHeader(response, name),
    bytes: content,
    body: isJson && content.length > 0 ? JSON.parse(content.toString()) : content.toString(),
  }
}

function requestOf(method: string, target: string, headers: Record<string, string>, bytes: Uint8Array): Request {
  const mark = target.indexOf('?')
  return {
    method,
    target,
    scriptName: '',
    path: mark < 0 ? target : target.slice(0, mark),
    query: mark < 0 ? '' : target.slice(mark + 1),
    scheme: 'http',
    protocol: 'HTTP/1.1',
    remoteAddress: '127.0.0.1',
    headers,
    rawHeaders: Object.entries(headers).flat(),
    environ: {},
    body: async () => bytes,
  }
}

async function bytesOf(body: string | Uint8Array | AsyncIterable<Uint8Array> | null): Promise<Buffer> {
  if (body === null) return Buffer.alloc(0)
  if (typeof body === 'string' || body instanceof Uint8Array) return Buffer.from(body as string)
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}
