/** Serves the metrics on an address of their own, away from users. */
import { createServer, type Server } from 'node:http'
import { type Address, addressText } from './address.ts'

export interface MetricsParts {
  readonly address: Address
  readonly contentType: string
  readonly page: () => Promise<string>
}

/** `GET /metrics`, and `GET /healthcheck` while the process lives. Rejects when the address cannot be had. */
export async function serveMetrics({ address, contentType, page }: MetricsParts): Promise<Server> {
  const server = createServer((request, answer) => {
    const path = (request.url ?? '/').split('?')[0]
    const send = (status: number, body: string, type = 'text/plain; charset=utf-8') =>
      answer.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) }).end(body)
    if (request.method !== 'GET' && request.method !== 'HEAD') return void send(405, 'Only GET.\n')
    if (path === '/healthcheck') return void send(200, 'OK\n')
    if (path !== '/metrics') return void send(404, 'There is /metrics.\n')
    page().then(
      (text) => send(200, text, contentType),
      () => send(500, 'The metrics could not be gathered.\n'),
    )
  })
  if (address.kind === 'systemd') throw new Error('metrics need an address of their own, not a socket of systemd')
  const place = address.kind === 'unix' ? { path: address.path.replace(/^@/, '\0') } : { host: address.host, port: address.port }
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new Error(`metrics on ${addressText(address)}: ${error.message}`, { cause: error })))
    server.listen(place, resolve)
  })
  return server
}
