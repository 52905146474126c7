/** A stand-in for Neutron that costs nothing, where what others take is not to be measured. */
import { createServer, type Server } from 'node:http'

/** Answers any question with an empty list of what is asked for, at once. */
export function neutronStandIn(port: number): Promise<Server> {
  const server = createServer((asked, answer) => {
    asked.resume()
    const [, name = ''] = /\/v2\.0\/([a-z-]+)/.exec(asked.url!) ?? []
    const text = JSON.stringify({ [name.replaceAll('-', '_')]: [] })
    answer.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text)
  })
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(server)))
}
