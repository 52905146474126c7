/** Images, which are Glance's: /images until 2.35, and their metadata until 2.38. */
import { Fault } from '../../../compute/faults.ts'
import * as compute from '../../../compute/proxies/images.ts'
import type { Image } from '../../../stores/objects/image-meta.ts'
import { prefixed } from '../../serve/links.ts'
import { last } from '../../serve/query.ts'
import { booleanFrom } from '../../serve/values.ts'
import { fields, view, zulu } from '../../spec/fields.ts'
import { type Call, type Loaders, many, nothing, one, op, plain, resource } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'
import { json, type Of, object } from '../../spec/shape.ts'

const pageParameter = json<string[]>({
  type: 'array',
  items: { type: ['integer', 'string'], pattern: '^[0-9]*$', minimum: 1, minLength: 1 },
})
const texts = json<string[]>({})

const listQuery = object(
  {
    name: texts,
    status: texts,
    'changes-since': texts,
    server: texts,
    type: texts,
    minRam: texts,
    minDisk: texts,
    limit: pageParameter,
    page_size: pageParameter,
    marker: texts,
    offset: pageParameter,
  },
  { matching: { '^property-.*$': p.anything }, others: true },
)

/** Where images are, for links: with [api] glance_link_prefix, without a version. */
interface Extra {
  readonly glance: string
}

const loaders: Loaders<Image> = {
  glance: async (_, { backends, context }) =>
    prefixed(await backends.peers.glance.endpoint(context), backends.settings.api.glanceLinkPrefix),
}

const statuses: Readonly<Record<string, string>> = {
  active: 'ACTIVE',
  queued: 'SAVING',
  saving: 'SAVING',
  deleted: 'DELETED',
  pending_delete: 'DELETED',
  killed: 'ERROR',
}
const progress: Readonly<Record<string, number>> = { queued: 25, saving: 50, active: 100 }

const f = fields<Image, Extra>()
const idOf = ({ id }: Image): string => String(id)

const links = f
  .list((image, { glance }, rendering) => [
    { rel: 'self', href: rendering.links.self('images', idOf(image)) },
    { rel: 'bookmark', href: rendering.links.bookmark('images', idOf(image)) },
    // with two slashes where the catalogue's address has a version
    { rel: 'alternate', type: 'application/vnd.openstack.image', href: `${glance}/images/${idOf(image)}` },
  ])
  .needs('glance')

const brief = view<Image, Extra>({ id: f.uuid(idOf), name: f.text((r) => r.name as string | null), links })

const full = view<Image, Extra>({
  id: f.uuid(idOf),
  name: f.text((r) => r.name as string | null),
  minRam: f.integer((r) => Number(r.min_ram ?? 0)),
  minDisk: f.integer((r) => Number(r.min_disk ?? 0)),
  metadata: f.map((r) => r.properties ?? {}),
  created: f.text((r) => zulu(r.created_at as string)),
  updated: f.text((r) => zulu(r.updated_at as string)),
  status: f.text((r) => statuses[String(r.status)] ?? 'UNKNOWN'),
  progress: f.integer((r) => progress[String(r.status)] ?? 0),
  'OS-EXT-IMG-SIZE:size': f.integer((r) => r.size as number | null),
  links,
  // Absent where the image was not made of a server
  server: f.any(({ properties }, _, rendering) => {
    const id = properties?.instance_uuid
    if (typeof id !== 'string') return undefined
    const href = { self: rendering.links.self('servers', id), bookmark: rendering.links.bookmark('servers', id) }
    return { id, links: Object.entries(href).map(([rel, href]) => ({ rel, href })) }
  }),
  'OS-DCF:diskConfig': f.any(({ properties }) => {
    const automatic = properties?.auto_disk_config
    return automatic === undefined || automatic === null ? undefined : booleanFrom(automatic) ? 'AUTO' : 'MANUAL'
  }),
})

/** Names of filters in queries, and what Glance calls them; properties go by their own names. */
const filterNames: Readonly<Record<string, string>> = {
  name: 'name',
  status: 'status',
  'changes-since': 'changes-since',
  server: 'property-instance_uuid',
  type: 'property-image_type',
  minRam: 'min_ram',
  minDisk: 'min_disk',
}

function list({ backends, context, query }: Call & { readonly query: Of<typeof listQuery> }) {
  const filters: Record<string, string> = {}
  for (const name of Object.keys(query))
    if (name in filterNames || name.startsWith('property-')) filters[filterNames[name] ?? name] = last(query, name)!
  const server = filters['property-instance_uuid']
  // It may be an address
  if (server?.includes('/')) filters['property-instance_uuid'] = server.slice(server.lastIndexOf('/') + 1)
  if (filters.status) filters.status = filters.status.toLowerCase()
  const number = (name: 'limit' | 'page_size') => (query[name] === undefined ? undefined : Number(last(query, name)))
  return compute.listImages(backends, context, filters, {
    limit: number('limit'),
    pageSize: number('page_size'),
    marker: last(query, 'marker'),
  })
}

const pages = (collection: string) => ({ next: { collection, marker: idOf, key: 'images_links' } })

const metadataBody = object({ metadata: p.metadata }, { required: ['metadata'] })
const itemBody = object({ meta: p.metadata.with({ minProperties: 1, maxProperties: 1 }) }, { required: ['meta'] })
const reading = { until: '2.38', query: p.anything, errors: [403, 404], reply: plain() } as const
const writing = { until: '2.38', errors: [400, 403, 404], reply: plain() } as const

export const images = resource({
  'GET /images': op({ until: '2.35', query: listQuery, errors: [400], reply: many('images', brief, pages('images')), loaders, run: list }),
  'GET /images/detail': op({
    until: '2.35',
    query: listQuery,
    errors: [400],
    reply: many('images', full, pages('images/detail')),
    loaders,
    run: list,
  }),
  'GET /images/:id': op({
    until: '2.35',
    query: p.anyParameters,
    errors: [404],
    reply: one('image', full),
    loaders,
    run: ({ backends, context, params }) => compute.imageShown(backends, context, params.id!),
  }),
  'DELETE /images/:id': op({
    until: '2.35',
    status: 204,
    errors: [403, 404],
    reply: nothing,
    run: ({ backends, context, params }) => compute.deleteImage(backends, context, params.id!),
  }),
  'GET /images/:image_id/metadata': op({
    ...reading,
    run: async ({ backends, context, params }) => ({ metadata: await compute.propertiesOf(backends, context, params.image_id!) }),
  }),
  'GET /images/:image_id/metadata/:id': op({
    ...reading,
    async run({ backends, context, params }) {
      const properties = await compute.propertiesOf(backends, context, params.image_id!)
      const id = params.id!
      if (!Object.hasOwn(properties, id)) throw new Fault('notFound')
      return { meta: { [id]: properties[id] } }
    },
  }),
  'POST /images/:image_id/metadata': op({
    ...writing,
    body: metadataBody,
    async run({ backends, context, params, body }) {
      const change = (before: object) => ({ ...before, ...body.metadata })
      return { metadata: await compute.changeProperties(backends, context, params.image_id!, change, { counted: true }) }
    },
  }),
  'PUT /images/:image_id/metadata': op({
    ...writing,
    body: metadataBody,
    async run({ backends, context, params, body: { metadata } }) {
      await compute.changeProperties(backends, context, params.image_id!, () => metadata, { counted: true })
      return { metadata }
    },
  }),
  'PUT /images/:image_id/metadata/:id': op({
    ...writing,
    body: itemBody,
    async run({ backends, context, params, body: { meta } }) {
      const id = params.id!
      if (!Object.hasOwn(meta, id)) throw new Fault('badRequest', 'Request body and URI mismatch')
      const change = (before: object) => ({ ...before, [id]: meta[id] })
      await compute.changeProperties(backends, context, params.image_id!, change, { counted: true })
      return { meta }
    },
  }),
  'DELETE /images/:image_id/metadata/:id': op({
    until: '2.38',
    status: 204,
    errors: [403, 404],
    reply: nothing,
    async run({ backends, context, params }) {
      const id = params.id!
      await compute.changeProperties(backends, context, params.image_id!, (before) => {
        if (!Object.hasOwn(before, id)) throw new Fault('missing', 'Invalid metadata key')
        const { [id]: _, ...rest } = before
        return rest
      })
    },
  }),
})
