/** The identity service under /identity of another port, where DevStack's web server puts it and novaclient's tests look for it. */
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Front {
  /** Ends with /v3, as clients are told it. */
  readonly url: string
  close(): void
}

/** `service` is the service's own address, to which its links lead; other paths get 404, as from that web server. */
export async function underIdentity(service: string): Promise<Front> {
  const server = createServer((asked, answer) => {
    const path = /^\/identity(?=\/|$)(.*)/.exec(asked.url!)?.[1]
    if (path === undefined) return void answer.writeHead(404).end()
    const { host, ...headers } = asked.headers
    const passed = request(new URL(service).origin + path, { method: asked.method!, headers }, (given) => {
      answer.writeHead(given.statusCode!, given.headers)
      given.pipe(answer)
    })
    passed.on('error', () => answer.destroy())
    asked.pipe(passed)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/identity/v3`, close: () => void server.close() }
}
