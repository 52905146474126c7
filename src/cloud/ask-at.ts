/** Asks a service of the cloud that another process serves, as `ask` asks one of the same process. */
import type { Answer, Asked } from './ask.ts'

const timeoutMs = 10_000

/** `base` is an address without a path: `http://127.0.0.1:8774`. Rejects when nothing answers in time. */
export const askAt =
  (base: string) =>
  async (route: string, { token, body, headers }: Asked): Promise<Answer> => {
    const [method, target] = route.split(' ') as [string, string]
    const raw = typeof body === 'string' || body instanceof Uint8Array
    const response = await fetch(base + target, {
      method,
      headers: {
        ...(body !== undefined && !raw && { 'content-type': 'application/json' }),
        ...(token !== undefined && { 'x-auth-token': token }),
        ...headers,
      },
      ...(body !== undefined && { body: raw ? Buffer.from(body) : JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    })
    const bytes = Buffer.from(await response.arrayBuffer())
    const isJson = response.headers.get('content-type')?.startsWith('application/json')
    return {
      status: response.status,
      header: (name) => response.headers.get(name) ?? undefined,
      bytes,
      body: isJson && bytes.length > 0 ? JSON.parse(bytes.toString()) : bytes.toString(),
    }
  }
