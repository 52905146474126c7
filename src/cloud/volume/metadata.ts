/** Metadata of volumes and of snapshots, which are served alike (cinder/api/v3/volume_metadata.py, snapshot_metadata.py). */
import { createHash } from 'node:crypto'
import { header } from '../../app/contract.ts'
import { dumps } from '../../oslo/python-json.ts'
import { reply } from '../service.ts'
import type { Metadata } from './documents.ts'
import { badRequest, fault, notFound } from './faults.ts'
import { refuseWhileBusy } from './image-actions.ts'
import { type Operations, operation } from './operation.ts'
import { findSnapshot, findVolume } from './rules.ts'
import * as shapes from './shapes.ts'
import { change } from './snapshots.ts'
import { putVolume, type VolumeCall } from './state.ts'

/** Whose metadata it is. */
interface Kind {
  readonly collection: string
  /** `Volume`, in errors. */
  readonly name: string
  read(call: VolumeCall): Metadata
  write(call: VolumeCall, metadata: Metadata, what: 'Updating' | 'Deleting'): void
  /** Whether a change may be bound to what was read before, from 3.15. */
  readonly tagged: boolean
}

const ofVolumes: Kind = {
  collection: 'volumes',
  name: 'Volume',
  tagged: true,
  read: (call) => findVolume(call, call.params.id!).metadata,
  write(call, metadata, what) {
    const volume = findVolume(call, call.params.id!)
    refuseWhileBusy(volume, what)
    call.store.write(() => putVolume(call, volume, { metadata }))
  },
}

const ofSnapshots: Kind = {
  collection: 'snapshots',
  name: 'Snapshot',
  tagged: false,
  read: (call) => findSnapshot(call, call.params.id!).metadata,
  write: (call, metadata) => void change(call, findSnapshot(call, call.params.id!), { metadata }),
}

export const metadata: Operations = { ...operationsOf(ofVolumes), ...operationsOf(ofSnapshots) }

function operationsOf(kind: Kind): Operations {
  const all = `/${kind.collection}/:id/metadata`
  const one = `${all}/:key`
  const missing = ({ params }: VolumeCall) => notFound(`${kind.name} ${params.id} has no metadata with key ${params.key}.`)
  return {
    [`GET ${all}`]: {
      run(call) {
        const body = { metadata: kind.read(call) }
        return kind.tagged && call.minor >= 15 ? reply(200, body, [['Etag', tagOf(body)]]) : body
      },
    },
    [`POST ${all}`]: operation({
      body: shapes.newMetadata,
      run(call, sent: { metadata: Metadata }) {
        const metadata = { ...kind.read(call), ...sent.metadata }
        kind.write(call, metadata, 'Updating')
        return { metadata }
      },
    }),
    [`PUT ${all}`]: operation({
      body: shapes.newMetadata,
      run(call, sent: { metadata: Metadata }) {
        requireTag(kind, call)
        kind.read(call)
        kind.write(call, sent.metadata, 'Updating')
        return { metadata: sent.metadata }
      },
    }),
    [`GET ${one}`]: {
      run(call) {
        const value = kind.read(call)[call.params.key!]
        if (value === undefined) throw missing(call)
        return { meta: { [call.params.key!]: value } }
      },
    },
    [`PUT ${one}`]: operation({
      body: shapes.oneOfMetadata,
      run(call, { meta }: { meta: Metadata }) {
        requireTag(kind, call)
        if (!Object.hasOwn(meta, call.params.key!)) throw badRequest('Request body and URI mismatch')
        kind.write(call, { ...kind.read(call), ...meta }, 'Updating')
        return { meta }
      },
    }),
    [`DELETE ${one}`]: {
      run(call) {
        const { [call.params.key!]: gone, ...others } = kind.read(call)
        if (gone === undefined) throw missing(call)
        kind.write(call, others, 'Deleting')
        return reply(200)
      },
    },
  }
}

/** As Python writes the JSON that it takes the sum of. */
const tagOf = ({ metadata }: { metadata: Metadata }): string => createHash('md5').update(dumps({ metadata })).digest('hex')

/** 412 when somebody changed the metadata since the client read it. */
function requireTag(kind: Kind, call: VolumeCall): void {
  const wanted = header(call.request, 'if-match')
  if (!kind.tagged || call.minor < 15 || !wanted || wanted === '*') return
  const tags = wanted.split(',').map((tag) => tag.trim().replace(/^(W\/)?"?(.*?)"?$/, '$2'))
  if (!tags.includes(tagOf({ metadata: kind.read(call) }))) throw fault(412, 'The metadata has changed.')
}
