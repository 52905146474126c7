/** Server groups: /os-server-groups. */
import * as compute from '../../compute/server-groups.ts'
import { last } from '../serve/query.ts'
import { fields, view } from '../spec/fields.ts'
import { type Call, type Loaders, many, nothing, one, op, resource } from '../spec/operation.ts'
import * as p from '../spec/parameters.ts'
import { json, type Of, object, query, many as several, words } from '../spec/shape.ts'

const strict = ['anti-affinity', 'affinity'] as const
const soft = ['soft-anti-affinity', 'soft-affinity'] as const
/** A list of one. */
const policies = (policy: readonly string[]) =>
  json<[string]>({
    type: 'array',
    prefixItems: [{ type: 'string', enum: policy }],
    uniqueItems: true,
    minItems: 1,
    maxItems: 1,
    additionalItems: false,
  })

const createBody = object(
  {
    server_group: object(
      {
        name: p.name,
        policies: [
          policies(strict).until('2.14'),
          policies([...strict, ...soft])
            .since('2.15')
            .until('2.63'),
        ],
        policy: words([...strict, ...soft]).since('2.64'),
        rules: object({ max_server_per_host: p.positiveInteger }).since('2.64'),
      },
      // One of the two policies: the other does not exist at that version
      { required: ['name', 'policies', 'policy'] },
    ),
  },
  { required: ['server_group'] },
)

const listQuery = query(
  { all_projects: p.anyTexts, limit: several(p.nonNegativeInteger), offset: several(p.nonNegativeInteger) },
  { others: { until: '2.74' } },
)

interface Extra {
  readonly living: ReadonlyMap<string, number>
}

const f = fields<compute.ServerGroup, Extra>()
const shown = view<compute.ServerGroup, Extra>({
  id: f.text((r) => r.uuid),
  name: f.text((r) => r.name),
  policies: f.texts((r) => (r.policy === null ? [] : [r.policy])).until('2.63'),
  metadata: f.map(() => ({})).until('2.63'),
  policy: f.text((r) => r.policy).since('2.64'),
  rules: f.map(rulesOf).since('2.64'),
  members: f.texts(membersOf).needs('living'),
  project_id: f.text((r) => r.projectId).since('2.13'),
  user_id: f.text((r) => r.userId).since('2.13'),
})

function membersOf({ members }: compute.ServerGroup, { living }: Extra): string[] {
  const there = [...new Set(members)].filter((uuid) => living.has(uuid))
  return there.sort((a, b) => living.get(a)! - living.get(b)!)
}

/** Rules are kept as texts. */
function rulesOf({ rules: { max_server_per_host: most } }: compute.ServerGroup): Record<string, number> {
  return most === undefined ? {} : { max_server_per_host: Number(most) }
}

const loaders: Loaders<compute.ServerGroup> = {
  living: (page, { backends }) => compute.livingMembers(backends, page),
}

const ownProject = ({ context }: Call) => ({ project_id: context.projectId })
const member = {
  load: ({ backends, context, params }: Call) => compute.findServerGroup(backends, context, params.id!),
  target: ({ member }: { member: compute.ServerGroup }) => ({ project_id: member.projectId }),
}

export const serverGroups = resource({
  'GET /os-server-groups': op({
    query: listQuery,
    rule: 'os_compute_api:os-server-groups:index',
    target: ownProject,
    reply: many('server_groups', shown),
    loaders,
    run: list,
  }),
  'POST /os-server-groups': op({
    body: createBody,
    rule: 'os_compute_api:os-server-groups:create',
    target: ownProject,
    errors: [400, 403, 409],
    reply: one('server_group', shown),
    loaders,
    run: create,
  }),
  'GET /os-server-groups/:id': op({
    query: p.noParameters,
    ...member,
    rule: 'os_compute_api:os-server-groups:show',
    errors: [404],
    reply: one('server_group', shown),
    loaders,
    run: ({ member }) => member,
  }),
  'DELETE /os-server-groups/:id': op({
    ...member,
    rule: 'os_compute_api:os-server-groups:delete',
    status: 204,
    errors: [404],
    reply: nothing,
    run: ({ backends, context, member }) => compute.deleteServerGroup(backends, context, member),
  }),
})

async function list({ backends, context, query, authorize }: Call & { query: Of<typeof listQuery> }) {
  // Who is no admin gets the own ones, whatever is asked for
  const all = query.all_projects !== undefined && context.isAdmin
  if (all) authorize('os_compute_api:os-server-groups:index:all_projects', { project_id: context.projectId })
  const groups = await compute.listServerGroups(backends, all ? undefined : (context.projectId ?? ''))
  const { maxLimit } = backends.settings.api
  const offset = Number(last(query, 'offset') ?? 0)
  return groups.slice(offset, offset + Math.min(Number(last(query, 'limit') ?? 0) || maxLimit, maxLimit))
}

function create({ backends, context, body }: Call & { body: Of<typeof createBody> }) {
  const { name, policies, policy, rules = {} } = body.server_group
  return compute.createServerGroup(backends, context, { name, policy: policy ?? policies[0], rules: rules as Record<string, string> })
}
