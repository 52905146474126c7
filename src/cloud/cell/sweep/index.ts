/** Finds what nobody works on and ends it, at the start and from then on: nothing that was accepted stays half done for ever. */
import { adminContext } from '../context.ts'
import type { CellParts } from '../parts.ts'
import { compute, computeAlt } from '../targets.ts'
import { sweepBuried, sweepServers } from './interrupted.ts'
import { sweepMigrations } from './migrations.ts'
import { offloadShelved, reclaim } from './periodic.ts'
import { sweepPorts } from './ports.ts'
import { sweepRequests } from './requests.ts'
import { sweepVolumes } from './volumes.ts'

/** One look at everything. Nothing is touched while messages may be waiting that this process has not seen. */
export async function sweep(parts: CellParts): Promise<void> {
  const { settings, clock, log, cell } = parts
  if (!(await queuesAreEmpty(parts))) {
    log.warning('The message broker does not answer: nothing is cleared up')
    return
  }
  const since = clock.now() - settings.graceSeconds * 1000
  for (const part of [sweepRequests, sweepServers, sweepBuried, sweepMigrations, sweepPorts, sweepVolumes, reclaim, offloadShelved])
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
async function queuesAreEmpty({ rpc, hosts, ids }: CellParts): Promise<boolean> {
  const context = adminContext(`req-${ids.uuid()}`)
  const targets = [{ topic: 'conductor' }, ...[...hosts.keys()].flatMap((host) => [compute(host), computeAlt(host)])]
  try {
    await Promise.all(
      targets.map((target) => rpc.call({ ...target, version: '1.0' }, context, 'oslo_rpc_server_ping', {}, { timeoutMs: pingTimeoutMs })),
    )
    return true
  } catch {
    return false
  }
}
