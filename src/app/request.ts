/** A request with some of its parts replaced, as filters and mounts pass it on. */
import type { Request } from './contract.ts'

export type RequestParts = Partial<Pick<Request, 'scriptName' | 'path' | 'scheme' | 'remoteAddress' | 'headers' | 'body'>>

/** The same request but for `parts`; `environ` is shared, and what the host makes on demand (`signal`) is still made on demand. */
export const withParts = (request: Request, parts: RequestParts): Request => new Derived(request, parts)

/** A class, since an accessor in an object literal would cost more than all other filters together. */
class Derived implements Request {
  readonly method: string
  readonly target: string
  readonly scriptName: string
  readonly path: string
  readonly query: string
  readonly scheme: Request['scheme']
  readonly protocol: string
  readonly remoteAddress: string
  readonly headers: Request['headers']
  readonly rawHeaders: readonly string[]
  readonly environ: Request['environ']
  readonly body: Request['body']
  readonly #original: Request

  constructor(original: Request, parts: RequestParts) {
    this.method = original.method
    this.target = original.target
    this.scriptName = parts.scriptName ?? original.scriptName
    this.path = parts.path ?? original.path
    this.query = original.query
    this.scheme = parts.scheme ?? original.scheme
    this.protocol = original.protocol
    this.remoteAddress = parts.remoteAddress ?? original.remoteAddress
    this.headers = parts.headers ?? original.headers
    this.rawHeaders = original.rawHeaders
    this.environ = original.environ
    this.body = parts.body ?? (() => original.body())
    this.#original = original
  }

  get signal(): AbortSignal | undefined {
    return this.#original.signal
  }
}
