/** Requests over connections that are kept, as clients of an API have them. */
import { Agent, request as ask } from 'node:http'

export interface Answer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly bytes: Buffer
}

export type Http = (method: string, url: string, headers?: Readonly<Record<string, string>>, body?: unknown) => Promise<Answer>

export function keptConnections(count: number): { http: Http; close(): void } {
  const agent = new Agent({ keepAlive: true, maxSockets: count })
  const http: Http = (method, url, headers = {}, body) =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body)
      const sent =
        text === undefined ? headers : { ...headers, 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(text)) }
      const outgoing = ask(url, { method, headers: sent, agent }, (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk) => chunks.push(chunk))
        answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, bytes: Buffer.concat(chunks) }))
      })
      outgoing.on('error', reject).end(text)
    })
  return { http, close: () => agent.destroy() }
}
