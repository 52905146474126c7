/** Metadata that users give their servers. */
import type { RequestContext } from '../../oslo/context.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { tellUpdate } from '../notifications/servers.ts'
import { refuseOddPairs } from '../quotas.ts'
import { refuseLocked } from './checks.ts'
import { detailsOf } from './details.ts'
import { inCell } from './in-cell.ts'
import { checkMetadata } from './quota.ts'
import { checkState } from './states.ts'

type Metadata = Readonly<Record<string, string | null>>

/** Nova asks a cell, which knows nothing of a server that it does not hold yet. nova/compute/api.py API.get_instance_metadata */
export const metadataOf = async (backends: Backends, server: Server): Promise<Metadata> =>
  server.pending ? {} : detailsOf(backends, server).get('metadata')

/** All of it afterwards. With `only`, what is not among the new values goes. */
export async function setMetadata(
  backends: Backends,
  context: RequestContext,
  server: Server,
  values: Readonly<Record<string, string>>,
  { only }: { only: boolean },
): Promise<Metadata> {
  refuseLocked(context, server)
  checkState(server, 'updateMetadata')
  refuseOddPairs(values)
  const wanted = only ? values : { ...(await metadataOf(backends, server)), ...values }
  await checkMetadata(backends, context, Object.keys(wanted).length)
  await inCell(backends, server, (cell) => cell.metadata.set(server.uuid, wanted, { only: true }))
  await tellUpdate(backends, context, server, detailsOf(backends, server))
  return wanted
}

/** Throws `missing`. */
export async function removeMetadata(backends: Backends, context: RequestContext, server: Server, key: string): Promise<void> {
  if (!Object.hasOwn(await metadataOf(backends, server), key)) throw new Fault('missing', 'Metadata item was not found')
  refuseLocked(context, server)
  checkState(server, 'deleteMetadata')
  await inCell(backends, server, (cell) => cell.metadata.remove(server.uuid, key))
  await tellUpdate(backends, context, server, detailsOf(backends, server))
}
