/** Requests for servers that nobody works on: whoever accepted them died before the conductor heard of it. */
import { adminContext } from '../../../oslo/context.ts'
import { fromDateTime } from '../../../oslo/database/datetime.ts'
import { bury } from '../conductor/bury.ts'
import { nova } from '../errors.ts'
import { findHome } from '../home.ts'
import type { CellParts } from '../parts.ts'

/** What networks and files they wanted went with the message, so they cannot be built: their owners find them in error, with the reason. */
export async function sweepRequests(parts: CellParts, since: number): Promise<void> {
  const { api, work, log, ids } = parts
  for (const request of await api.requests.list(null)) {
    const uuid = request.instanceUuid!
    if (work.isBusy(uuid) || (request.createdAt !== null && fromDateTime(request.createdAt) >= since)) continue
    await work.on([uuid], () =>
      work.inTurn(uuid, async () => {
        // one that a cell has goes on there
        if (await (await findHome(parts, uuid))?.cell.servers.find(uuid, { deletedToo: true })) {
          await api.requests.remove(uuid)
          return
        }
        log.warning('Nobody works on the request for the server', { instance: uuid })
        const { user_id: userId, project_id: projectId } = request.instance['nova_object.data'] as Record<string, string>
        const context = {
          ...adminContext(`req-${ids.uuid()}`),
          userId: userId ?? null,
          projectId: projectId ?? null,
          timestamp: request.createdAt!,
        }
        const reason = 'the request was interrupted before a host was chosen'
        await bury(parts, context, uuid, nova('BuildAbortException', { instance_uuid: uuid, reason }))
      }),
    )
  }
}
