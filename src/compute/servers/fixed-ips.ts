/** Further addresses on the networks of a server, until 2.43. */
import type { RequestContext } from '../../oslo/context.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { Backends } from '../backends.ts'
import { refuseLocked } from './checks.ts'
import { detailsOf } from './details.ts'
import { startTask, toCompute } from './task.ts'

export async function addFixedIp(backends: Backends, context: RequestContext, server: Server, networkId: string | number): Promise<void> {
  refuseLocked(context, server)
  const details = detailsOf(backends, server)
  await startTask(backends, context, details, {
    send: toCompute(backends, context, details, 'add_fixed_ip_to_instance', { network_id: networkId }),
  })
}

export async function removeFixedIp(backends: Backends, context: RequestContext, server: Server, address: string): Promise<void> {
  refuseLocked(context, server)
  const details = detailsOf(backends, server)
  await startTask(backends, context, details, {
    send: toCompute(backends, context, details, 'remove_fixed_ip_from_instance', { address }),
  })
}
