/** Locking servers against everybody who is no admin. */
import type { RequestContext } from '../../oslo/context.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { Backends } from '../backends.ts'
import { tellAction, tellUpdate } from '../notifications/servers.ts'
import { changeServer } from './change.ts'
import { detailsOf } from './details.ts'
import { inCell } from './in-cell.ts'
import { asEvent, recordAction } from './record-action.ts'

type Owned = Pick<Server, 'projectId' | 'lockedBy'>

const owns = ({ projectId }: RequestContext, server: Owned): boolean => server.projectId === projectId

/** A lock by its own project stays as it is; one by others replaces it. */
export async function lock(backends: Backends, context: RequestContext, server: Server, reason: string | null): Promise<void> {
  const owner = owns(context, server)
  if (server.locked && owner) return
  await recordAction(backends, context, server, 'lock')
  await asEvent(backends, context, server, 'api_lock', async () => {
    const changes = await changeServer(backends, server, null, { locked: true, lockedBy: owner ? 'owner' : 'admin' })
    if (reason) await inCell(backends, server, (cell) => cell.systemMetadata.set(server.uuid, { locked_reason: reason }))
    await tellUpdate(backends, context, server, detailsOf(backends, { ...server, ...changes } as Server))
  })
  await tellAction(backends, context, detailsOf(backends, { ...server, locked: 1 } as unknown as Server), 'lock')
}

/** Whether whoever asks is of the kind that locked it: then no further right is needed to unlock it. */
export const mayUnlock = (context: RequestContext, server: Owned): boolean =>
  !server.lockedBy || server.lockedBy === (owns(context, server) ? 'owner' : 'admin')

export async function unlock(backends: Backends, context: RequestContext, server: Server): Promise<void> {
  await recordAction(backends, context, server, 'unlock')
  await asEvent(backends, context, server, 'api_unlock', async () => {
    const changes = await changeServer(backends, server, null, { locked: false, lockedBy: null })
    await inCell(backends, server, (cell) => cell.systemMetadata.remove(server.uuid, 'locked_reason'))
    await tellUpdate(backends, context, server, detailsOf(backends, { ...server, ...changes } as Server))
  })
  await tellAction(backends, context, detailsOf(backends, { ...server, locked: 0 } as unknown as Server), 'unlock')
}
