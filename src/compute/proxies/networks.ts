/** Networks of Neutron, as the compute API shows them until 2.35. */
import type { RequestContext } from '../../oslo/context.ts'
import type { NeutronNetwork } from '../../peers/neutron.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { neutronSays } from './neutron-says.ts'

export type Network = Pick<NeutronNetwork, 'id' | 'name'>

/** Those that the caller may see. */
export const listNetworks = ({ peers }: Backends, context: RequestContext): Promise<readonly Network[]> =>
  neutronSays(() => peers.neutron.as(context).list('networks'))

/** Throws `missing`. */
export async function findNetwork({ peers }: Backends, context: RequestContext, id: string): Promise<Network> {
  const found = await neutronSays(() => peers.neutron.as(context).show('networks', id))
  if (!found) throw new Fault('missing', 'Network not found')
  return found
}

/** External networks: where floating addresses come from. */
export const floatingPools = ({ peers }: Backends, context: RequestContext): Promise<readonly Network[]> =>
  neutronSays(() => peers.neutron.as(context).list('networks', { 'router:external': true }))
