/** Hints for the scheduler. Only the group means something here; the rest is handed on. */
import type { RequestContext } from '../../../oslo/context.ts'
import type { WholeGroup } from '../../../stores/api/server-groups.ts'
import { InstanceGroup } from '../../../stores/objects/instance-group.ts'
import type { Backends } from '../../backends.ts'
import { Fault } from '../../faults.ts'

type Hints = Readonly<Record<string, unknown>>

/** Without those of Nova's own, which nobody else may give (LP 2151252). */
export const foreignHints = (hints: Hints): Hints => Object.fromEntries(Object.entries(hints).filter(([name]) => !name.startsWith('_nova')))

/** As the scheduler reads them: lists of texts. nova/objects/request_spec.py _from_hints */
export function hintLists(hints: Hints): Record<string, string[]> {
  return Object.fromEntries(Object.entries(hints).map(([name, value]) => [name, [value].flat().map((each) => textOf(name, each))]))
}

function textOf(name: string, value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  // Nova answers 500 here
  throw new Fault('badRequest', `The scheduler hint '${name}' must be a text or a list of texts`)
}

/** The group that the servers shall join. Throws `serverGroupNotFound`; one of another project is not there for who is no admin. */
export async function wantedGroup({ stores }: Backends, context: RequestContext, { group: hint }: Hints): Promise<WholeGroup | undefined> {
  if (!hint || (Array.isArray(hint) && hint.length === 0)) return undefined
  const uuid = Array.isArray(hint) && hint.length === 1 ? hint[0] : hint
  const group = typeof uuid === 'string' ? await stores.api.serverGroups.whole(uuid) : undefined
  if (!group || (!context.isAdmin && group.projectId !== context.projectId))
    throw new Fault('serverGroupNotFound', Array.isArray(hint) ? `[${hint.map((each) => `'${each}'`).join(', ')}]` : hint)
  return group
}

/** As the scheduler is told of it. `members` are those that it has so far. */
export const groupObject = (group: WholeGroup, members: readonly string[]): InstanceGroup =>
  InstanceGroup.unchanged({
    id: group.id,
    user_id: group.userId,
    project_id: group.projectId,
    uuid: group.uuid,
    name: group.name,
    policies: group.policy === null ? [] : [group.policy],
    members: [...members],
    policy: group.policy,
    _rules: { ...group.rules },
    created_at: group.createdAt,
    updated_at: group.updatedAt,
    deleted_at: null,
    deleted: false,
  })
