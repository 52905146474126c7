/** Tags of servers: /servers/:server_id/tags. Rules are asked about the server's mapping, before its cell is. */
import { Fault } from '../../../compute/faults.ts'
import { addTag, findMapping, removeTag, removeTags, setTags, tagsOf } from '../../../compute/servers/tags.ts'
import type { ServerMapping } from '../../../stores/api/mappings.ts'
import { firstProblem } from '../../serve/explain.ts'
import { type Call, nothing, nothingInHtml, op, plain, resource } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'
import { array, json, object } from '../../spec/shape.ts'
import { ofProject } from './member.ts'

const mappingOf = ({ backends, params }: Call): Promise<ServerMapping> => findMapping(backends, params.server_id!)

const member = { since: '2.26', load: mappingOf, target: ofProject, reply: nothing } as const

const tagsBody = object(
  { tags: array(p.tag, { maxItems: 50 }) },
  { required: ['tags'], order: ['title', 'type', 'properties', 'required', 'additionalProperties'], rules: { title: 'Server tags' } },
)
const tagBody = json<null>({ title: 'Server tag', type: 'null' })

/** Tags in paths are checked by hand: only what is in bodies and queries has a shape. */
function checkTag(tag: string): void {
  const error = firstProblem(p.tag.build(26), tag)?.message
  if (error !== undefined)
    throw new Fault(
      'badRequest',
      `Tag '${tag}' is invalid. It must be a non empty string without characters '/' and ','. Validation error message: ${error}`,
    )
}

export const serverTags = resource({
  'GET /servers/:server_id/tags': op({
    ...member,
    query: p.anyParameters,
    rule: 'os_compute_api:os-server-tags:index',
    errors: [404],
    reply: plain(),
    run: async ({ backends, context, member }) => ({ tags: await tagsOf(backends, context, member) }),
  }),
  'PUT /servers/:server_id/tags': op({
    ...member,
    body: tagsBody,
    rule: 'os_compute_api:os-server-tags:update_all',
    errors: [404, 409],
    reply: plain(),
    run: async ({ backends, context, params, body }) => ({ tags: await setTags(backends, context, params.server_id!, body.tags) }),
  }),
  'DELETE /servers/:server_id/tags': op({
    ...member,
    rule: 'os_compute_api:os-server-tags:delete_all',
    status: 204,
    errors: [404, 409],
    run: ({ backends, context, params }) => removeTags(backends, context, params.server_id!),
  }),
  'GET /servers/:server_id/tags/:id': op({
    ...member,
    query: p.anyParameters,
    rule: 'os_compute_api:os-server-tags:show',
    status: 204,
    errors: [404],
    async run({ backends, context, member, params }) {
      const { server_id: uuid, id: tag } = params
      if (!(await tagsOf(backends, context, member)).includes(tag!)) throw new Fault('missing', `Server ${uuid} has no tag '${tag}'`)
    },
  }),
  // 201 when it is new
  'PUT /servers/:server_id/tags/:id': op<null, unknown, ServerMapping, boolean>({
    ...member,
    body: tagBody,
    rule: 'os_compute_api:os-server-tags:update',
    statusOf: (isNew) => (isNew ? 201 : 204),
    errors: [400, 404, 409],
    reply: nothingInHtml as never,
    headers: (isNew, { params }, links) => (isNew ? [['Location', `${links.self('servers', params.server_id!)}/tags/${params.id}`]] : []),
    run: ({ backends, context, params }) => addTag(backends, context, params.server_id!, params.id!, checkTag),
  }),
  'DELETE /servers/:server_id/tags/:id': op({
    ...member,
    rule: 'os_compute_api:os-server-tags:delete',
    status: 204,
    errors: [404, 409],
    run: ({ backends, context, params }) => removeTag(backends, context, params.server_id!, params.id!),
  }),
})
