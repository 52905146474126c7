/** Cinder as compute hosts use it: volumes for new servers, connections to them, and the end of what Cinder began. */
import type { CinderClient, CinderVolume } from './cinder.ts'

/** How a host is known to those who export volumes: `host` is its name. */
export type Connector = Readonly<Record<string, unknown>>

/** In the form that Nova keeps with a block device. nova/volume/cinder.py _translate_attachment_ref */
export type Connection = Readonly<Record<string, unknown>> & { readonly data: Readonly<Record<string, unknown>> }

export interface NewVolume {
  /** In GiB; null for as much as the snapshot has. */
  readonly size: number | null
  readonly name: string
  readonly volumeType: string | null
  readonly imageId?: string | null
  readonly snapshotId?: string | null
  /** The same key makes one volume, where the service heeds it: the embedded one does, Cinder does not. */
  readonly key: string
}

export interface AttachmentSummary {
  readonly id: string
  readonly volume_id: string
  /** The server. */
  readonly instance: string | null
  readonly status: string
}

/** All methods reject with a `PeerError`. */
export interface HostVolumes extends CinderClient {
  createVolume(values: NewVolume): Promise<CinderVolume>
  /** What was made with a key, for an administrator, where the service heeds keys; else undefined. */
  madeWith(key: string): Promise<CinderVolume | undefined>
  /** Tells where the volume is. With a connector that an attachment had before, it is the same again. */
  connect(attachmentId: string, connector: Connector, mountpoint: string | null): Promise<Connection>
  /** Reserves and connects in one. */
  connectNew(
    volumeId: string,
    instanceUuid: string,
    connector: Connector,
    mountpoint: string | null,
  ): Promise<{ readonly id: string; readonly connection: Connection }>
  /** Whether the attachment is there and complete. */
  isAttached(id: string): Promise<boolean>
  /** Of one volume, or of all; those of everybody for who may see them. */
  attachments(volumeId?: string): Promise<AttachmentSummary[]>
  /** Everybody's volumes in a status. */
  volumesIn(status: string): Promise<CinderVolume[]>
  /** Cinder tells by an event when a volume has been written anew. */
  reimage(volumeId: string, imageId: string): Promise<void>
  /** Resolves with the id that the server's volume has from then on. */
  completeMigration(oldId: string, newId: string, failed: boolean): Promise<string>
}

const attachments = '3.44'
const reimages = '3.68'
/** From here on a filter that the caller may not use is refused, and no longer left out. */
const strictFilters = '3.31'

export function hostVolumes(client: CinderClient): HostVolumes {
  const { session } = client
  return {
    ...client,
    async createVolume({ size, name, volumeType, imageId = null, snapshotId = null, key }) {
      const volume = { size, name, description: '', volume_type: volumeType, imageRef: imageId, snapshot_id: snapshotId }
      const headers = { 'idempotency-key': key }
      return (await session.request({ method: 'POST', path: '/volumes', json: { volume }, headers })).json<{ volume: CinderVolume }>()
        .volume
    },
    async madeWith(key) {
      const answer = await session.request({
        path: '/volumes/detail',
        query: { all_tenants: '1', made_for: key },
        microversion: strictFilters,
      })
      return answer.json<{ volumes: CinderVolume[] }>().volumes[0]
    },
    async connect(id, connector, mountpoint) {
      const answer = await session.request({
        method: 'PUT',
        path: `/attachments/${encodeURIComponent(id)}`,
        microversion: attachments,
        json: { attachment: { connector: { ...connector, ...(mountpoint !== null && { mountpoint }) } } },
      })
      return connectionOf(answer.json<{ attachment: Attachment }>().attachment)
    },
    async connectNew(volumeId, instanceUuid, connector, mountpoint) {
      const answer = await session.request({
        method: 'POST',
        path: '/attachments',
        microversion: attachments,
        json: {
          attachment: {
            volume_uuid: volumeId,
            instance_uuid: instanceUuid,
            connector: { ...connector, ...(mountpoint !== null && { mountpoint }) },
          },
        },
      })
      const { attachment } = answer.json<{ attachment: Attachment }>()
      return { id: attachment.id, connection: connectionOf(attachment) }
    },
    async isAttached(id) {
      const answer = await session.request({ path: `/attachments/${encodeURIComponent(id)}`, microversion: attachments, allow: [404] })
      return answer.status !== 404 && answer.json<{ attachment: Attachment }>().attachment.status === 'attached'
    },
    attachments: (volumeId) =>
      pages((marker) => {
        // administrators move servers of others
        const whose = { all_tenants: '1', ...(volumeId !== undefined && { volume_id: volumeId }) }
        return session
          .request({ path: '/attachments', query: { ...whose, ...marker }, microversion: attachments })
          .then((answer) => answer.json<{ attachments: AttachmentSummary[] }>().attachments)
      }),
    volumesIn: (status) =>
      pages((marker) =>
        session
          .request({ path: '/volumes/detail', query: { all_tenants: '1', status, ...marker } })
          .then((answer) => answer.json<{ volumes: CinderVolume[] }>().volumes),
      ),
    async reimage(volumeId, imageId) {
      await session.request({
        method: 'POST',
        path: `/volumes/${encodeURIComponent(volumeId)}/action`,
        microversion: reimages,
        json: { 'os-reimage': { image_id: imageId, reimage_reserved: true } },
      })
    },
    async completeMigration(oldId, newId, failed) {
      const answer = await session.request({
        method: 'POST',
        path: `/volumes/${encodeURIComponent(oldId)}/action`,
        json: { 'os-migrate_volume_completion': { new_volume: newId, error: failed } },
      })
      return answer.json<{ save_volume_id: string }>().save_volume_id
    },
  }
}

/** As many as Cinder puts on a page at most ([DEFAULT] osapi_max_limit). */
const mostAtOnce = 1000

async function pages<T extends { readonly id: string }>(read: (marker: Readonly<Record<string, string>>) => Promise<T[]>): Promise<T[]> {
  const all: T[] = []
  for (;;) {
    const last = all.at(-1)
    const page = await read(last ? { marker: last.id } : {})
    all.push(...page)
    if (page.length < mostAtOnce) return all
  }
}

interface Attachment {
  readonly id: string
  readonly volume_id: string
  readonly instance: string | null
  readonly status: string
  readonly attached_at: string
  readonly detached_at: string
  readonly connection_info: Readonly<Record<string, unknown>>
}

function connectionOf({ connection_info, volume_id, instance, status, attached_at, detached_at }: Attachment): Connection {
  const { driver_volume_type, attachment_id: _, ...data } = connection_info
  return { driver_volume_type, data, status, instance, attached_at, detached_at, volume_id }
}
