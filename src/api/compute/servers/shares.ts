/** Manila shares of servers: /servers/:server_id/shares. Rules are asked about the server's mapping, before its cell is. */
import { type AttachedShare, attachShare, detachShare, findShare, sharesOf } from '../../../compute/servers/shares.ts'
import { findMapping } from '../../../compute/servers/tags.ts'
import type { ServerMapping } from '../../../stores/api/mappings.ts'
import { type Call, nothing, op, plain, resource } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'
import { json, object } from '../../spec/shape.ts'
import { ofProject } from './member.ts'

const mappingOf = ({ backends, params }: Call): Promise<ServerMapping> => findMapping(backends, params.server_id!)

const member = { since: '2.97', load: mappingOf, target: ofProject, reply: plain() } as const

const tag = json<string>({ type: 'string', minLength: 1, maxLength: 255, pattern: '^[a-zA-Z0-9-]*$' })
const createBody = object(
  { share: object({ share_id: p.uuid, tag }, { required: ['share_id'] }) },
  {
    required: ['share'],
    order: ['title', 'type', 'properties', 'required', 'additionalProperties'],
    rules: { title: 'Server shares' },
  },
)
/** Others are refused at every version. */
const noQuery = object({})

const brief = ({ shareId, status, tag }: AttachedShare) => ({ share_id: shareId, status, tag })

const shown = ({ context }: Call, share: AttachedShare) => ({
  share: { ...brief(share), ...(context.isAdmin && { export_location: share.exportLocation, uuid: share.uuid }) },
})

export const serverShares = resource({
  'GET /servers/:server_id/shares': op({
    ...member,
    query: noQuery,
    rule: 'os_compute_api:os-server-shares:index',
    errors: [400, 403, 404],
    run: async ({ backends, context, params }) => ({ shares: (await sharesOf(backends, context, params.server_id!)).map(brief) }),
  }),
  'POST /servers/:server_id/shares': op({
    ...member,
    body: createBody,
    rule: 'os_compute_api:os-server-shares:create',
    status: 201,
    errors: [400, 403, 404, 409],
    async run(call) {
      const { backends, context, params, body } = call
      return shown(call, await attachShare(backends, context, params.server_id!, body.share.share_id, body.share.tag))
    },
  }),
  'GET /servers/:server_id/shares/:id': op({
    ...member,
    query: noQuery,
    rule: 'os_compute_api:os-server-shares:show',
    errors: [400, 403, 404],
    run: async (call) => shown(call, await findShare(call.backends, call.context, call.params.server_id!, call.params.id!)),
  }),
  'DELETE /servers/:server_id/shares/:id': op({
    ...member,
    rule: 'os_compute_api:os-server-shares:delete',
    errors: [400, 403, 404, 409],
    reply: nothing,
    run: ({ backends, context, params }) => detachShare(backends, context, params.server_id!, params.id!),
  }),
})
