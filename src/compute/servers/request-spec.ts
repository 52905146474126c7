/** What the scheduler was asked for a server, to be asked again when it moves (nova/objects/request_spec.py). */
import { changes } from '../../oslo/objects/object.ts'
import type { WholeGroup } from '../../stores/api/server-groups.ts'
import type { InstanceGroup } from '../../stores/objects/instance-group.ts'
import { RequestSpec } from '../../stores/objects/request-spec.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'

/** Of one request only. */
const unkept = ['requested_destination', 'requested_resources', 'network_metadata', 'request_level_params', 'requested_networks'] as const

/** Throws `missing`. Nothing in it counts as changed but what was stored so. */
export async function findRequestSpec({ stores }: Backends, uuid: string): Promise<RequestSpec> {
  const row = await stores.api.requestSpecs.row(uuid)
  if (!row) throw new Fault('missing', `RequestSpec not found for instance ${uuid}`)
  const spec = {
    ...RequestSpec.unchanged(RequestSpec.fromWire(row.spec)),
    id: row.id,
    instance_uuid: uuid,
    retry: null,
    ignore_hosts: null,
  }
  for (const name of unkept) delete spec[name]
  return withGroup({ stores }, spec)
}

/** Its group as it is now. nova/objects/request_spec.py _from_db_object: one that is gone is forgotten */
async function withGroup({ stores }: Pick<Backends, 'stores'>, spec: RequestSpec): Promise<RequestSpec> {
  if (!spec.instance_group) return spec
  const uuid = spec.instance_group.uuid ?? spec.scheduler_hints?.group?.[0]
  const group = uuid === undefined ? undefined : await stores.api.serverGroups.whole(uuid)
  if (group) return { ...spec, instance_group: groupOf(group) }
  const { group: _, ...hints } = spec.scheduler_hints ?? {}
  return { ...spec, instance_group: null, scheduler_hints: hints }
}

const groupOf = ({ id, uuid, userId, projectId, name, policy, rules, members, createdAt, updatedAt }: WholeGroup): InstanceGroup => ({
  id,
  user_id: userId,
  project_id: projectId,
  uuid,
  name,
  members: [...members],
  policy,
  _rules: { ...rules },
  created_at: createdAt,
  updated_at: updatedAt,
  deleted_at: null,
  deleted: false,
})

/** Keeps what outlives one request; the spec as it is then, without marks of change. */
async function saveRequestSpec({ stores }: Backends, spec: RequestSpec): Promise<RequestSpec> {
  const kept = { ...spec, retry: null, ignore_hosts: null }
  for (const name of unkept) delete kept[name]
  if (kept.instance_group) kept.instance_group = { ...kept.instance_group, members: null, hosts: null }
  await stores.api.requestSpecs.update(spec.instance_uuid!, RequestSpec.toWire({ ...kept, [changes]: spec[changes] ?? [] }))
  return RequestSpec.unchanged(spec)
}

/** Keeps another spec for work that goes by it, and when that fails the one from before again. */
export async function withRequestSpec<T>(
  backends: Backends,
  before: RequestSpec,
  after: RequestSpec,
  work: (saved: RequestSpec) => Promise<T>,
): Promise<T> {
  const saved = await saveRequestSpec(backends, after)
  try {
    return await work(saved)
  } catch (error) {
    await saveRequestSpec(backends, before)
    throw error
  }
}
