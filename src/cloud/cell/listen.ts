/** The cell's ends of Nova's topics: one server for the conductor, one for the scheduler, two for each compute host. */
import type { Log } from '../../oslo/log.ts'
import type { Driver } from '../../oslo/messaging/driver.ts'
import { type Endpoint, pingEndpoint, type RpcServer, rpcServer } from '../../oslo/messaging/rpc-server.ts'
import { computeEndpoints } from './compute/index.ts'
import { conductorEndpoints } from './conductor/index.ts'
import { isConflict, isGone } from './errors.ts'
import { faultEndpoint, faultTopic } from './fault-endpoint.ts'
import type { CellParts, Host } from './parts.ts'
import { schedulerEndpoints } from './scheduler/index.ts'
import type { HostServers } from './switch.ts'

type Serve = (topic: string, server: string, endpoints: readonly Endpoint[]) => Promise<RpcServer>

const serverOn =
  (driver: Driver, log: Log): Serve =>
  (topic, server, endpoints) =>
    rpcServer({
      driver,
      topic,
      server,
      endpoints: [...endpoints, pingEndpoint],
      report(error, method) {
        if (isGone(error) || isConflict(error)) log.info(`${method}: ${(error as Error).message}`)
        else log.error(`Exception during message handling: ${method}`, { error })
      },
    })

/** The conductor and the scheduler, and where people set faults. Resolves when the broker knows of all of them. */
export function listen(parts: CellParts, driver: Driver): Promise<RpcServer[]> {
  const { log, settings, leads } = parts
  const on = serverOn(driver, log)
  return Promise.all([
    on('conductor', settings.controller, conductorEndpoints(parts)),
    on('scheduler', settings.controller, schedulerEndpoints(parts)),
    ...(leads ? [on(faultTopic, settings.controller, [faultEndpoint(parts)])] : []),
  ])
}

/** After that, what a host was still doing when it was taken away goes on by itself. */
const patienceMs = 1000

/** The compute services, each of which can go and come back. */
export function hostServers(hosts: ReadonlyMap<string, Host>, driver: Driver, { log, wait }: Pick<Host, 'log' | 'wait'>): HostServers {
  const on = serverOn(driver, log)
  const running = new Map<string, Promise<RpcServer[]>>()

  async function stop(host: string): Promise<void> {
    const servers = (await running.get(host)) ?? []
    running.delete(host)
    await Promise.all(servers.map((server) => server.stop()))
  }

  return {
    async open(name) {
      if (!running.has(name)) {
        const endpoints = computeEndpoints(hosts.get(name)!)
        running.set(name, Promise.all([on('compute', name, endpoints), on('compute-alt', name, endpoints)]))
      }
      await running.get(name)
    },
    close: (name) => Promise.race([stop(name), wait(patienceMs)]),
    stop: async () => void (await Promise.all([...running.keys()].map(stop))),
  }
}
