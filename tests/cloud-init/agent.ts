/** What stands between a guest and the metadata service: Neutron's metadata agent, and the service that dynamic vendor data come from. */
import { createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

export interface Asking {
  readonly uuid: string
  readonly projectId: string
  readonly address: string
}

export interface Agent {
  readonly url: string
  /** `METHOD path → status` of each request. */
  readonly asked: readonly string[]
  close(): void
}

/** Adds the headers that neutron-metadata-agent adds, and passes everything else on. */
export async function startAgent(service: string, secret: string, { uuid, projectId, address }: Asking): Promise<Agent> {
  const asked: string[] = []
  const added = {
    'x-forwarded-for': address,
    'x-instance-id': uuid,
    'x-tenant-id': projectId,
    'x-instance-id-signature': createHmac('sha256', secret).update(uuid).digest('hex'),
  }
  const server = createServer((incoming, outgoing) => {
    const { connection: _, host: __, ...headers } = incoming.headers
    const onward = request(new URL(incoming.url!, service), { method: incoming.method, headers: { ...headers, ...added } }, (answer) => {
      asked.push(`${incoming.method} ${incoming.url} → ${answer.statusCode}`)
      outgoing.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    incoming.pipe(onward)
  })
  return { url: `http://127.0.0.1:${await listening(server, 0)}`, asked, close: () => shut(server) }
}

/** Answers what it was asked, as part of a `#cloud-config`. */
export async function startVendorData(port: number): Promise<Server> {
  const server = createServer(async (incoming: IncomingMessage, outgoing) => {
    const { 'boot-roles': roles, ...rest } = (await json(incoming)) as Record<string, string>
    const told = JSON.stringify(sorted({ ...rest, 'boot-roles': roles!.split(',').sort() }))
    outgoing.writeHead(200, { 'content-type': 'application/json' })
    outgoing.end(JSON.stringify(`#cloud-config\nfinal_message: ${JSON.stringify(told)}\n`))
  })
  await listening(server, port)
  return server
}

/** Where the order of keys is a database's, it is told in none. */
function sorted(told: unknown): unknown {
  if (typeof told !== 'object' || told === null || Array.isArray(told)) return told
  const entries = Object.entries(told).sort(([one], [other]) => (one < other ? -1 : 1))
  return Object.fromEntries(entries.map(([key, value]) => [key, sorted(value)]))
}

const listening = (server: Server, port: number): Promise<number> =>
  new Promise((resolve, reject) =>
    server.once('error', reject).listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  )

function shut(server: Server): void {
  server.close()
  server.closeAllConnections()
}
