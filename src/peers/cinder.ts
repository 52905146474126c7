/** Cinder's API, as far as Nova uses it. */
import { STATUS_CODES } from 'node:http'
import type { RequestContext } from '../oslo/context.ts'
import type { PeerError } from '../oslo/keystoneauth/errors.ts'
import type { Session } from '../oslo/keystoneauth/session.ts'
import type { PeerService } from './service.ts'

/** A volume as Cinder's version 3 shows it. */
export interface CinderVolume {
  readonly id: string
  readonly name: string | null
  readonly status: string
  /** In GiB. */
  readonly size: number
  readonly availability_zone: string | null
  /** `true` or `false`, as text. */
  readonly bootable?: string
  readonly multiattach?: boolean
  readonly encrypted?: boolean
  readonly attachments: readonly { readonly server_id: string; readonly attachment_id?: string; readonly device?: string }[]
  readonly volume_type?: string | null
  readonly snapshot_id?: string | null
  readonly metadata?: Readonly<Record<string, string>>
  /** Attributes and properties of the image that it was made from, all of them texts. */
  readonly volume_image_metadata?: Readonly<Record<string, string>>
  readonly [key: string]: unknown
}

export interface CinderSnapshot {
  readonly id: string
  readonly name: string | null
  readonly status: string
  readonly size: number
  readonly volume_id: string
  readonly [key: string]: unknown
}

export interface CinderVolumeType {
  readonly id: string
  readonly name: string
  readonly [key: string]: unknown
}

/** All methods reject with a `PeerError`. */
export interface CinderClient {
  /** Undefined when it is not there or not to be seen. */
  volume(id: string): Promise<CinderVolume | undefined>
  /** Undefined when it is not there or not to be seen. */
  snapshot(id: string): Promise<CinderSnapshot | undefined>
  volumeTypes(): Promise<CinderVolumeType[]>
  /** Reserves a volume for a server. Without a connector it is not yet attached. */
  createAttachment(volumeId: string, instanceUuid: string): Promise<{ readonly id: string }>
  /** False when it was gone already. */
  removeAttachment(id: string): Promise<boolean>
  /** Undefined when it is gone. */
  attachment(id: string): Promise<CinderAttachment | undefined>
  /** Makes a reserved volume one that is in use. */
  completeAttachment(id: string): Promise<void>
  /** Asks for a change of a volume's state by the name of the action, such as `os-begin_detaching`. */
  act(volumeId: string, action: string, args?: object | null): Promise<void>
  removeVolume(id: string): Promise<void>
  /** Of a volume that may be in use. */
  createSnapshot(volumeId: string, name: string, description: string | null): Promise<{ readonly id: string }>
  /** The project's limits and what it has of them, such as `maxTotalSnapshots` and `totalSnapshotsUsed`. */
  limits(): Promise<Readonly<Record<string, number>>>
  /** Anything else: the parsed answer. */
  readonly session: Session
}

export interface CinderAttachment {
  readonly id: string
  /** `rw` or `ro`. */
  readonly attach_mode: string
}

export interface Cinder {
  as(context: RequestContext): CinderClient
  readonly own: CinderClient
}

export const cinder = (service: PeerService): Cinder => ({
  as: (context) => client(service.as(context)),
  own: client(service.own),
})

/** The first version in which an attachment can be completed; Nova asks for no older one. */
const attachments = '3.44'

const client = (session: Session): CinderClient => ({
  session,
  async volume(id) {
    const answer = await session.request({ path: `/volumes/${encodeURIComponent(id)}`, allow: [404] })
    return answer.status === 404 ? undefined : answer.json<{ volume: CinderVolume }>().volume
  },
  async snapshot(id) {
    const answer = await session.request({ path: `/snapshots/${encodeURIComponent(id)}`, allow: [404] })
    return answer.status === 404 ? undefined : answer.json<{ snapshot: CinderSnapshot }>().snapshot
  },
  async volumeTypes() {
    return (await session.request({ path: '/types' })).json<{ volume_types: CinderVolumeType[] }>().volume_types
  },
  async createAttachment(volumeId, instanceUuid) {
    const answer = await session.request({
      method: 'POST',
      path: '/attachments',
      microversion: attachments,
      json: { attachment: { volume_uuid: volumeId, instance_uuid: instanceUuid, connector: null } },
    })
    return answer.json<{ attachment: { id: string } }>().attachment
  },
  async removeAttachment(id) {
    const { status } = await session.request({
      method: 'DELETE',
      path: attachmentPath(id),
      microversion: attachments,
      allow: [404],
      // nova/volume/cinder.py API.attachment_delete: a busy back end is asked five times
      statusRetries: 4,
      retriableStatuses: [500, 504],
    })
    return status !== 404
  },
  async attachment(id) {
    const answer = await session.request({ path: attachmentPath(id), microversion: attachments, allow: [404] })
    return answer.status === 404 ? undefined : answer.json<{ attachment: CinderAttachment }>().attachment
  },
  async completeAttachment(id) {
    const path = `${attachmentPath(id)}/action`
    await session.request({ method: 'POST', path, microversion: attachments, json: { 'os-complete': null } })
  },
  async act(volumeId, action, args = null) {
    const path = `/volumes/${encodeURIComponent(volumeId)}/action`
    await session.request({ method: 'POST', path, json: { [action]: args } })
  },
  async removeVolume(id) {
    await session.request({ method: 'DELETE', path: `/volumes/${encodeURIComponent(id)}` })
  },
  async createSnapshot(volumeId, name, description) {
    const snapshot = { volume_id: volumeId, force: true, name, description, metadata: {} }
    return (await session.request({ method: 'POST', path: '/snapshots', json: { snapshot } })).json<{ snapshot: { id: string } }>().snapshot
  },
  async limits() {
    return (await session.request({ path: '/limits' })).json<{ limits: { absolute: Record<string, number> } }>().limits.absolute
  },
})

const attachmentPath = (id: string): string => `/attachments/${encodeURIComponent(id)}`

/** What Cinder said no with, in cinderclient's words, which Nova hands on to users. */
export function cinderText(error: PeerError): string {
  const id = error.headers['x-openstack-request-id'] ?? error.headers['x-compute-request-id']
  return `${cinderMessage(error)} (HTTP ${error.status})${id ? ` (Request-ID: ${[id].flat()[0]})` : ''}`
}

/** The same without status and id of the request; the status in words where Cinder, or what stands before it, did not say why. cinderclient/exceptions.py from_response */
export const cinderMessage = (error: PeerError): string => messageIn(error.text) ?? phraseOf(error.status)

function messageIn(text: string): string | undefined {
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body !== 'object' || body === null || Object.keys(body).length === 0) return undefined
    const { message } = ('message' in body ? body : Object.values(body)[0]) as { message?: unknown }
    return typeof message === 'string' ? message : 'n/a'
  } catch {
    return undefined
  }
}

const phraseOf = (status = 500): string => (status === 413 ? 'Request Entity Too Large' : (STATUS_CODES[status] ?? 'n/a'))
