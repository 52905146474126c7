/** The tables of the volume service on its shelf. */
import type { Collection, Document, Shelf } from '../shelf.ts'
import type { Attachment, DefaultType, Limits, QosSpecs, Service, Snapshot, Transfer, Volume, VolumeType } from './documents.ts'

export interface Store {
  readonly volumes: Collection<Volume>
  readonly attachments: Collection<Attachment>
  readonly snapshots: Collection<Snapshot>
  readonly types: Collection<VolumeType>
  readonly qosSpecs: Collection<QosSpecs>
  readonly projectLimits: Collection<Limits>
  readonly classLimits: Collection<Limits>
  readonly services: Collection<Service>
  readonly transfers: Collection<Transfer>
  readonly defaultTypes: Collection<DefaultType>
  /** Seeds that were brought in before: what was removed since does not come back. */
  readonly seeded: Collection<Document>
  /** One transaction: all of it or nothing. */
  write<T>(change: () => T): T
}

export const openStore = (shelf: Shelf): Store => ({
  volumes: shelf.collection('volume/volumes'),
  attachments: shelf.collection('volume/attachments'),
  snapshots: shelf.collection('volume/snapshots'),
  types: shelf.collection('volume/types'),
  qosSpecs: shelf.collection('volume/qos_specs'),
  projectLimits: shelf.collection('volume/quotas'),
  classLimits: shelf.collection('volume/quota_classes'),
  services: shelf.collection('volume/services'),
  transfers: shelf.collection('volume/transfers'),
  defaultTypes: shelf.collection('volume/default_types'),
  seeded: shelf.collection('volume/seeded'),
  write: (change) => shelf.write(change),
})

export const attachmentsOf = (store: Store, volumeId: string): readonly Attachment[] => store.attachments.by('volume_id', volumeId)
export const snapshotsOf = (store: Store, volumeId: string): readonly Snapshot[] => store.snapshots.by('volume_id', volumeId)
