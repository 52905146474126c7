/** Requests for tests, as a host would make them. */
import type { Request } from './contract.ts'

export interface Asked extends Partial<Omit<Request, 'headers' | 'body' | 'environ'>> {
  readonly headers?: Record<string, string | string[]>
  readonly body?: string
}

/** `ask('GET /v2.1/servers?limit=1', { headers: { accept: '*\/*' } })`; header names in lower case. */
export function ask(line: string, { headers = {}, body = '', ...rest }: Asked = {}): Request {
  const [method, target] = line.split(' ') as [string, string]
  const [path, query = ''] = target.split('?', 2) as [string, string?]
  return {
    method,
    target,
    scriptName: '',
    path,
    query,
    scheme: 'http',
    protocol: 'HTTP/1.1',
    remoteAddress: '127.0.0.1',
    headers: { host: 'nova.example:8774', ...headers },
    rawHeaders: [],
    environ: {},
    body: async () => Buffer.from(body),
    ...rest,
  }
}
