/** /os-quota-sets, /os-quota-class-sets and /limits (cinder/api/contrib/quotas.py, quota_classes.py, cinder/api/v3/limits.py). */
import { reply } from '../service.ts'
import { badRequest, invalidInput } from './faults.ts'
import { type Operations, operation } from './operation.ts'
import { defaultLimits, limitNames, limitsOf, usageOf } from './quotas.ts'
import { requireAdmin, requireOwner } from './rules.ts'
import * as shapes from './shapes.ts'
import { truth, type VolumeCall } from './state.ts'
import { integer } from './validation.ts'

const show = 'volume_extension:quotas:show'

export const quotaRoutes: Operations = {
  'GET /os-quota-sets/:project': {
    run(call) {
      const project = call.params.project!
      requireOwner(show, call.caller, project)
      const limits = limitsOf(call.store, project)
      return { quota_set: { ...(truth(call.query.get('usage')) ? withUsage(call, project) : limits), id: project } }
    },
  },
  'GET /os-quota-sets/:project/defaults': {
    run(call) {
      requireOwner(show, call.caller, call.params.project!)
      return { quota_set: { ...defaultLimits(call.store), id: call.params.project } }
    },
  },
  'PUT /os-quota-sets/:project': operation({
    body: shapes.quotaSet,
    run(call, { quota_set: sent }: { quota_set: Record<string, unknown> }) {
      const limits = valid(call, sent)
      requireAdmin('volume_extension:quotas:update', call.caller)
      return { quota_set: update(call, call.params.project!, limits) }
    },
  }),
  'DELETE /os-quota-sets/:project': {
    run(call) {
      requireAdmin('volume_extension:quotas:delete', call.caller)
      call.store.write(() => call.store.projectLimits.remove(call.params.project!))
      return reply(200)
    },
  },
  'GET /os-quota-class-sets/:name': {
    run(call) {
      requireAdmin('volume_extension:quota_classes:get', call.caller)
      return { quota_class_set: { ...classLimits(call), id: call.params.name } }
    },
  },
  'PUT /os-quota-class-sets/:name': operation({
    body: shapes.quotaClassSet,
    run(call, { quota_class_set: sent }: { quota_class_set: Record<string, unknown> }) {
      const { store, params } = call
      const unknown = Object.keys(sent).filter((key) => !limitNames(store).includes(key))
      if (unknown.length > 0) throw invalidInput(`Bad key(s) in quota class set: ${unknown.join(', ')}`)
      requireAdmin('volume_extension:quota_classes:update', call.caller)
      const limits = Object.fromEntries(Object.entries(sent).map(([key, value]) => [key, Number(value)]))
      const before = store.classLimits.get(params.name!)?.limits
      store.write(() => store.classLimits.put({ id: params.name!, limits: { ...before, ...limits } }))
      return { quota_class_set: classLimits(call) }
    },
  }),
  'GET /limits': { run: limits },
}

function classLimits({ store, params }: VolumeCall): Record<string, number> {
  return { ...defaultLimits(store), ...store.classLimits.get(params.name!)?.limits }
}

function withUsage({ store }: VolumeCall, project: string) {
  const used = usageOf(store, project)
  return Object.fromEntries(
    Object.entries(limitsOf(store, project)).map(([name, limit]) => [name, { limit, in_use: used[name] ?? 0, reserved: 0 }]),
  )
}

/** Keys that are no limits and that old clients send (cinder/quota.py NON_QUOTA_KEYS). */
const ignored = ['tenant_id', 'id', 'skip_validation']

function valid({ store }: VolumeCall, sent: Readonly<Record<string, unknown>>): Record<string, number> {
  const keys = Object.keys(sent).filter((key) => !ignored.includes(key))
  const unknown = keys.filter((key) => !limitNames(store).includes(key))
  const limits = keys.filter((key) => !unknown.includes(key)).map((key) => [key, integer(sent[key], key, -1)] as const)
  if (unknown.length > 0) throw invalidInput(`Bad key(s) in quota set: ${unknown.join(', ')}`)
  return Object.fromEntries(limits)
}

/** A limit below what is there is refused. */
function update({ store }: VolumeCall, project: string, limits: Readonly<Record<string, number>>): Record<string, number> {
  const used = usageOf(store, project)
  for (const [key, limit] of Object.entries(limits))
    if (key !== 'per_volume_gigabytes' && limit !== -1 && limit < (used[key] ?? 0))
      throw badRequest(
        `Quota ${key} limit must be equal or greater than existing resources. Current usage is ${used[key]} and the requested limit is ${limit}.`,
      )
  const before = store.projectLimits.get(project)?.limits
  store.write(() => store.projectLimits.put({ id: project, limits: { ...before, ...limits } }))
  return limitsOf(store, project)
}

/** Those of another project for administrators, since 3.39. */
function limits(call: VolumeCall) {
  const { store, caller, query, minor } = call
  const asked = caller.isAdmin && minor >= 39 ? (query.get('project_id') ?? query.get('tenant_id')) : null
  const project = asked ?? call.projectId
  const most = limitsOf(store, project)
  const used = usageOf(store, project)
  const absolute = {
    maxTotalVolumes: most.volumes,
    maxTotalSnapshots: most.snapshots,
    maxTotalVolumeGigabytes: most.gigabytes,
    maxTotalBackups: most.backups,
    maxTotalBackupGigabytes: most.backup_gigabytes,
    totalVolumesUsed: used.volumes,
    totalGigabytesUsed: used.gigabytes,
    totalSnapshotsUsed: used.snapshots,
    totalBackupsUsed: 0,
    totalBackupGigabytesUsed: 0,
  }
  return { limits: { rate: [], absolute } }
}
