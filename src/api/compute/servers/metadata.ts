/** Metadata that users give their servers: /servers/:server_id/metadata. */
import { Fault } from '../../../compute/faults.ts'
import { metadataOf, removeMetadata, setMetadata } from '../../../compute/servers/metadata.ts'
import { nothing, op, plain, resource } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'
import { object } from '../../spec/shape.ts'
import { ofProject, serverAbove } from './member.ts'

const allBody = object({ metadata: p.metadata }, { required: ['metadata'] })
const oneBody = object({ meta: p.metadata.with({ minProperties: 1, maxProperties: 1 }) }, { required: ['meta'] })

const member = { load: serverAbove, target: ofProject, reply: plain() } as const

export const serverMetadata = resource({
  'GET /servers/:server_id/metadata': op({
    ...member,
    query: p.noParameters,
    rule: 'os_compute_api:server-metadata:index',
    errors: [404],
    run: async ({ backends, member }) => ({ metadata: await metadataOf(backends, member) }),
  }),
  'POST /servers/:server_id/metadata': op({
    ...member,
    body: allBody,
    rule: 'os_compute_api:server-metadata:create',
    errors: [403, 404, 409],
    run: async ({ backends, context, member, body }) => ({
      metadata: await setMetadata(backends, context, member, body.metadata, { only: false }),
    }),
  }),
  'PUT /servers/:server_id/metadata': op({
    ...member,
    body: allBody,
    rule: 'os_compute_api:server-metadata:update_all',
    errors: [403, 404, 409],
    run: async ({ backends, context, member, body }) => ({
      metadata: await setMetadata(backends, context, member, body.metadata, { only: true }),
    }),
  }),
  'GET /servers/:server_id/metadata/:id': op({
    ...member,
    query: p.noParameters,
    rule: 'os_compute_api:server-metadata:show',
    errors: [404],
    async run({ backends, member, params }) {
      const key = params.id!
      const metadata = await metadataOf(backends, member)
      if (!Object.hasOwn(metadata, key)) throw new Fault('missing', 'Metadata item was not found')
      return { meta: { [key]: metadata[key] } }
    },
  }),
  'PUT /servers/:server_id/metadata/:id': op({
    ...member,
    body: oneBody,
    rule: 'os_compute_api:server-metadata:update',
    errors: [400, 403, 404, 409],
    async run({ backends, context, member, params, body }) {
      if (!Object.hasOwn(body.meta, params.id!)) throw new Fault('badRequest', 'Request body and URI mismatch')
      await setMetadata(backends, context, member, body.meta, { only: false })
      return { meta: body.meta }
    },
  }),
  'DELETE /servers/:server_id/metadata/:id': op({
    ...member,
    rule: 'os_compute_api:server-metadata:delete',
    status: 204,
    errors: [404, 409],
    reply: nothing,
    run: ({ backends, context, member, params }) => removeMetadata(backends, context, member, params.id!),
  }),
})
