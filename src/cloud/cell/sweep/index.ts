/** Finds what nobody works on and ends it, at the start and from then on: nothing that was accepted stays half done for ever. */
import { adminContext } from '../../../oslo/context.ts'
import type { RpcClient, Target } from '../../../oslo/messaging/rpc-client.ts'
import { type CellParts, hostsUp } from '../parts.ts'
import { compute, computeAlt } from '../targets.ts'
import { sweepBuried, sweepServers } from './interrupted.ts'
import { sweepMigrations } from './migrations.ts'
import { offloadShelved, reclaim } from './periodic.ts'
import { sweepPorts } from './ports.ts'
import { sweepRequests } from './requests.ts'
import { sweepVolumes } from './volumes.ts'

/** One look at everything. Nothing is touched while messages may be waiting that this process has not seen. */
export async function sweep(parts: CellParts): Promise<void> {
  const { settings, clock, log, cell, leads } = parts
  if (!(await queuesAreEmpty(parts))) {
    log.warning('The message broker does not answer: nothing is cleared up')
    return
  }
  const since = clock.now() - settings.graceSeconds * 1000
  const first = leads ? [sweepRequests, sweepBuried] : []
  for (const part of [...first, sweepServers, sweepMigrations, sweepPorts, sweepVolumes, reclaim, offloadShelved])
    try {
      await part(parts, since)
    } catch (error) {
      log.error(`${part.name} failed`, { error })
    }
  await cell.consoleTokens.removeExpired()
}

const pingTimeoutMs = 5000

/**
 * A message to ourselves comes through each of our queues behind all that were there before it. Once it is here, so are they, and their servers count
 * as worked on.
 */
async function queuesAreEmpty(parts: CellParts): Promise<boolean> {
  const { cells, ids, rpc } = parts
  const context = adminContext(`req-${ids.uuid()}`)
  const ping = (client: RpcClient, target: Target) =>
    client.call({ ...target, version: '1.0' }, context, 'oslo_rpc_server_ping', {}, { timeoutMs: pingTimeoutMs })
  try {
    await Promise.all([
      // what the API wants of a server goes to the first cell's conductor
      ...[...cells.values()].map((one) => ping(one.rpc, { topic: 'conductor', version: '1.0' })),
      ...hostsUp(parts).flatMap((host) => [ping(rpc, compute(host)), ping(rpc, computeAlt(host))]),
    ])
    return true
  } catch {
    return false
  }
}
