/** Limits: how much of each resource a project and each of its users may have, how much they have, and whether more fits. */
import type { RequestContext } from '../oslo/context.ts'
import type { Limits as StoredLimits } from '../stores/api/quotas.ts'
import { type ServerUsage, serverUsage } from '../stores/cell/usage.ts'
import { answered } from '../stores/cells.ts'
import type { Backends } from './backends.ts'
import { Fault } from './faults.ts'
import { areUnified, enforceLocal, unifiedByOldNames } from './unified-limits.ts'

/** Every resource that has a limit, in Nova's names. The last four are limits of a network service that is gone: nothing is counted against them. */
export const resources = [
  'instances',
  'cores',
  'ram',
  'metadata_items',
  'injected_files',
  'injected_file_content_bytes',
  'injected_file_path_bytes',
  'key_pairs',
  'server_groups',
  'server_group_members',
  'fixed_ips',
  'floating_ips',
  'security_groups',
  'security_group_rules',
] as const
export type Resource = (typeof resources)[number]

/** -1 is no limit. */
export type Limits = Readonly<Record<Resource, number>>

/** The limits that hold for a user: those of the project together, and those of the user alone. */
export interface LimitSet {
  readonly project: Limits
  readonly user: Limits
  /** Resources with a limit that was set for this user. */
  readonly own: ReadonlySet<string>
}

type QuotaBackends = Pick<Backends, 'stores' | 'settings' | 'peers'>

/** What holds where neither the project nor its user has a limit set: the class `default`, then [quota]. */
export async function defaultLimits(backends: QuotaBackends): Promise<Limits> {
  const { stores, settings } = backends
  if (areUnified(settings)) return inKeystone(backends)
  return isOff(settings) ? unlimited : layered(configured(settings), await stores.api.quotas.ofClass('default'))
}

/** The limits of a project or, with a user, of that user in it. */
export async function limitsOf(backends: QuotaBackends, projectId: string, userId?: string): Promise<Limits> {
  if (areUnified(backends.settings)) return inKeystone(backends, projectId)
  return userId === undefined ? (await limitSet(backends, projectId, null)).project : (await limitSet(backends, projectId, userId)).user
}

/** Both kinds of limits that our databases hold at once, in a constant number of statements. Without a user both are the project's. */
export async function limitSet(backends: QuotaBackends, projectId: string, userId: string | null): Promise<LimitSet> {
  const { stores, settings } = backends
  if (isOff(settings)) return { project: unlimited, user: unlimited, own: new Set() }
  const { quotas } = stores.api
  const [defaults, ofProject, ofUser] = await Promise.all([
    defaultLimits(backends),
    quotas.ofProject(projectId),
    userId === null ? {} : quotas.ofUser(projectId, userId),
  ])
  const project = layered(defaults, ofProject)
  return { project, user: layered(project, ofUser), own: new Set(Object.keys(ofUser)) }
}

/** What holds for a class: its own limits, then [quota]. The class `default` is the one whose limits hold for projects. */
export async function classLimits(backends: QuotaBackends, name: string): Promise<Limits> {
  const { stores, settings } = backends
  if (areUnified(settings)) return inKeystone(backends)
  return isOff(settings) ? unlimited : layered(configured(settings), await stores.api.quotas.ofClass(name))
}

/** Whether our databases hold no limits. */
export const isOff = (settings: Backends['settings']): boolean => settings.quota.driver !== 'nova.quota.DbQuotaDriver'

/** Limits that Keystone holds; those that it does not know are none. */
const inKeystone = async (backends: QuotaBackends, projectId?: string): Promise<Limits> => ({
  ...unlimited,
  ...(await unifiedByOldNames(backends, projectId)),
})

const unlimited = Object.fromEntries(resources.map((resource) => [resource, -1])) as Limits

const configured = ({ quota }: Backends['settings']): Limits => ({
  ...unlimited,
  instances: quota.instances,
  cores: quota.cores,
  ram: quota.ram,
  metadata_items: quota.metadataItems,
  injected_files: quota.injectedFiles,
  injected_file_content_bytes: quota.injectedFileContentBytes,
  injected_file_path_bytes: quota.injectedFilePathLength,
  key_pairs: quota.keyPairs,
  server_groups: quota.serverGroups,
  server_group_members: quota.serverGroupMembers,
})

const layered = (below: Limits, above: StoredLimits): Limits =>
  Object.fromEntries(resources.map((resource) => [resource, above[resource] ?? below[resource]])) as Limits

export interface Usage {
  readonly project: ServerUsage
  /** Of one user among the project's. */
  readonly user: ServerUsage
}

/**
 * Servers, processors and memory that a project has, and one of its users among it. They are counted in the cells, side by side; a cell that does not
 * answer adds nothing. With [quota] count_usage_from_placement nova_api and Placement are asked instead.
 */
export async function usageOf(backends: QuotaBackends, projectId: string, userId: string): Promise<Usage> {
  const { stores, settings } = backends
  // nova/quota.py _instances_cores_ram_count: mappings of very old releases cannot be counted
  if (settings.quota.countUsageFromPlacement && (await stores.api.quotas.mappingsComplete(projectId)))
    return usageByPlacement(backends, projectId, userId)
  const only = settings.api.instanceListPerProjectCells ? await stores.api.serverMappings.cellsOf(projectId) : undefined
  const answers = (await stores.cells.gather((cell) => serverUsage(cell.database, projectId, userId), only)).filter(answered)
  const sum = (whose: keyof Usage, what: keyof ServerUsage) => answers.reduce((total, { value }) => total + value[whose][what], 0)
  const of = (whose: keyof Usage) => ({ instances: sum(whose, 'instances'), cores: sum(whose, 'cores'), ram: sum(whose, 'ram') })
  return { project: of('project'), user: of('user') }
}

async function usageByPlacement({ stores, peers }: QuotaBackends, projectId: string, userId: string): Promise<Usage> {
  const [mapped, ofProject, ofUser] = await Promise.all([
    stores.api.quotas.serversMapped(projectId, userId),
    peers.placement.usages(projectId),
    peers.placement.usages(projectId, userId),
  ])
  const usage = (instances: number, { VCPU = 0, PCPU = 0, MEMORY_MB = 0 }: Readonly<Record<string, number>>) => ({
    instances,
    cores: VCPU + PCPU,
    ram: MEMORY_MB,
  })
  return { project: usage(mapped.project, ofProject), user: usage(mapped.user, ofUser) }
}

export type Deltas = Partial<Record<keyof ServerUsage, number>>

/** What would be exceeded, with the limits and the usage that say so. */
export interface Excess {
  readonly overs: readonly (keyof ServerUsage)[]
  readonly limits: Limits
  readonly usage: ServerUsage
}

/** A project and one of its users. */
type Owner = readonly [projectId: string, userId: string]

/** Whether so much more fits; undefined when it does. `counted` is whose usage counts where that is somebody else. nova/objects/quotas.py Quotas.check_deltas */
export async function checkDeltas(
  backends: QuotaBackends,
  limited: Owner,
  deltas: Deltas,
  counted: Owner = limited,
): Promise<Excess | undefined> {
  const [limits, usage] = await Promise.all([limitSet(backends, ...limited), usageOf(backends, ...counted)])
  return excess(limits, usage, deltas)
}

/** The same for limits and usage that are known. What a user has counts only when one of the limits on servers was set for the user. */
function excess({ project, user, own }: LimitSet, usage: Usage, deltas: Deltas): Excess | undefined {
  const perUser = ['instances', 'cores', 'ram'].some((resource) => own.has(resource))
  const overs: (keyof ServerUsage)[] = []
  let limits = project
  for (const [resource, delta] of Object.entries(deltas) as [keyof ServerUsage, number][]) {
    const isOver = (limit: number, used: number) => limit >= 0 && limit < used + delta
    if (isOver(project[resource], usage.project[resource])) overs.push(resource)
    else if (perUser && isOver(user[resource], usage.user[resource])) {
      overs.push(resource)
      limits = user
    }
  }
  return overs.length === 0 ? undefined : { overs: overs.sort(), limits, usage: perUser ? usage.user : usage.project }
}

interface FlavorSize {
  readonly vcpus: number
  readonly memoryMb: number
}

/** How many servers of a flavor may be made, at least `min` and at most `max`; throws `tooManyServers` when not even `min`. nova/compute/utils.py check_num_instances_quota */
export function serversAllowed(limits: LimitSet, usage: Usage, flavor: FlavorSize, min: number, max: number): number {
  const deltas = { instances: max, cores: max * flavor.vcpus, ram: max * flavor.memoryMb }
  const over = excess(limits, usage, deltas)
  if (!over) return max
  const room = roomFor(over, flavor)
  if (room > 0 && min <= room && room <= max) return serversAllowed(limits, usage, flavor, min, room)
  const requested = { ...deltas, instances: min === max ? min : `${min}-${max}` }
  const listed = (value: (resource: keyof ServerUsage) => number | string) => over.overs.map(value).join(', ')
  const names = over.overs.join(', ')
  const [asked, used, allowed] = [listed((r) => requested[r]), listed((r) => over.usage[r]), listed((r) => over.limits[r])]
  throw new Fault('tooManyServers', names, asked, used, allowed, names)
}

/** Servers that still fit. One quirk is Nova's: without a limit on servers none do, so that a request for many is not cut down but refused. */
function roomFor({ limits, usage }: Excess, { vcpus, memoryMb }: FlavorSize): number {
  const instances = limits.instances - usage.instances
  const ofCores = vcpus && limits.cores !== -1 ? Math.floor((limits.cores - usage.cores) / vcpus) : instances
  const ofRam = memoryMb && limits.ram !== -1 ? Math.floor((limits.ram - usage.ram) / memoryMb) : instances
  return Math.min(instances, ofCores, ofRam)
}

/** Resources of which single values are limited. */
type Absolute = 'metadata_items' | 'injected_files' | 'injected_file_content_bytes' | 'injected_file_path_bytes'

/** Those of the values that are too large. nova/quota.py DbQuotaDriver.limit_check */
export function tooLarge({ project, user }: LimitSet, values: Partial<Record<Absolute, number>>): Absolute[] {
  const isOver = (limit: number, value: number) => limit >= 0 && limit < value
  return (Object.entries(values) as [Absolute, number][])
    .filter(([resource, value]) => isOver(project[resource], value) || isOver(user[resource], value))
    .map(([resource]) => resource)
}

/** Throws `metadataLimitExceeded` when a server would have so many pairs of metadata. */
export async function checkMetadataItems(backends: QuotaBackends, context: RequestContext, count: number): Promise<void> {
  checkMetadataCount(await limitSet(backends, ...chargedTo(context)), count)
}

/** The same for limits that are known. */
export function checkMetadataCount(limits: LimitSet, count: number): void {
  if (tooLarge(limits, { metadata_items: count }).length > 0) throw new Fault('metadataLimitExceeded', limits.project.metadata_items)
}

/** Throws when a new server would have too many pairs or odd ones. nova/compute/api.py API._check_metadata_properties_quota */
export function checkMetadataPairs(limits: LimitSet, metadata: Readonly<Record<string, unknown>>): void {
  const count = Object.keys(metadata).length
  if (count > 0) checkMetadataCount(limits, count)
  refuseOddPairs(metadata)
}

/** Throws `invalid` for pairs that no schema has refused: on the legacy endpoint one lets pass what it does not know when that is all there is. */
export function refuseOddPairs(metadata: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') throw new Fault('invalid', `Invalid metadata: the value of ${name} is not a text.`)
    if (name === '') throw new Fault('invalid', 'Invalid metadata: a name has 0 characters, less than 1.')
    const longer = [...name].length > 255 ? 'key' : [...value].length > 255 ? 'value' : undefined
    if (longer) throw new Fault('invalid', `Invalid metadata size: Metadata property ${longer} greater than 255 characters`)
  }
}

/** Files to put into a server: path, and contents as they are sent. */
export type InjectedFile = readonly [path: string, contents: string]

/** Throws when there are too many of them or one is too large. nova/compute/api.py API._check_injected_file_quota */
export function checkInjectedFiles(limits: LimitSet, files: readonly InjectedFile[]): void {
  if (files.length === 0) return
  if (tooLarge(limits, { injected_files: files.length }).length > 0) throw new Fault('fileLimitExceeded')
  const longest = (which: 0 | 1) => Math.max(...files.map((file) => [...file[which]].length))
  const overs = tooLarge(limits, { injected_file_path_bytes: longest(0), injected_file_content_bytes: longest(1) })
  if (overs.includes('injected_file_path_bytes')) throw new Fault('filePathLimitExceeded', limits.project.injected_file_path_bytes)
  if (overs.length > 0) throw new Fault('fileContentLimitExceeded', limits.project.injected_file_content_bytes)
}

/** The same of limits in Keystone, for pairs of metadata as well. Throws `overQuota`. */
export async function enforceRequest(backends: QuotaBackends, pairs: number, files: readonly InjectedFile[]): Promise<void> {
  if (!areUnified(backends.settings)) return
  if (pairs > 0) await enforceLocal(backends, 'server_metadata_items', pairs)
  if (files.length === 0) return
  const longest = (which: 0 | 1) => Math.max(...files.map((file) => [...file[which]].length))
  await enforceLocal(backends, 'server_injected_files', files.length)
  await enforceLocal(backends, 'server_injected_file_path_bytes', longest(0))
  await enforceLocal(backends, 'server_injected_file_content_bytes', longest(1))
}

/** Servers of one user that a group may have; undefined when any number. The lower of both limits counts, and none is lower than any, as in Nova. */
export function groupMemberLimit({ project, user }: LimitSet): number | undefined {
  const limit = Math.min(project.server_group_members, user.server_group_members)
  return limit < 0 ? undefined : limit
}

/** Whose limits a caller's requests count against. */
export const chargedTo = ({ projectId, userId }: RequestContext): Owner => [projectId ?? '', userId ?? '']
