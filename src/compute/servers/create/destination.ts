/** The host and the node that the scheduler shall choose, when somebody names them. */
import { answered } from '../../../stores/cells.ts'
import { Destination } from '../../../stores/objects/request-spec.ts'
import type { Backends } from '../../backends.ts'
import { Fault } from '../../faults.ts'
import type { WantedServers } from './wanted.ts'

/** Null when nothing is named. Throws `computeHostNotFound`. nova/compute/api.py API._validate_host_or_node */
export async function destinationOf(
  backends: Backends,
  { requestedHost: host, requestedNode: node }: Pick<WantedServers, 'requestedHost' | 'requestedNode'>,
): Promise<Destination | null> {
  if (!host && !node) return null
  const there = host ? await isThere(backends, host, node) : await isProvider(backends, node!)
  if (!there) throw new Fault('computeHostNotFound', host || node)
  return Destination.make({ ...(host && { host }), node })
}

async function isThere({ stores }: Backends, host: string, node: string | null): Promise<boolean> {
  const mapping = await stores.api.hostMappings.find(host)
  if (!mapping || !node) return mapping !== undefined
  const [answer] = await stores.cells.gather((cell) => cell.computeNodes.find(host, node), [mapping.cellId])
  if (answer && answered(answer)) return answer.value !== undefined
  throw new Fault('cellDown', answer?.cell.uuid ?? mapping.cellId)
}

const isProvider = async ({ peers }: Backends, name: string): Promise<boolean> => (await peers.placement.providerNamed(name)) !== undefined
