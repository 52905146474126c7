/** Server groups: servers that shall share hosts, or shall not. */
import type { RequestContext } from '../oslo/context.ts'
import type { WholeGroup } from '../stores/api/server-groups.ts'
import { answered } from '../stores/cells.ts'
import type { Backends } from './backends.ts'
import { Fault } from './faults.ts'
import { serverGroupPayload } from './notifications/payloads.ts'
import { chargedTo, limitSet } from './quotas.ts'
import { enforceLocal } from './unified-limits.ts'

export type ServerGroup = WholeGroup

/** Throws `serverGroupNotFound` for one that is not there or belongs to another project. */
export async function findServerGroup({ stores }: Backends, context: RequestContext, uuid: string): Promise<ServerGroup> {
  const group = await stores.api.serverGroups.whole(uuid)
  // nova/objects/instance_group.py _instance_group_get_query
  if (!group || (!context.isAdmin && group.projectId !== context.projectId)) throw new Fault('serverGroupNotFound', uuid)
  return group
}

/** Those of a project, or of all. */
export const listServerGroups = ({ stores }: Backends, projectId?: string): Promise<ServerGroup[]> =>
  stores.api.serverGroups.list(projectId)

export interface NewServerGroup {
  readonly name: string
  readonly policy: string
  /** `max_server_per_host` is how many servers of the group a host may have; for anti-affinity alone. */
  readonly rules: Readonly<Record<string, string | number>>
}

/** Throws `tooManyServerGroups`, or `badRequest` for rules that do not fit the policy. */
export async function createServerGroup(
  backends: Backends,
  context: RequestContext,
  { name, policy, rules }: NewServerGroup,
): Promise<ServerGroup> {
  const { stores, ids, settings } = backends
  await checkQuota(backends, context, 1)
  if (policy !== 'anti-affinity' && Object.keys(rules).length > 0)
    throw new Fault('badRequest', 'Only anti-affinity policy supports rules.')
  const uuid = ids.uuid()
  const texts = Object.fromEntries(Object.entries(rules).map(([rule, value]) => [rule, String(value)]))
  const { projectId, userId } = context
  await stores.api.serverGroups.create({ uuid, name, policy, rules: texts, projectId, userId })
  if (settings.quota.recheckQuota) await recheck(backends, context, uuid)
  const made = await findServerGroup(backends, context, uuid)
  await tellGroup(backends, context, 'create', made, { name, project_id: projectId, user_id: userId, policy, rules: texts })
  return made
}

async function checkQuota(backends: Backends, context: RequestContext, more: number): Promise<void> {
  const [limits, has] = await Promise.all([
    limitSet(backends, ...chargedTo(context)),
    backends.stores.api.serverGroups.count(...chargedTo(context)),
  ])
  for (const whose of ['project', 'user'] as const) {
    const limit = limits[whose].server_groups
    if (limit >= 0 && has[whose] + more > limit) throw new Fault('tooManyServerGroups')
  }
  await enforceLocal(backends, 'server_groups', more, has.project)
}

/** Requests that came together may have passed the check together. */
async function recheck(backends: Backends, context: RequestContext, uuid: string): Promise<void> {
  try {
    await checkQuota(backends, context, 0)
  } catch (error) {
    await backends.stores.api.serverGroups.remove(uuid)
    throw error
  }
}

/** Throws `serverGroupNotFound`. */
export async function deleteServerGroup(backends: Backends, context: RequestContext, group: ServerGroup): Promise<void> {
  if (!(await backends.stores.api.serverGroups.remove(group.uuid))) throw new Fault('serverGroupNotFound', group.uuid)
  await tellGroup(backends, context, 'delete', group)
}

/** Who joined a group, once they have. */
export async function tellMembers(backends: Backends, context: RequestContext, uuid: string, servers: readonly string[]): Promise<void> {
  for (const server of servers)
    await backends.notifications.unversioned(context, () => olderForm('addmember', uuid, { instance_uuids: [server] }))
  await backends.notifications.versioned(context, async () => ({
    object: 'server_group',
    action: 'add_member',
    payload: serverGroupPayload((await backends.stores.api.serverGroups.whole(uuid))!),
  }))
}

async function tellGroup(
  { notifications }: Backends,
  context: RequestContext,
  action: 'create' | 'delete',
  group: ServerGroup,
  facts: object = {},
): Promise<void> {
  await notifications.unversioned(context, () => olderForm(action, group.uuid, facts))
  await notifications.versioned(context, () => ({ object: 'server_group', action, payload: serverGroupPayload(group) }))
}

const olderForm = (event: string, uuid: string, facts: object) => ({
  service: 'servergroup',
  event: `servergroup.${event}`,
  payload: { ...facts, server_group_id: uuid },
})

/**
 * Which members of these groups are there, each with its place: first those not yet in a cell, then those of each cell that are not deleted,
 * the newest first. Those in a cell that does not answer are taken to be there. nova/api/openstack/compute/server_groups.py _get_not_deleted
 */
export async function livingMembers({ stores }: Backends, groups: readonly ServerGroup[]): Promise<ReadonlyMap<string, number>> {
  const mappings = await stores.api.serverMappings.of([...new Set(groups.flatMap(({ members }) => members))])
  const uuidsIn = (cellId: number | null) =>
    mappings.filter((mapping) => mapping.cellId === cellId).map(({ instanceUuid }) => instanceUuid!)
  const cells = [...new Set(mappings.flatMap(({ cellId }) => cellId ?? []))]
  const answers = await stores.cells.gather((cell) => cell.hosts.living(uuidsIn(cell.id)), cells)
  const living = [uuidsIn(null), ...answers.map((answer) => (answered(answer) ? answer.value : uuidsIn(answer.cell.id)))].flat()
  return new Map(living.map((uuid, place) => [uuid, place]))
}
