/** Snapshots that Cinder asks for: /os-assisted-volume-snapshots. */
import * as compute from '../../compute/assisted-snapshots.ts'
import { Fault } from '../../compute/faults.ts'
import { repr } from '../../oslo/python.ts'
import { last } from '../serve/query.ts'
import { type Call, nothing, op, plain, resource } from '../spec/operation.ts'
import * as p from '../spec/parameters.ts'
import { json, type Of, object, query, words } from '../spec/shape.ts'

const filled = json<string>({ type: 'string', minLength: 1 })
const createBody = object(
  {
    snapshot: object(
      {
        volume_id: filled,
        create_info: object(
          { snapshot_id: filled, type: words(['qcow2']), new_file: filled, id: filled },
          { required: ['snapshot_id', 'type', 'new_file'] },
        ),
      },
      { required: ['volume_id', 'create_info'] },
    ),
  },
  { required: ['snapshot'] },
)
const deleteQuery = query({ delete_info: p.anyTexts }, { others: { until: '2.74' } })

const nobody = () => ({})
// Not 409, as elsewhere: kept for old clients
const faults = { serverNotReady: 400 } as const

export const assistedSnapshots = resource({
  'POST /os-assisted-volume-snapshots': op({
    body: createBody,
    rule: 'os_compute_api:os-assisted-volume-snapshots:create',
    target: nobody,
    errors: [400],
    faults,
    reply: plain(),
    run: create,
  }),
  'DELETE /os-assisted-volume-snapshots/:id': op({
    query: deleteQuery,
    rule: 'os_compute_api:os-assisted-volume-snapshots:delete',
    target: nobody,
    status: 204,
    errors: [400, 404],
    faults,
    reply: nothing,
    run: remove,
  }),
})

async function create({ backends, context, body: { snapshot } }: Call & { body: Of<typeof createBody> }) {
  const { volume_id: volumeId, create_info: info } = snapshot
  await compute.createSnapshot(backends, context, volumeId, info)
  return { snapshot: { id: info.id ?? null, volumeId } }
}

function remove({ backends, context, params, query }: Call & { query: Of<typeof deleteQuery> }): Promise<void> {
  const text = last(query, 'delete_info')
  if (text === undefined) throw new Fault('badRequest', "'delete_info'")
  const info = infoIn(text)
  if (!Object.hasOwn(info, 'volume_id')) throw new Fault('badRequest', "'volume_id'")
  // An id of another type is that of no volume
  const volumeId = typeof info.volume_id === 'string' ? info.volume_id : repr(info.volume_id)
  return compute.deleteSnapshot(backends, context, volumeId, params.id!, info)
}

function infoIn(text: string): Record<string, unknown> {
  try {
    const info: unknown = JSON.parse(text)
    return typeof info === 'object' && info !== null ? (info as Record<string, unknown>) : {}
  } catch {
    throw new Fault('badRequest', 'Expecting value: line 1 column 1 (char 0)')
  }
}
