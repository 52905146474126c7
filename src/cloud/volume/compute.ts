/** The compute service as the volume service needs it: told of volumes that grow, asked to swap those that move. */
import { fault } from './faults.ts'
import type { Ask } from './images.ts'

export type ComputeEvent = 'volume-extended' | 'volume-reimaged'

export interface Compute {
  /** A server has to look at its volume again. */
  tell(event: ComputeEvent, serverIds: readonly string[], volumeId: string): Promise<void>
  /** A server has to put the new volume in the place of the old one, and to tell when it has. */
  swap(serverId: string, oldVolumeId: string, newVolumeId: string): Promise<void>
  /** The attachment by which a server has a volume; undefined when it has not, as the owner of the token sees it. */
  attachmentOf(token: string, serverId: string, volumeId: string): Promise<string | undefined>
}

/** Nova, which is asked at /v2.1; `ownToken` gives a token of a service that may do what administrators may. */
export function nova(ask: Ask, ownToken: () => Promise<string>): Compute {
  const at = (version: string) => ({ 'openstack-api-version': `compute ${version}` })
  return {
    async tell(event, serverIds, volumeId) {
      const events = serverIds.map((server_uuid) => ({ name: event, server_uuid, tag: volumeId }))
      const headers = at(event === 'volume-extended' ? '2.51' : '2.93')
      const { status } = await ask('POST /v2.1/os-server-external-events', { token: await ownToken(), body: { events }, headers })
      if (status > 299) throw new Error(`${event} of ${volumeId} is not taken: ${status}`)
    },
    async swap(serverId, oldVolumeId, newVolumeId) {
      const body = { volumeAttachment: { volumeId: newVolumeId } }
      const { status } = await ask(`PUT /v2.1/servers/${serverId}/os-volume_attachments/${oldVolumeId}`, { token: await ownToken(), body })
      if (status > 299) throw new Error(`${oldVolumeId} is not swapped: ${status}`)
    },
    async attachmentOf(token, serverId, volumeId) {
      const answer = await ask(`GET /v2.1/servers/${serverId}/os-volume_attachments/${volumeId}`, { token, headers: at('2.89') })
      if (answer.status === 404) return undefined
      if (answer.status !== 200) throw fault(500, 'The compute service does not answer.')
      return answer.body.volumeAttachment.attachment_id
    },
  }
}
