/** How much a project may have and has (cinder/quota.py). Besides the totals there is a limit for each type: `volumes_peer`. */
import type { Volume } from './documents.ts'
import { overLimit } from './faults.ts'
import type { Cinder } from './state.ts'
import type { Store } from './store.ts'

export type Amounts = Readonly<Record<string, number>>

const defaults: Amounts = {
  volumes: 10,
  per_volume_gigabytes: -1,
  snapshots: 10,
  gigabytes: 1000,
  backups: 10,
  backup_gigabytes: 1000,
}
const perType = ['volumes', 'gigabytes', 'snapshots']

/** All names of limits; those of groups, which Cinder lists last, are among them. */
export function limitNames(store: Store): string[] {
  const types = store.types.all().flatMap(({ name }) => perType.map((resource) => `${resource}_${name}`))
  return [...Object.keys(defaults), ...types, 'groups']
}

/** What a project has without limits of its own: those of the class `default`, or Cinder's. */
export function defaultLimits(store: Store): Amounts {
  const own = store.classLimits.get('default')?.limits ?? {}
  return Object.fromEntries(limitNames(store).map((name) => [name, own[name] ?? defaults[name] ?? (name === 'groups' ? 10 : -1)]))
}

export const limitsOf = (store: Store, projectId: string): Amounts => {
  const base = defaultLimits(store)
  const own = store.projectLimits.get(projectId)?.limits ?? {}
  return Object.fromEntries(Object.entries(base).map(([name, limit]) => [name, own[name] ?? limit]))
}

/** What a project has, by the names of the limits. */
export function usageOf(store: Store, projectId: string): Record<string, number> {
  const used: Record<string, number> = Object.fromEntries(limitNames(store).map((name) => [name, 0]))
  const add = (resource: string, typeId: string, amount: number) => {
    used[resource]! += amount
    const type = store.types.get(typeId)
    if (type) used[`${resource}_${type.name}`]! += amount
  }
  for (const volume of store.volumes.by('project_id', projectId))
    if (volume.use_quota) {
      add('volumes', volume.volume_type_id, 1)
      add('gigabytes', volume.volume_type_id, volume.size)
    }
  for (const snapshot of store.snapshots.by('project_id', projectId))
    if (snapshot.use_quota) {
      add('snapshots', snapshot.volume_type_id, 1)
      add('gigabytes', snapshot.volume_type_id, snapshot.volume_size)
    }
  return used
}

/** What is to be added of a type: to the totals and to those of the type. */
export interface Wanted {
  readonly projectId: string
  readonly typeId: string
  readonly volumes?: number
  readonly snapshots?: number
  readonly gigabytes: number
  /** Only the limits of the type count: the volume is there already, of another type. */
  readonly typeOnly?: boolean
}

/** The limits that would be passed, in the order in which Cinder tells of them. */
function passed(store: Store, { projectId, typeId, typeOnly = false, ...amounts }: Wanted) {
  const limits = limitsOf(store, projectId)
  const used = usageOf(store, projectId)
  const type = store.types.get(typeId)?.name
  return Object.entries(amounts)
    .flatMap(([resource, amount]) =>
      [...(typeOnly ? [] : [resource]), ...(type ? [`${resource}_${type}`] : [])].map((name) => ({ name, amount })),
    )
    .filter(({ name, amount }) => amount > 0 && limits[name]! >= 0 && used[name]! + amount > limits[name]!)
    .map(({ name }) => ({ name, limit: limits[name]!, used: used[name]! }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** 413 unless the project may have this much more (cinder/quota_utils.py process_reserve_over_quota). */
export function reserve({ store }: Pick<Cinder, 'store'>, wanted: Wanted): void {
  for (const { name, limit, used } of passed(store, wanted)) {
    if (name.includes('gigabytes'))
      throw overLimit(
        'VolumeSizeExceedsAvailableQuota',
        `Requested volume or snapshot exceeds allowed ${name} quota. Requested ${wanted.gigabytes}G, quota is ${limit}G and ${used}G has been consumed.`,
      )
    if (name.startsWith('snapshots')) throw overLimit('SnapshotLimitExceeded', `Maximum number of snapshots allowed (${limit}) exceeded`)
    throw overLimit('VolumeLimitExceeded', `Maximum number of volumes allowed (${limit}) exceeded for quota '${name}'.`)
  }
}

/** 413 for a volume above per_volume_gigabytes. */
export function checkSize({ store }: Pick<Cinder, 'store'>, projectId: string, size: number): void {
  const limit = limitsOf(store, projectId).per_volume_gigabytes!
  if (limit >= 0 && size > limit)
    throw overLimit('VolumeSizeExceedsLimit', `Requested volume size ${size}G is larger than maximum allowed limit ${limit}G.`)
}

/** 413 unless a volume may grow: told without the name of the quota, as Cinder leaves it. */
export function reserveGrowth(cinder: Pick<Cinder, 'store'>, volume: Volume, more: number): void {
  const over = passed(cinder.store, { projectId: volume.project_id, typeId: volume.volume_type_id, gigabytes: more })[0]
  if (!over) return
  const limit = limitsOf(cinder.store, volume.project_id).gigabytes!
  const used = usageOf(cinder.store, volume.project_id).gigabytes!
  throw overLimit(
    'VolumeSizeExceedsAvailableQuota',
    `Requested volume or snapshot exceeds allowed gigabytes quota. Requested ${more}G, quota is ${limit}G and ${used}G has been consumed.`,
  )
}
