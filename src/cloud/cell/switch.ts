/** Compute hosts that are taken away and brought back while the cloud runs: nobody hears their services, and messages for them wait. */
import { toDateTime } from '../../oslo/database/datetime.ts'
import type { CellParts } from './parts.ts'

export interface HostServers {
  /** Begins to take the host's messages; nothing when it does already. */
  open(host: string): Promise<void>
  /** Takes no more of them, and resolves when those in work are done or after a moment. */
  close(host: string): Promise<void>
  stop(): Promise<void>
}

const binary = 'nova-compute'

/** As if its machine had lost its power: its service counts as down at once. What is in work there goes on to its end. */
export async function bringDown(parts: CellParts, host: string): Promise<void> {
  const { cell, faults, servers, clock, settings } = parts
  faults.setDown(host, true)
  await servers.close(host)
  const service = await cell.services.find(host, binary)
  const longAgo = clock.now() - (settings.serviceDownSeconds + 1) * 1000
  if (service) await cell.services.update(service.id, { lastSeenUp: toDateTime(longAgo) })
}

export async function bringUp({ cell, faults, servers, clock }: CellParts, host: string): Promise<void> {
  faults.setDown(host, false)
  const service = await cell.services.find(host, binary)
  if (service) await cell.services.update(service.id, { lastSeenUp: toDateTime(clock.now()), reportCount: service.reportCount + 1 })
  await servers.open(host)
}
