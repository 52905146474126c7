/** Security groups of new servers, by name or id. */
import type { RequestContext } from '../../../oslo/context.ts'
import { SecurityGroup, SecurityGroupList } from '../../../stores/objects/security-group.ts'
import type { Backends } from '../../backends.ts'
import { Fault } from '../../faults.ts'

/** Means the project's own default group, which Neutron adds by itself. */
const byItself = 'default'
const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * Their ids; `default` stays as it is. An id first, then a name among the project's groups, as neutronclient's find_resource does, in two
 * questions however many groups there are.
 */
export async function findSecurityGroups({ peers }: Backends, context: RequestContext, wanted: readonly string[]): Promise<string[]> {
  const { projectId } = context
  const others = wanted.filter((name) => name !== byItself)
  if (others.length === 0) return [...wanted]
  const neutron = peers.neutron.as(context)
  const fields = ['id', 'name']
  const uuids = others.filter((name) => uuidForm.test(name))
  const [byId, byName] = await Promise.all([
    uuids.length === 0 ? [] : neutron.list('security-groups', { id: uuids, fields }),
    neutron.list('security-groups', { name: others, ...(projectId && { tenant_id: projectId }), fields }),
  ])
  return wanted.map((name) => {
    if (name === byItself || byId.some(({ id }) => id === name)) return name
    const found = byName.filter((group) => group.name === name)
    if (found.length > 1)
      throw new Fault('conflict', `Multiple security_group matches found for name '${name}', use an ID to be more specific.`)
    if (!found[0]) throw new Fault('badRequest', `Unable to find security_group with name or id '${name}'`)
    return found[0].id
  })
}

/** As the scheduler is told of them. nova/objects/security_group.py make_secgroup_list */
export const securityGroupList = (groups: readonly string[]): SecurityGroupList =>
  SecurityGroupList.make({
    objects: groups.map((group) => SecurityGroup.make(uuidForm.test(group) ? { uuid: group } : { name: group })),
  })
