/** Pausing servers in memory and suspending them to disk, and the ways back. */
import type { RequestContext } from '../../oslo/context.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { Backends } from '../backends.ts'
import { refuseAccelerators, refuseLocked, refusePortAccelerators, refuseSev, refuseShares } from './checks.ts'
import { detailsOf } from './details.ts'
import { checkState } from './states.ts'
import { startTask, toCompute } from './task.ts'
import { sized } from './to-wire.ts'

export async function pause(backends: Backends, context: RequestContext, server: Server): Promise<void> {
  refuseLocked(context, server)
  checkState(server, 'pause')
  const details = detailsOf(backends, server)
  await startTask(backends, context, details, {
    verb: 'pause',
    action: 'pause',
    changes: { taskState: 'pausing' },
    send: toCompute(backends, context, details, 'pause_instance', {}),
  })
}

export async function unpause(backends: Backends, context: RequestContext, server: Server): Promise<void> {
  refuseLocked(context, server)
  checkState(server, 'unpause')
  const details = detailsOf(backends, server)
  await startTask(backends, context, details, {
    verb: 'unpause',
    action: 'unpause',
    changes: { taskState: 'unpausing' },
    send: toCompute(backends, context, details, 'unpause_instance', {}),
  })
}

export async function suspend(backends: Backends, context: RequestContext, server: Server): Promise<void> {
  const details = detailsOf(backends, server)
  await refuseShares(backends, details)
  refusePortAccelerators(server)
  refuseAccelerators(server)
  await refuseSev(details, 'suspend')
  refuseLocked(context, server)
  checkState(server, 'suspend')
  await startTask(backends, context, details, {
    verb: 'suspend',
    action: 'suspend',
    changes: { taskState: 'suspending' },
    fields: sized,
    send: toCompute(backends, context, details, 'suspend_instance', {}),
  })
}

export async function resume(backends: Backends, context: RequestContext, server: Server): Promise<void> {
  refuseLocked(context, server)
  checkState(server, 'resume')
  const details = detailsOf(backends, server)
  await startTask(backends, context, details, {
    verb: 'resume',
    action: 'resume',
    changes: { taskState: 'resuming' },
    send: toCompute(backends, context, details, 'resume_instance', {}),
  })
}
