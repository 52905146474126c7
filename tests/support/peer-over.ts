/** A service of this process as a peer of another: asked without sockets, with the tokens that a caller's or the own session would send. */
import type { Application } from '../../src/app/contract.ts'
import { ask } from '../../src/cloud/ask.ts'
import { PeerError } from '../../src/oslo/keystoneauth/errors.ts'
import type { Answer, Ask, Session } from '../../src/oslo/keystoneauth/session.ts'
import type { PeerService } from '../../src/peers/service.ts'

export interface PeerOptions {
  /** What stands before all paths, such as `/v3`. */
  readonly base?: string
  /** Of the service, for its microversions. */
  readonly type?: string
  /** Where the service says that it is. */
  readonly endpoint?: string
  /** Whether a request breaks before it comes there. */
  readonly failing?: (method: string, path: string) => boolean
}

/** The token of the own session is `nova`. */
export function peerOver(
  application: Application,
  { base = '', type = '', endpoint = 'http://test', failing = () => false }: PeerOptions = {},
): PeerService {
  const session = (token: string, fixed: Ask = {}): Session => ({
    async request(given) {
      const { method = 'GET', json, body, headers, microversion, allow = [], ...where } = { ...fixed, ...given }
      const target = targetOf(where, base)
      if (failing(method, target.slice(base.length)))
        throw new PeerError('broken on purpose', { kind: 'unreachable', service: 'test', method, url: target })
      const answer = await ask(application, `${method} ${target}`, {
        token,
        body: json ?? (body === undefined ? undefined : await bytesOf(body)),
        headers: {
          ...(headers as Record<string, string>),
          'x-service-token': 'nova',
          ...(microversion && { 'openstack-api-version': `${type} ${microversion}` }),
        },
      })
      if (answer.status >= 400 && allow !== 'all' && !allow.includes(answer.status))
        throw new PeerError(`${method} ${target}: ${answer.status}`, {
          kind: 'status',
          service: 'test',
          status: answer.status,
          body: answer.bytes,
        })
      const result: Answer = {
        url: target,
        status: answer.status,
        headers: {},
        body: answer.bytes,
        text: () => answer.bytes.toString(),
        json: () => answer.body,
      }
      return result
    },
    stream: () => Promise.reject(new Error('not in this test')),
    endpoint: async () => endpoint,
    with: (more) => session(token, { ...fixed, ...more }),
    close: async () => {},
  })
  return { as: (context) => session(context.token ?? ''), own: session('nova'), close: async () => {} }
}

/** An address that a service gave is asked as it is. */
function targetOf({ path = '', url, query = {} }: Pick<Ask, 'path' | 'url' | 'query'>, base: string): string {
  if (url !== undefined) return url.replace(/^https?:\/\/[^/]*/, '')
  const found = new URLSearchParams()
  for (const [key, value] of Object.entries(query))
    for (const each of Array.isArray(value) ? value : [value]) if (each !== undefined) found.append(key, String(each))
  return `${base}${path}${found.size > 0 ? `?${found}` : ''}`
}

async function bytesOf(body: string | Uint8Array | AsyncIterable<Uint8Array>): Promise<string | Uint8Array> {
  if (typeof body === 'string' || body instanceof Uint8Array) return body
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}
