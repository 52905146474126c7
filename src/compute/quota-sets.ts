/** Quota sets: the limits of a project or of one of its users, what is in use, and what limits may be set. */
import type { Backends } from './backends.ts'
import { Fault } from './faults.ts'
import { classLimits, isOff, type Limits, limitsOf, type Resource, resources, usageOf } from './quotas.ts'
import { areUnified, unifiedUse } from './unified-limits.ts'

export interface QuotaUse {
  readonly limit: number
  readonly in_use: number
  readonly reserved: number
}

export type QuotaDetail = Readonly<Record<Resource, QuotaUse>>

/** Limits with what is in use. Nothing is ever reserved; without quotas everything is -1. */
export async function quotaDetail(backends: Backends, projectId: string, userId?: string): Promise<QuotaDetail> {
  const off = isOff(backends.settings) && !areUnified(backends.settings)
  const [limits, used] = await Promise.all([
    limitsOf(backends, projectId, userId),
    off ? ({} as Partial<Record<Resource, number>>) : inUse(backends, projectId, userId),
  ])
  const detail = (resource: Resource): QuotaUse => ({
    limit: limits[resource],
    in_use: off ? -1 : (used[resource] ?? 0),
    reserved: off ? -1 : 0,
  })
  return Object.fromEntries(resources.map((resource) => [resource, detail(resource)])) as QuotaDetail
}

/** Key pairs and members of groups belong to users and groups, so a project has none of them (nova/quota.py _get_usages). */
async function inUse(backends: Backends, projectId: string, userId: string | undefined): Promise<Partial<Record<Resource, number>>> {
  if (areUnified(backends.settings)) return unifiedUse(backends, projectId)
  const whose = userId === undefined ? 'project' : 'user'
  const [servers, groups] = await Promise.all([
    usageOf(backends, projectId, userId ?? ''),
    backends.stores.api.serverGroups.count(projectId, userId ?? ''),
  ])
  return { ...servers[whose], server_groups: groups[whose] }
}

/** Sets limits of a project, or of one of its users; those in Keystone are set there alone. Throws `limitTooLow` or `limitTooHigh` unless `force` is set. */
export async function setLimits(
  backends: Backends,
  projectId: string,
  userId: string | undefined,
  wanted: Partial<Limits>,
  { force }: { force: boolean },
): Promise<void> {
  if (areUnified(backends.settings)) return
  if (!force) await checkSettable(backends, projectId, userId, wanted)
  const { quotas } = backends.stores.api
  if (userId === undefined) return quotas.set(projectId, null, wanted)
  // nova/db/api/api.py quota_create: these belong to projects, whoever is named
  const ofProject = Object.entries(wanted).filter(([resource]) => resource === 'fixed_ips' || resource === 'floating_ips')
  const ofUser = Object.entries(wanted).filter((pair) => !ofProject.includes(pair))
  await quotas.set(projectId, userId, Object.fromEntries(ofUser))
  await quotas.set(projectId, null, Object.fromEntries(ofProject))
}

async function checkSettable(backends: Backends, projectId: string, userId: string | undefined, wanted: Partial<Limits>): Promise<void> {
  const bounds = await settable(backends, projectId, userId)
  const endless = (limit: number) => (limit === -1 ? Number.POSITIVE_INFINITY : limit)
  for (const [resource, limit] of Object.entries(wanted) as [Resource, number][]) {
    const { minimum, maximum } = bounds(resource)
    if (endless(limit) < endless(minimum)) throw new Fault('limitTooLow', limit, resource, minimum)
    if (endless(limit) > endless(maximum)) throw new Fault('limitTooHigh', limit, resource, maximum)
  }
}

interface Bounds {
  readonly minimum: number
  readonly maximum: number
}

/** A project's limit covers what it uses and what was given to its users; a user's what is left of the project's. nova/quota.py get_settable_quotas */
async function settable(backends: Backends, projectId: string, userId: string | undefined): Promise<(resource: Resource) => Bounds> {
  const { stores, settings } = backends
  if (isOff(settings)) return () => ({ minimum: 0, maximum: -1 })
  const [limits, given, used, own] = await Promise.all([
    limitsOf(backends, projectId),
    stores.api.quotas.sumOfUsers(projectId),
    inUse(backends, projectId, userId),
    userId === undefined ? {} : stores.api.quotas.ofUser(projectId, userId),
  ])
  const ends = (...values: number[]) => values.some((value) => value <= -1)
  return (resource) => {
    const limit = limits[resource]
    const left = limit - (given[resource] ?? 0)
    const inUseNow = used[resource] ?? 0
    if (userId === undefined) return { minimum: Math.max(ends(limit, left) ? -1 : limit - left, inUseNow), maximum: -1 }
    const mine = (own as Partial<Limits>)[resource] ?? 0
    return { minimum: inUseNow, maximum: ends(left, mine) ? -1 : left + mine }
  }
}

/** Back to the defaults, for a project and all its users or for one user. */
export async function removeLimits({ stores, settings }: Backends, projectId: string, userId: string | undefined): Promise<void> {
  if (!areUnified(settings)) await stores.api.quotas.remove(projectId, userId ?? null)
}

/** The limits of a class as they are then. */
export async function setClassLimits(backends: Backends, name: string, wanted: Partial<Limits>): Promise<Limits> {
  if (!areUnified(backends.settings)) await backends.stores.api.quotas.setClass(name, wanted)
  return classLimits(backends, name)
}
