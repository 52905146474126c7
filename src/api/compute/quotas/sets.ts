/** Limits of projects and their users: /os-quota-sets. */
import { verifyProject } from '../../../compute/projects.ts'
import * as compute from '../../../compute/quota-sets.ts'
import { defaultLimits, type Limits, limitsOf } from '../../../compute/quotas.ts'
import { last } from '../../serve/query.ts'
import { booleanFrom } from '../../serve/values.ts'
import { type Call, nothing, op, plain, resource } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'
import { type Of, object, query } from '../../spec/shape.ts'
import { limits, shownBy } from './limit.ts'

const ofUser = query({ user_id: p.anyTexts }, { others: { until: '2.74' } })
type OfUser = { query: Of<typeof ofUser> }

const updateBody = object(
  {
    quota_set: object({
      ...limits('2.35'),
      force: p.boolean,
    }),
  },
  { required: ['quota_set'] },
)

const project = ({ params }: Call) => ({ project_id: params.id })

export const quotaSets = resource({
  'GET /os-quota-sets/:id': op({
    query: ofUser,
    rule: 'os_compute_api:os-quota-sets:show',
    target: project,
    errors: [400],
    reply: plain(),
    run: show,
  }),
  'GET /os-quota-sets/:id/detail': op({
    query: ofUser,
    rule: 'os_compute_api:os-quota-sets:detail',
    target: project,
    errors: [400],
    reply: plain(),
    run: detail,
  }),
  'GET /os-quota-sets/:id/defaults': op({
    query: p.anyParameters,
    rule: 'os_compute_api:os-quota-sets:defaults',
    target: project,
    errors: [400],
    reply: plain(),
    run: defaults,
  }),
  'PUT /os-quota-sets/:id': op({
    body: updateBody,
    query: ofUser,
    rule: 'os_compute_api:os-quota-sets:update',
    target: project,
    errors: [400],
    reply: plain(),
    run: update,
  }),
  'DELETE /os-quota-sets/:id': op({
    query: ofUser,
    rule: 'os_compute_api:os-quota-sets:delete',
    target: project,
    status: 202, // not 204: kept for old clients
    reply: nothing,
    run: (call: Call & OfUser) => compute.removeLimits(call.backends, call.params.id!, firstUser(call)),
  }),
})

/** The first that says something (Python's parse_qs drops empty values). */
const firstUser = ({ query }: OfUser): string | undefined => query.user_id?.find((value) => value !== '')

const shown = (call: Call, values: object, id?: string) => ({
  quota_set: { ...(id !== undefined && { id }), ...shownBy(call, '2.36', values) },
})

async function show(call: Call & OfUser) {
  const { backends, context, params } = call
  await verifyProject(backends, context, params.id!)
  return shown(call, await limitsOf(backends, params.id!, firstUser(call)), params.id!)
}

async function detail(call: Call & OfUser) {
  const { backends, context, params, query } = call
  await verifyProject(backends, context, params.id!)
  return shown(call, await compute.quotaDetail(backends, params.id!, last(query, 'user_id') || undefined), params.id!)
}

async function defaults(call: Call) {
  const { backends, context, params } = call
  await verifyProject(backends, context, params.id!)
  return shown(call, await defaultLimits(backends), params.id!)
}

async function update(call: Call & OfUser & { body: Of<typeof updateBody> }) {
  const { backends, context, params, body } = call
  const { force, ...asked } = body.quota_set
  const project = params.id!
  const user = firstUser(call)
  await verifyProject(backends, context, project)
  const wanted = Object.fromEntries(Object.entries(asked).map(([name, value]) => [name, Number(value)])) as Partial<Limits>
  await compute.setLimits(backends, project, user, wanted, { force: booleanFrom(force ?? false) === true })
  return shown(call, await limitsOf(backends, project, user))
}
