/** What only admins do to servers: setting their state and having network information injected. */
import type { RequestContext } from '../../oslo/context.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { Backends } from '../backends.ts'
import { changeServer } from './change.ts'
import { refuseLocked } from './checks.ts'
import { detailsOf } from './details.ts'
import { finishAction, recordAction } from './record-action.ts'
import { startTask, toCompute } from './task.ts'

/** Says that the server is in this state, whatever it is in. */
export async function resetState(backends: Backends, context: RequestContext, server: Server, vmState: 'active' | 'error'): Promise<void> {
  await recordAction(backends, context, server, 'resetState')
  await changeServer(backends, server, null, { vmState, taskState: null })
  await finishAction(backends, context, server)
}

export async function injectNetworkInfo(backends: Backends, context: RequestContext, server: Server): Promise<void> {
  refuseLocked(context, server)
  const details = detailsOf(backends, server)
  await startTask(backends, context, details, {
    send: toCompute(backends, context, details, 'inject_network_info', {}),
  })
}
