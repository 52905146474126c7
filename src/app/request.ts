/** A request with some of its parts replaced, as filters and mounts pass it on. */
import type { Request } from './contract.ts'

export type RequestParts = Partial<Pick<Request, 'scriptName' | 'path' | 'scheme' | 'remoteAddress' | 'headers' | 'body'>>

/** The same request but for `parts`; `environ` is shared, and what the host makes on demand (`signal`) is still made on demand. */
export function withParts(request: Request, parts: RequestParts): Request {
  // Written out: a spread would call the getter of `signal`, and one shape of object keeps the filters behind it fast.
  return {
    method: request.method,
    target: request.target,
    scriptName: parts.scriptName ?? request.scriptName,
    path: parts.path ?? request.path,
    query: request.query,
    scheme: parts.scheme ?? request.scheme,
    protocol: request.protocol,
    remoteAddress: parts.remoteAddress ?? request.remoteAddress,
    headers: parts.headers ?? request.headers,
    rawHeaders: request.rawHeaders,
    environ: request.environ,
    body: parts.body ?? (() => request.body()),
    get signal() {
      return request.signal
    },
  } as Request
}
