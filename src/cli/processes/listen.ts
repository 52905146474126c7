/** Serves an application on an address of this machine. */
import { createServer } from 'node:http'
import type { Application } from '../../app/contract.ts'
import { toNodeListener } from '../../hosts/node.ts'

export interface Listening {
  /** Takes no more requests and resolves when those under way are answered, or after a second. */
  close(): Promise<void>
}

/** Longer than clients keep a connection, so that none is closed under a request that is being sent. */
const keepAliveMs = 75_000
const lastWordMs = 1000

/** Rejects when the port is taken. */
export async function listen(application: Application, { host, port }: { host: string; port: number }): Promise<Listening> {
  // no limit on a whole request: an image takes as long as it takes
  const server = createServer({ keepAliveTimeout: keepAliveMs, requestTimeout: 0, noDelay: true }, toNodeListener(application))
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen({ host, port }, resolve))
  return {
    close: () =>
      new Promise((resolve) => {
        const late = setTimeout(() => server.closeAllConnections(), lastWordMs)
        server.close(() => {
          clearTimeout(late)
          resolve()
        })
      }),
  }
}
