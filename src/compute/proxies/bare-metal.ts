/** Nodes of Ironic, as the compute API shows them until 2.35. */
import type { IronicNode } from '../../peers/ironic.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'

export type Node = IronicNode

/** Throws `notImplemented` where nova.conf has no [ironic]. */
export async function listNodes(backends: Backends): Promise<Node[]> {
  return ironicOf(backends).nodes()
}

/** A node and the MAC addresses of its ports. Throws `missing` and `notImplemented`. */
export async function findNode(backends: Backends, id: string): Promise<Node & { readonly addresses: readonly string[] }> {
  const ironic = ironicOf(backends)
  const found = await ironic.node(id)
  if (!found) throw new Fault('missing', `Node ${id} could not be found.`)
  return { ...found, addresses: await ironic.addresses(id) }
}

// Nova answers an unforeseen error there
function ironicOf({ peers: { ironic } }: Backends) {
  if (!ironic.configured) throw new Fault('notImplemented', 'The bare metal service is not configured.')
  return ironic
}
