/** Bringing back servers that were deleted softly. */
import type { RequestContext } from '../../oslo/context.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { Backends } from '../backends.ts'
import { refuseLockAsState } from './checks.ts'
import { detailsOf } from './details.ts'
import { checkRestore } from './quota.ts'
import { checkState } from './states.ts'
import { startTask, toCompute } from './task.ts'

/** Throws `tooManyServers` when it does not fit any more. One without a host needs nobody's help. */
export async function restore(backends: Backends, context: RequestContext, server: Server): Promise<void> {
  // nova/api/openstack/compute/deferred_delete.py knows locks as invalid states alone
  refuseLockAsState(context, server, 'restore')
  checkState(server, 'restore')
  const details = detailsOf(backends, server)
  await checkRestore(backends, details)
  const onHost = server.host !== null
  await startTask(backends, context, details, {
    verb: 'restore',
    action: 'restore',
    changes: { ...(onHost ? { taskState: 'restoring' } : { vmState: 'active', taskState: null }), deletedAt: null },
    ...(onHost ? { send: toCompute(backends, context, details, 'restore_instance', {}) } : { send: async () => {} }),
  })
  await backends.stores.api.serverMappings.update(server.uuid, { queuedForDelete: false })
}
