/** The NUMA nodes of a server. */
import type { Server } from '../../stores/cell/servers.ts'
import type { InstanceNUMATopology } from '../../stores/objects/numa.ts'
import type { Backends } from '../backends.ts'
import { detailsOf } from './details.ts'
import { instanceOf } from './to-wire.ts'

/** Null for one that has none, or that no cell holds yet. */
export async function topologyOf(backends: Backends, server: Server): Promise<InstanceNUMATopology | null> {
  if (server.cellId === null) return null
  return (await instanceOf(detailsOf(backends, server), ['numa_topology'])).numa_topology ?? null
}
