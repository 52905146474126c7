/** The cell's ends of Nova's topics: one server for the conductor, one for the scheduler, two for each compute host. */
import type { Driver } from '../../oslo/messaging/driver.ts'
import { type Endpoint, pingEndpoint, type RpcServer, rpcServer } from '../../oslo/messaging/rpc-server.ts'
import { computeEndpoints } from './compute/index.ts'
import { conductorEndpoints } from './conductor/index.ts'
import { isConflict, isGone } from './errors.ts'
import type { CellParts } from './parts.ts'
import { schedulerEndpoints } from './scheduler/index.ts'

/** Resolves when the broker knows of all of them. */
export function listen(parts: CellParts, driver: Driver): Promise<RpcServer[]> {
  const { log, settings, hosts } = parts
  const report = (error: unknown, method: string) => {
    if (isGone(error) || isConflict(error)) log.info(`${method}: ${(error as Error).message}`)
    else log.error(`Exception during message handling: ${method}`, { error })
  }
  const on = (topic: string, server: string, endpoints: Endpoint[]) =>
    rpcServer({ driver, topic, server, endpoints: [...endpoints, pingEndpoint], report })
  return Promise.all([
    on('conductor', settings.controller, conductorEndpoints(parts)),
    on('scheduler', settings.controller, schedulerEndpoints(parts)),
    ...[...hosts.values()].flatMap((host) => {
      const endpoints = computeEndpoints(host)
      return [on('compute', host.name, endpoints), on('compute-alt', host.name, endpoints)]
    }),
  ])
}
