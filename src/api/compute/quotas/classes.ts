/** Limits by class: /os-quota-class-sets. The class `default` is the one that counts. */
import { Fault } from '../../../compute/faults.ts'
import { setClassLimits } from '../../../compute/quota-sets.ts'
import { classLimits, type Limits } from '../../../compute/quotas.ts'
import { type Call, op, plain, resource } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'
import { type Of, object } from '../../spec/shape.ts'
import { limits, shownBy } from './limit.ts'

const updateBody = object(
  {
    quota_class_set: object({
      ...limits('2.49'),
    }),
  },
  { required: ['quota_class_set'] },
).since('2.1')

const nobody = () => ({})

export const quotaClasses = resource({
  'GET /os-quota-class-sets/:id': op({
    query: p.noParameters,
    rule: 'os_compute_api:os-quota-class-sets:show',
    target: nobody,
    reply: plain(),
    run: async (call: Call) => shown(call, await classLimits(call.backends, call.params.id!), call.params.id!),
  }),
  'PUT /os-quota-class-sets/:id': op({
    body: updateBody,
    rule: 'os_compute_api:os-quota-class-sets:update',
    target: nobody,
    errors: [400],
    reply: plain(),
    run: update,
  }),
})

/** Until 2.49 groups are left out, and networks were shown instead. */
function shown(call: Call, values: Limits, id?: string) {
  const { server_groups, server_group_members, ...others } = values
  const all = call.at('2.50') ? values : others
  return { quota_class_set: { ...(id !== undefined && { id }), ...shownBy(call, '2.50', all) } }
}

async function update(call: Call & { body: Of<typeof updateBody> }) {
  const { backends, params, body } = call
  const name = params.id!
  const length = [...name].length
  if (length > 255) throw new Fault('badRequest', `quota_class_name has ${length} characters, more than 255.`)
  return shown(call, await setClassLimits(backends, name, wantedOf(body)))
}

/** On the legacy endpoint no schema has seen the body. */
function wantedOf({ quota_class_set: limits }: Of<typeof updateBody>): Record<string, number> {
  if (typeof limits !== 'object' || limits === null) throw new Fault('malformedRequest')
  const wanted = Object.entries(limits).map(([resource, value]) => [resource, Number(value)] as const)
  if (!wanted.every(([, value]) => Number.isSafeInteger(value))) throw new Fault('malformedRequest')
  return Object.fromEntries(wanted)
}
