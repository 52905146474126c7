/** Security groups and their rules, which are Neutron's: /os-security-groups and /os-security-group-rules, until 2.35. */
import { Fault } from '../../../compute/faults.ts'
import { newRule } from '../../../compute/proxies/new-rule.ts'
import * as compute from '../../../compute/proxies/security-groups.ts'
import { groupsById } from '../../../compute/servers/security-groups.ts'
import { limited } from '../../serve/paging.ts'
import { type Call, nothing, op, plain, resource } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'
import { json, many, type Of, object, query } from '../../spec/shape.ts'
import { groupShown, remoteGroups, ruleShown } from '../servers/security-group-view.ts'

const text = json<string>({ type: 'string', minLength: 0, maxLength: 255 })
const groupBody = object(
  { security_group: object({ name: text, description: text }, { required: ['name', 'description'], others: true }) },
  { required: ['security_group'], others: true },
)

const ruleBody = object(
  {
    security_group_rule: object(
      {
        group_id: json<string | null>({ type: ['string', 'null'], format: 'uuid' }),
        parent_group_id: p.uuid,
        to_port: p.anything,
        from_port: p.anything,
        ip_protocol: p.anything,
        cidr: p.anything,
      },
      { required: ['parent_group_id'], others: true },
    ),
  },
  { required: ['security_group_rule'], others: true },
)

const listQuery = query(
  { limit: many(p.nonNegativeInteger), offset: many(p.nonNegativeInteger), all_tenants: p.anyTexts },
  { others: true },
)

function checkedId(id: string): string {
  if (!/^[0-9a-f]{32}$/i.test(id.replaceAll('-', ''))) throw new Fault('badRequest', 'Security group id should be uuid')
  return id
}

async function shown({ backends, context }: Call, groups: readonly compute.SecurityGroup[]) {
  const here = new Map(groups.map((group) => [group.id, group]))
  const others = remoteGroups(groups).filter((id) => !here.has(id))
  const known = new Map([...here, ...(await groupsById(backends, context, others)).map((group) => [group.id, group] as const)])
  return groups.map((group) => groupShown(group, known))
}

async function list(call: Call & { readonly query: Of<typeof listQuery> }) {
  const { backends, context, query } = call
  const everybodys = context.isAdmin && query.all_tenants !== undefined
  const groups = await compute.listSecurityGroups(backends, context, everybodys ? undefined : (context.projectId ?? ''))
  const page = limited(query, groups, backends.settings.api.maxLimit)
  const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
  const all = await shown(call, page)
  return { security_groups: all.sort((a, b) => order(a.tenant_id, b.tenant_id) || order(a.name, b.name)) }
}

async function createRule({ backends, context, body }: Call & { readonly body: Of<typeof ruleBody> }) {
  const { parent_group_id, group_id, ip_protocol: protocol, from_port: from, to_port: to, cidr } = body.security_group_rule
  const group = await compute.findSecurityGroup(backends, context, parent_group_id)
  const source = group_id ? await compute.findSecurityGroup(backends, context, group_id) : undefined
  const rule = await compute.addRule(backends, context, group, newRule({ protocol, from, to, cidr, groupId: group_id ?? undefined }))
  return { security_group_rule: ruleShown(rule, source) }
}

export const securityGroups = resource({
  'GET /os-security-groups': op({
    until: '2.35',
    query: listQuery,
    rule: 'os_compute_api:os-security-groups:get',
    errors: [404],
    reply: plain(),
    run: list,
  }),
  'POST /os-security-groups': op({
    until: '2.35',
    body: groupBody,
    rule: 'os_compute_api:os-security-groups:create',
    errors: [400, 403],
    reply: plain(),
    async run(call) {
      const { name, description } = call.body.security_group
      const [security_group] = await shown(call, [await compute.createSecurityGroup(call.backends, call.context, { name, description })])
      return { security_group }
    },
  }),
  'GET /os-security-groups/:id': op({
    until: '2.35',
    query: p.anyParameters,
    rule: 'os_compute_api:os-security-groups:show',
    errors: [400, 404],
    reply: plain(),
    async run(call) {
      const [security_group] = await shown(call, [await compute.findSecurityGroup(call.backends, call.context, checkedId(call.params.id!))])
      return { security_group }
    },
  }),
  'PUT /os-security-groups/:id': op({
    until: '2.35',
    body: groupBody,
    rule: 'os_compute_api:os-security-groups:update',
    errors: [400, 404],
    reply: plain(),
    async run(call) {
      const { backends, context, params, body } = call
      const { id } = await compute.findSecurityGroup(backends, context, checkedId(params.id!))
      const { name, description } = body.security_group
      const [security_group] = await shown(call, [await compute.updateSecurityGroup(backends, context, id, { name, description })])
      return { security_group }
    },
  }),
  'DELETE /os-security-groups/:id': op({
    until: '2.35',
    rule: 'os_compute_api:os-security-groups:delete',
    status: 202,
    errors: [400, 404],
    reply: nothing,
    run: ({ backends, context, params }) => compute.deleteSecurityGroup(backends, context, checkedId(params.id!)),
  }),
  'POST /os-security-group-rules': op({
    until: '2.35',
    body: ruleBody,
    rule: 'os_compute_api:os-security-groups:rule:create',
    errors: [400, 403, 404],
    reply: plain(),
    run: createRule,
  }),
  'DELETE /os-security-group-rules/:id': op({
    until: '2.35',
    rule: 'os_compute_api:os-security-groups:rule:delete',
    status: 202,
    errors: [400, 404, 409],
    reply: nothing,
    run: ({ backends, context, params }) => compute.deleteRule(backends, context, checkedId(params.id!)),
  }),
})
