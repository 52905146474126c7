/** What is asked of a compute about its host, with the arguments that nova/compute/rpcapi.py sends. */
import type { RequestContext } from '../../oslo/context.ts'
import { isRemote } from '../../oslo/messaging/failure.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import type { Placed } from '../services/find.ts'
import { fitting, foreseen, ordinaryCall, pinOf } from './compute.ts'
import { longCall } from './conductor.ts'

/** Arguments, and the answer. */
interface HostCalls {
  get_host_uptime: [Record<never, never>, string]
  host_maintenance_mode: [{ host: string; mode: boolean }, string]
  host_power_action: [{ action: 'startup' | 'shutdown' | 'reboot' }, string]
  set_host_enabled: [{ enabled: boolean }, string]
}

/** Throws `notImplemented` when the driver has no such thing, `undelivered` or `unanswered`, or the `RemoteError`. */
export async function callHost<M extends keyof HostCalls>(
  backends: Backends,
  context: RequestContext,
  { cell, service }: Placed,
  method: M,
  args: HostCalls[M][0],
): Promise<HostCalls[M][1]> {
  try {
    const client = await backends.rpc.cell(cell.id)
    const { version } = fitting(await pinOf(backends), method, args)
    const target = { topic: 'compute', server: service.host!, version }
    const options = method === 'set_host_enabled' ? longCall(backends) : ordinaryCall(backends)
    return await client.call<HostCalls[M][1]>(target, context, method, args, options)
  } catch (error) {
    if (isRemote(error, 'NotImplementedError')) throw new Fault('notImplemented', 'The requested functionality is not supported.')
    throw foreseen(error, method)
  }
}
