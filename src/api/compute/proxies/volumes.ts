/** Volumes and snapshots, which are Cinder's: /os-volumes and /os-snapshots, until 2.35. */
import { applicationUrl } from '../../../app/contract.ts'
import * as compute from '../../../compute/proxies/volumes.ts'
import type { RuleName } from '../../policies.ts'
import { limited } from '../../serve/paging.ts'
import { booleanFrom } from '../../serve/values.ts'
import { type Call, nothing, op, plain, type Reply, resource } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'
import { json, many, type Of, object } from '../../spec/shape.ts'

const listQuery = object({ limit: many(p.nonNegativeInteger), offset: many(p.nonNegativeInteger) }, { others: true })

const volumeBody = object(
  {
    volume: object(
      {
        volume_type: p.text,
        metadata: json<Record<string, unknown>>({ type: 'object', properties: {}, additionalProperties: true }),
        snapshot_id: p.text,
        size: json<number | string>({ type: ['integer', 'string'], pattern: '^[0-9]+$', minimum: 1 }),
        availability_zone: p.text,
        display_name: p.text,
        display_description: p.text,
      },
      { required: ['size'] },
    ),
  },
  { required: ['volume'] },
)

const snapshotBody = object(
  {
    snapshot: object(
      { volume_id: p.text, force: p.boolean, display_name: p.text, display_description: p.text },
      { required: ['volume_id'] },
    ),
  },
  { required: ['snapshot'] },
)

const volumeShown = (volume: compute.Volume) => ({
  id: volume.id,
  status: volume.status,
  size: volume.size,
  availabilityZone: volume.availability_zone,
  createdAt: volume.created_at,
  attachments: [attachmentShown(volume)],
  displayName: volume.name,
  displayDescription: volume.description ?? null,
  volumeType: volume.volume_type ?? null,
  snapshotId: volume.snapshot_id ?? null,
  metadata: volume.metadata ?? {},
})

/** The first server that has it, or nothing, which is an empty object. */
function attachmentShown({ id, attachments }: compute.Volume): object {
  const [first] = attachments
  if (!first) return {}
  // Of several attachments to one server the last counts
  const { device } = attachments.findLast(({ server_id }) => server_id === first.server_id)!
  return { id, volumeId: id, serverId: first.server_id, ...(device && { device }) }
}

const snapshotShown = (snapshot: compute.Snapshot) => ({
  id: snapshot.id,
  volumeId: snapshot.volume_id,
  status: snapshot.status,
  size: snapshot.size,
  createdAt: snapshot.created_at,
  displayName: snapshot.name,
  displayDescription: snapshot.description ?? null,
})

type Listing = Call & { readonly query: Of<typeof listQuery> }

/** Nova's brief and detailed lists are the same. */
const listVolumes = (rule: RuleName) =>
  op({
    until: '2.35',
    query: listQuery,
    rule,
    reply: plain(),
    async run({ backends, context, query }: Listing) {
      const all = await compute.listVolumes(backends, context)
      return { volumes: limited(query, all, backends.settings.api.maxLimit).map(volumeShown) }
    },
  })

const listSnapshots = (rule: RuleName) =>
  op({
    until: '2.35',
    query: listQuery,
    rule,
    reply: plain(),
    async run({ backends, context, query }: Listing) {
      const all = await compute.listSnapshots(backends, context)
      return { snapshots: limited(query, all, backends.settings.api.maxLimit).map(snapshotShown) }
    },
  })

interface Made {
  readonly volume: ReturnType<typeof volumeShown>
}

export const volumes = resource({
  'GET /os-volumes': listVolumes('os_compute_api:os-volumes:list'),
  'GET /os-volumes/detail': listVolumes('os_compute_api:os-volumes:detail'),
  'GET /os-volumes/:id': op({
    until: '2.35',
    query: p.anyParameters,
    rule: 'os_compute_api:os-volumes:show',
    errors: [404],
    reply: plain(),
    run: async ({ backends, context, params }) => ({ volume: volumeShown(await compute.findVolume(backends, context, params.id!)) }),
  }),
  'POST /os-volumes': op({
    until: '2.35',
    body: volumeBody,
    rule: 'os_compute_api:os-volumes:create',
    errors: [400, 403, 404],
    reply: plain() as Reply<Made>,
    headers: ({ volume }, { request }) => {
      const query = request.query === '' ? '' : `?${request.query}`
      return [['Location', `${applicationUrl(request)}${request.path}${query}/${volume.id}`]]
    },
    async run({ backends, context, body: { volume } }): Promise<Made> {
      const made = await compute.createVolume(backends, context, {
        size: volume.size,
        name: volume.display_name ?? null,
        description: volume.display_description ?? null,
        snapshotId: volume.snapshot_id,
        volumeType: volume.volume_type ?? null,
        metadata: volume.metadata ?? {},
        availabilityZone: volume.availability_zone ?? null,
      })
      return { volume: volumeShown(made) }
    },
  }),
  'DELETE /os-volumes/:id': op({
    until: '2.35',
    rule: 'os_compute_api:os-volumes:delete',
    status: 202,
    errors: [400, 404],
    reply: nothing,
    run: ({ backends, context, params }) => compute.deleteVolume(backends, context, params.id!),
  }),
})

export const snapshots = resource({
  'GET /os-snapshots': listSnapshots('os_compute_api:os-volumes:snapshots:list'),
  'GET /os-snapshots/detail': listSnapshots('os_compute_api:os-volumes:snapshots:detail'),
  'GET /os-snapshots/:id': op({
    until: '2.35',
    query: p.anyParameters,
    rule: 'os_compute_api:os-volumes:snapshots:show',
    errors: [404],
    reply: plain(),
    run: async ({ backends, context, params }) => ({ snapshot: snapshotShown(await compute.findSnapshot(backends, context, params.id!)) }),
  }),
  // Nova answers an unforeseen error where Cinder says that a volume is not there or in use
  'POST /os-snapshots': op({
    until: '2.35',
    body: snapshotBody,
    rule: 'os_compute_api:os-volumes:snapshots:create',
    errors: [400, 403],
    faults: { volumeNotFound: 400 },
    reply: plain(),
    async run({ backends, context, body: { snapshot } }) {
      const made = await compute.createSnapshot(backends, context, {
        volumeId: snapshot.volume_id,
        name: snapshot.display_name ?? null,
        description: snapshot.display_description ?? null,
        force: booleanFrom(snapshot.force ?? false) === true,
      })
      return { snapshot: snapshotShown(made) }
    },
  }),
  'DELETE /os-snapshots/:id': op({
    until: '2.35',
    rule: 'os_compute_api:os-volumes:snapshots:delete',
    status: 202,
    errors: [404],
    reply: nothing,
    run: ({ backends, context, params }) => compute.deleteSnapshot(backends, context, params.id!),
  }),
})
