/** What a server's hypervisor measures of it. */
import type { RequestContext } from '../../oslo/context.ts'
import { isRemote } from '../../oslo/messaging/failure.ts'
import type { Server } from '../../stores/cell/servers.ts'
import { Diagnostics } from '../../stores/objects/diagnostics.ts'
import type { Backends } from '../backends.ts'
import type { FaultKind } from '../faults.ts'
import { ask, refusalOf, stateRefusal } from './ask.ts'
import { requireHost } from './checks.ts'

const refusals: Readonly<Record<string, FaultKind>> = { InstanceNotReady: 'conflict', NotImplementedError: 'notImplemented' }

/** As the hypervisor's driver names things. */
export async function diagnosticsOf(
  backends: Backends,
  context: RequestContext,
  server: Server,
): Promise<Readonly<Record<string, unknown>>> {
  requireHost(server)
  return told(server, ask(backends, context, server, 'get_diagnostics', {}))
}

/** The same names for all hypervisors. */
export async function commonDiagnosticsOf(backends: Backends, context: RequestContext, server: Server): Promise<Diagnostics> {
  requireHost(server)
  return Diagnostics.fromWire(await told(server, ask(backends, context, server, 'get_instance_diagnostics', {})))
}

async function told<T>(server: Server, answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (isRemote(error, 'InstanceInvalidState')) throw stateRefusal(server, 'get_diagnostics', error)
    throw refusalOf(error, refusals)
  }
}
