/** Host aggregates: /os-aggregates. */
import * as compute from '../../../compute/aggregates.ts'
import { Fault } from '../../../compute/faults.ts'
import type { Aggregate } from '../../../stores/api/aggregates.ts'
import { fields, view } from '../../spec/fields.ts'
import { many, nothing, one, op, resource } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'
import { json, object, oneOf } from '../../spec/shape.ts'
import { integerId } from '../ids.ts'

const zone = [oneOf([p.azNameWithSpaces, p.nothing]).until('2.0'), oneOf([p.azName, p.nothing]).since('2.1')] as const

const createBody = object(
  {
    aggregate: object({ name: [p.nameWithSpaces.until('2.0'), p.name.since('2.1')], availability_zone: zone }, { required: ['name'] }),
  },
  { required: ['aggregate'] },
)
const updateBody = object(
  {
    aggregate: object(
      { name: p.nameWithSpaces, availability_zone: zone },
      { rules: { anyOf: [{ required: ['name'] }, { required: ['availability_zone'] }] } },
    ),
  },
  { required: ['aggregate'] },
)
const hostBody = <const A extends string>(action: A) =>
  object({ [action]: object({ host: p.fqdn }, { required: ['host'] }) } as Record<A, ReturnType<typeof hostOf>>, { required: [action] })
const hostOf = () => object({ host: p.fqdn }, { required: ['host'] })
const metadataBody = object(
  { set_metadata: object({ metadata: p.metadataWithNull }, { required: ['metadata'] }) },
  { required: ['set_metadata'] },
)
const imagesBody = object(
  {
    cache: json<{ id: string }[]>({
      type: ['array'],
      minItems: 1,
      items: { type: 'object', properties: { id: { type: 'string', format: 'uuid' } }, additionalProperties: false, required: ['id'] },
    }),
  },
  { required: ['cache'] },
)

const f = fields<Aggregate>()
const created = view({
  id: f.integer((r: Aggregate) => r.id),
  uuid: f.text((r) => r.uuid).since('2.41'),
  name: f.text((r) => r.name),
  availability_zone: f.text((r) => r.metadata.availability_zone ?? null),
  created_at: f.localTime((r) => r.createdAt),
  updated_at: f.localTime((r) => r.updatedAt),
  deleted_at: f.any(() => null),
  deleted: f.boolean(() => false),
})
const full = created.extend({
  hosts: f.texts((r) => r.hosts),
  metadata: f.map((r) => r.metadata),
})

const nobody = () => ({})
const whole = one('aggregate', full)

export const aggregates = resource({
  'GET /os-aggregates': op({
    query: p.noParameters,
    rule: 'os_compute_api:os-aggregates:index',
    target: nobody,
    reply: many('aggregates', full),
    run: ({ backends }) => compute.listAggregates(backends),
  }),
  'POST /os-aggregates': op({
    body: createBody,
    rule: 'os_compute_api:os-aggregates:create',
    target: nobody,
    errors: [400, 409],
    reply: one('aggregate', created),
    run: ({ backends, context, body: { aggregate } }) =>
      compute.createAggregate(backends, context, {
        name: aggregate.name.trim(),
        zone: aggregate.availability_zone?.trim() || null,
      }),
  }),
  'GET /os-aggregates/:id': op({
    query: p.noParameters,
    rule: 'os_compute_api:os-aggregates:show',
    target: nobody,
    errors: [400, 404],
    reply: whole,
    run: ({ backends, params }) => compute.findAggregate(backends, integerId(params.id!)),
  }),
  'PUT /os-aggregates/:id': op({
    body: updateBody,
    rule: 'os_compute_api:os-aggregates:update',
    target: nobody,
    errors: [400, 404, 409],
    reply: whole,
    run: ({ backends, context, params, body: { aggregate } }) =>
      compute.updateAggregate(backends, context, integerId(params.id!), {
        ...aggregate,
        ...(aggregate.name !== undefined && { name: aggregate.name.trim() }),
      }),
  }),
  'DELETE /os-aggregates/:id': op({
    rule: 'os_compute_api:os-aggregates:delete',
    target: nobody,
    errors: [400, 404],
    faults: { aggregateHostKept: 400 },
    reply: nothing,
    run: ({ backends, context, params }) => compute.deleteAggregate(backends, context, integerId(params.id!)),
  }),
  'POST /os-aggregates/:id/action add_host': op({
    body: hostBody('add_host'),
    rule: 'os_compute_api:os-aggregates:add_host',
    target: nobody,
    errors: [400, 404, 409],
    faults: { computeHostNotFound: 404 },
    reply: whole,
    run: ({ backends, context, params, body }) => compute.addHost(backends, context, integerId(params.id!), body.add_host.host),
  }),
  'POST /os-aggregates/:id/action remove_host': op({
    body: hostBody('remove_host'),
    rule: 'os_compute_api:os-aggregates:remove_host',
    target: nobody,
    errors: [400, 404, 409],
    reply: whole,
    run: ({ backends, context, params, body }) => compute.removeHost(backends, context, integerId(params.id!), body.remove_host.host),
  }),
  'POST /os-aggregates/:id/action set_metadata': op({
    body: metadataBody,
    rule: 'os_compute_api:os-aggregates:set_metadata',
    target: nobody,
    errors: [400, 404],
    reply: whole,
    run: ({ backends, context, params, body }) =>
      compute.setAggregateMetadata(backends, context, integerId(params.id!), body.set_metadata.metadata),
  }),
  'POST /os-aggregates/:id/images': op({
    since: '2.81',
    body: imagesBody,
    rule: 'compute:aggregates:images',
    target: nobody,
    status: 202,
    errors: [400, 404],
    faults: { imageNotFound: 400, imageNotAuthorized: 400 },
    reply: nothing,
    run: ({ backends, context, params, body: { cache } }) => {
      const id = integerId(params.id!)
      const images = cache.map((image) => image.id)
      if (new Set(images).size < images.length) throw new Fault('badRequest', 'Duplicate images in request')
      return compute.cacheImages(backends, context, id, images)
    },
  }),
})
