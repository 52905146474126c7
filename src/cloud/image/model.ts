/** What the image service remembers: images, the projects they are shared with, and the imports they came by. */
import type { Collection, Document, Shelf } from '../shelf.ts'

export type Status = 'queued' | 'saving' | 'uploading' | 'active' | 'deactivated'
export type Visibility = 'public' | 'private' | 'shared' | 'community'
export type MemberStatus = 'pending' | 'accepted' | 'rejected'

/** What is known of bytes once all of them are there. */
export interface Content {
  readonly size: number
  readonly virtual_size: number | null
  /** md5, in hex. */
  readonly checksum: string
  /** sha512, in hex. */
  readonly os_hash_value: string
}

export interface Image extends Document {
  readonly name: string | null
  readonly status: Status
  readonly visibility: Visibility
  readonly owner: string | null
  readonly disk_format: string | null
  readonly container_format: string | null
  readonly min_disk: number
  readonly min_ram: number
  readonly protected: boolean
  readonly os_hidden: boolean
  readonly tags: readonly string[]
  /** Anything else that was given. */
  readonly properties: Readonly<Record<string, string>>
  /** Of the bytes that can be downloaded; null while there are none. */
  readonly content: Content | null
  /** Of bytes that wait to be imported. */
  readonly staged: Content | null
  /** Milliseconds. */
  readonly created: number
  readonly updated: number
}

export interface Member extends Document {
  readonly image_id: string
  /** The project that the image is shared with. */
  readonly member_id: string
  readonly status: MemberStatus
  readonly created: number
  readonly updated: number
}

/** An import that has ended. */
export interface Task extends Document {
  readonly image_id: string
  /** The project that asked for it. */
  readonly owner: string | null
  readonly user: string
  /** What was asked. */
  readonly request: unknown
  /** Bytes. */
  readonly size: number
  readonly began: number
  readonly ended: number
}

export interface Store {
  readonly images: Collection<Image>
  readonly members: Collection<Member>
  readonly tasks: Collection<Task>
  /** Seeds that were brought in before: an image that was deleted since does not come back. */
  readonly seeded: Collection<Document>
  write<T>(change: () => T): T
}

export const openStore = (shelf: Shelf): Store => ({
  images: shelf.collection('image.images'),
  members: shelf.collection('image.members'),
  tasks: shelf.collection('image.tasks'),
  seeded: shelf.collection('image.seeded'),
  write: (change) => shelf.write(change),
})

export const memberKey = (imageId: string, projectId: string): string => `${imageId}/${projectId}`

/**
 * As the API shows it; properties first, so that they hide nothing. Without `stores`, which only sites with several show: openstacksdk takes
 * it for a property and asks to remove it whenever it changes an image.
 */
export function imageView({ properties, content, staged, created, updated, ...image }: Image): Record<string, unknown> {
  return {
    ...properties,
    name: image.name,
    disk_format: image.disk_format,
    container_format: image.container_format,
    visibility: image.visibility,
    size: content?.size ?? staged?.size ?? null,
    virtual_size: content?.virtual_size ?? null,
    status: image.status,
    checksum: content?.checksum ?? null,
    protected: image.protected,
    min_ram: image.min_ram,
    min_disk: image.min_disk,
    owner: image.owner,
    os_hidden: image.os_hidden,
    os_hash_algo: content ? 'sha512' : null,
    os_hash_value: content?.os_hash_value ?? null,
    id: image.id,
    created_at: moment(created),
    updated_at: moment(updated),
    tags: image.tags,
    self: `/v2/images/${image.id}`,
    file: `/v2/images/${image.id}/file`,
    schema: '/v2/schemas/image',
  }
}

export const memberView = ({ member_id, image_id, status, created, updated }: Member) => ({
  member_id,
  image_id,
  status,
  created_at: moment(created),
  updated_at: moment(updated),
  schema: '/v2/schemas/member',
})

/** ISO 8601 in whole seconds. */
export const moment = (time: number): string => `${new Date(time).toISOString().slice(0, 19)}Z`
