/** Security groups, with the default one that each project has from its first use. neutron/db/securitygroups_db.py */
import { type Attributes, common } from './attributes.ts'
import { text, toBoolean } from './checks.ts'
import { rulesFor } from './default-rules.ts'
import type { SecurityGroup } from './documents.ts'
import { fault } from './faults.ts'
import { ownedBy, type Resource, render } from './resource.ts'
import { securityGroupRules } from './security-group-rules.ts'
import { forgetGrants, isShared } from './sharing.ts'
import { changed, enforceQuota, type Neutron, newborn, type Operation } from './state.ts'

interface SecurityGroupValues {
  readonly project_id: string
  readonly name: string
  readonly description: string
  readonly stateful: boolean
}

const listed = { filter: true, sort: true } as const

const sharedWith = (group: SecurityGroup, { neutron, caller }: Operation): boolean =>
  isShared(neutron, 'security_group', group.id, caller.projectId)

const attributes: Attributes<SecurityGroup> = {
  ...common,
  name: { post: true, put: true, default: '', check: notDefault, ...listed },
  stateful: { post: true, put: true, default: true, convert: toBoolean },
  shared: { convert: toBoolean, filter: true, guarded: true, show: sharedWith },
  security_group_rules: {
    show: (group, operation) =>
      operation.neutron.store.securityGroupRules
        .by('security_group_id', group.id)
        .map((rule) => render(securityGroupRules, rule, operation)),
  },
  tags: {},
}

function notDefault(name: unknown): string | undefined {
  const reason = text(255)(name)
  if (!reason && String(name).toLowerCase() === 'default') throw fault('SecurityGroupDefaultAlreadyExists')
  return reason
}

export const securityGroups: Resource<SecurityGroup, SecurityGroupValues> = {
  name: 'security_group',
  collection: 'security_groups',
  path: 'security-groups',
  attributes,
  table: (store) => store.securityGroups,
  missing: (id) => fault('SecurityGroupNotFound', id),
  visible: (group, operation) => ownedBy(group, operation) || sharedWith(group, operation),
  target: (group, operation) => ({ ...group, shared: sharedWith(group, operation) }),
  beforeList: ({ query }, operation) => ensureDefaultGroup(askedProject(query, operation), operation),
  used: (store, projectId) => store.securityGroups.by('project_id', projectId).length,
  create(values, operation) {
    ensureDefaultGroup(values.project_id, operation)
    return makeGroup(operation.neutron, values, false)
  },
  update: updateGroup,
  remove: removeGroup,
}

/** The project whose default group a list brings into being: the one filtered for, or the caller's. */
const askedProject = (query: URLSearchParams, { caller }: Operation): string | null =>
  query.get('project_id') ?? query.get('tenant_id') ?? caller.projectId

/** Makes the default group of a project unless it is there; for others only an administrator does. Its id, when it is there now. */
export function defaultGroupId(projectId: string | null, { neutron, caller }: Operation): string | undefined {
  if (projectId === null || projectId === '' || (projectId !== caller.projectId && !caller.isAdmin)) return undefined
  const found = neutron.store.securityGroups.by('project_id', projectId).find(({ is_default }) => is_default)
  if (found) return found.id
  return makeGroup(neutron, { project_id: projectId, name: 'default', description: 'Default security group', stateful: true }, true).id
}

export function ensureDefaultGroup(projectId: string | null, operation: Operation): void {
  defaultGroupId(projectId, operation)
}

function makeGroup(neutron: Neutron, values: SecurityGroupValues, is_default: boolean): SecurityGroup {
  const group: SecurityGroup = {
    ...newborn(neutron, values, 1),
    name: values.name,
    stateful: values.stateful,
    is_default,
  }
  const rules = rulesFor(neutron, group)
  const used = securityGroupRules.used!(neutron.store, group.project_id)
  enforceQuota(neutron, 'security_group_rule', group.project_id, used, rules.length)
  for (const rule of rules) neutron.store.securityGroupRules.put(rule)
  return neutron.store.securityGroups.put(group)
}

/** The groups that a port is to have: of its project or shared with it, and all stateful or all not. */
export function groupsForPort(ids: readonly string[], projectId: string, { neutron, caller }: Operation): readonly string[] {
  const groups = ids.map((id) => {
    const group = neutron.store.securityGroups.get(id)
    const usable = group && (caller.isAdmin || group.project_id === projectId || isShared(neutron, 'security_group', id, projectId))
    if (!usable) throw fault('SecurityGroupNotFound', id)
    return group
  })
  if (groups.some(({ stateful }) => stateful) && groups.some(({ stateful }) => !stateful))
    throw fault('SecurityGroupConflict', 'Cannot apply both stateful and stateless security groups on the same port at the same time')
  return ids
}

const isUsed = (neutron: Neutron, { id }: SecurityGroup): boolean =>
  neutron.store.ports.find((port) => port.security_groups.includes(id)) !== undefined

function updateGroup(group: SecurityGroup, values: Partial<SecurityGroupValues>, { neutron }: Operation): SecurityGroup {
  if (values.stateful !== undefined && values.stateful !== group.stateful && isUsed(neutron, group))
    throw fault('SecurityGroupInUse', group.id)
  if (group.is_default && values.name !== undefined) throw fault('SecurityGroupCannotUpdateDefault')
  return neutron.store.securityGroups.put(changed(neutron, group, values))
}

function removeGroup(group: SecurityGroup, { neutron, caller }: Operation): void {
  if (isUsed(neutron, group)) throw fault('SecurityGroupInUse', group.id)
  if (group.is_default && !caller.isAdmin) throw fault('SecurityGroupCannotRemoveDefault')
  const rules = neutron.store.securityGroupRules
  const gone = [...rules.by('security_group_id', group.id), ...rules.by('remote_group_id', group.id)]
  for (const { id } of gone) rules.remove(id)
  forgetGrants(neutron, group.id)
  neutron.store.securityGroups.remove(group.id)
}
