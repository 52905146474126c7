/** Limits that Keystone keeps, with [quota] driver nova.quota.UnifiedLimitsDriver: what of them is exceeded, and their old names (nova/limit). */
import type { LimitsByName } from '../peers/limits.ts'
import type { Backends } from './backends.ts'
import { Fault } from './faults.ts'
import { flavorResources, type SizedFlavor } from './flavor-resources.ts'

type LimitBackends = Pick<Backends, 'stores' | 'settings' | 'peers'>

export const areUnified = (settings: Backends['settings']): boolean => settings.quota.driver === 'nova.quota.UnifiedLimitsDriver'

/** What is counted one by one or bounded in single requests, with the names that these limits had before. nova/limit/local.py */
const localNames = {
  server_metadata_items: 'metadata_items',
  server_injected_files: 'injected_files',
  server_injected_file_content_bytes: 'injected_file_content_bytes',
  server_injected_file_path_bytes: 'injected_file_path_bytes',
  server_key_pairs: 'key_pairs',
  server_groups: 'server_groups',
  server_group_members: 'server_group_members',
} as const
/** What servers take. nova/limit/placement.py */
const serverNames = { servers: 'instances', 'class:VCPU': 'cores', 'class:MEMORY_MB': 'ram' } as const

export type LocalLimit = keyof typeof localNames
type Amounts = Readonly<Record<string, number>>

/** Throws `overQuota` when there would be more than may be. Does nothing when limits are kept elsewhere. */
export async function enforceLocal(backends: LimitBackends, what: LocalLimit, wanted: number, has = 0): Promise<void> {
  if (!areUnified(backends.settings)) return
  await enforce(backends, null, { [what]: wanted }, { [what]: has })
}

interface Wanted {
  readonly flavor: SizedFlavor
  readonly onVolume: boolean
  readonly min: number
  readonly max: number
}

/** How many servers a project may have, at least `min` and at most `max`. Throws `overQuota` when not even `min`. */
export async function enforceServers(backends: LimitBackends, projectId: string, { flavor, onVolume, min, max }: Wanted): Promise<number> {
  if (!areUnified(backends.settings)) return max
  const each = Object.entries(flavorResources(flavor, { onVolume }))
  const names = ['servers', ...each.map(([name]) => `class:${name}`)]
  const [limits, usage] = await Promise.all([limitsOf(backends, projectId), serverUsage(backends, projectId, names)])
  for (let count = max; ; count--) {
    const wanted = Object.fromEntries([['servers', count], ...each.map(([name, amount]) => [`class:${name}`, amount * count])])
    const over = exceeded(limits, wanted, usage)
    if (!(await counts(backends, over))) return count
    if (count <= min) throw tooMuch(projectId, over)
  }
}

interface Over {
  readonly name: string
  readonly limit: number
  readonly has: number
  readonly wanted: number
}

async function enforce(backends: LimitBackends, projectId: string | null, wanted: Amounts, has: Amounts): Promise<void> {
  const over = exceeded(await limitsOf(backends, projectId), wanted, has)
  if (await counts(backends, over)) throw tooMuch(projectId, over)
}

/** A project's own limits come before those that are registered for all. */
async function limitsOf({ peers }: LimitBackends, projectId: string | null): Promise<LimitsByName> {
  const [registered, own] = await Promise.all([
    peers.limits.registered(),
    projectId === null ? new Map() : peers.limits.ofProject(projectId),
  ])
  return new Map([...registered, ...own])
}

/** What is not registered has a limit of 0; a negative one is none. oslo_limit/limit.py _EnforcerUtils.enforce_limits */
function exceeded(limits: LimitsByName, wanted: Amounts, has: Amounts): Over[] {
  return Object.keys(wanted)
    .sort()
    .map((name) => ({ name, limit: limits.get(name) ?? 0, has: has[name] ?? 0, wanted: wanted[name]! }))
    .filter(({ limit, has, wanted }) => limit >= 0 && has + wanted > limit)
}

/** A limit of 0 that nobody has registered counts only when the options say so. nova/limit/utils.py should_enforce */
async function counts({ peers, settings }: LimitBackends, over: readonly Over[]): Promise<boolean> {
  if (over.length === 0) return false
  if (over.some(({ limit }) => limit > 0)) return true
  const registered = await peers.limits.registered()
  const zero = over.map(({ name }) => name)
  if (zero.some((name) => registered.has(name))) return true
  const { unifiedLimitsResourceStrategy: strategy, unifiedLimitsResourceList: named } = settings.quota
  return zero.some((name) => named.includes(name) === (strategy === 'require'))
}

function tooMuch(projectId: string | null, over: readonly Over[]): Fault {
  const each = over.map(
    ({ name, limit, has, wanted }) => `Resource ${name} is over limit of ${limit} due to current usage ${has} and delta ${wanted}`,
  )
  return new Fault('overQuota', `Project ${projectId ?? 'None'} is over a limit for [${each.join(', ')}]`)
}

/** nova/limit/placement.py _get_usage */
async function serverUsage({ stores, peers, settings }: LimitBackends, projectId: string, names: readonly string[]): Promise<Amounts> {
  if (!(await stores.api.quotas.mappingsComplete(projectId)))
    throw new Error('limits in Keystone need mappings of servers that say whose they are: run nova-manage db online_data_migrations')
  const [mapped, taken] = await Promise.all([stores.api.quotas.serversMapped(projectId, ''), peers.placement.usages(projectId)])
  const alsoPcpu = settings.workarounds.unifiedLimitsCountPcpuAsVcpu && !names.includes('class:PCPU')
  const usage: Record<string, number> = { servers: mapped.project }
  for (const [name, amount] of Object.entries(taken)) usage[`class:${name}`] = amount
  if (alsoPcpu) usage['class:VCPU'] = (usage['class:VCPU'] ?? 0) + (taken.PCPU ?? 0)
  return usage
}

/** Limits under their old names: those that hold for every project or, of servers, for one. What is not registered is 0. nova/quota.py UnifiedLimitsDriver */
export async function unifiedByOldNames(backends: LimitBackends, projectId?: string): Promise<Readonly<Record<string, number>>> {
  const registered = await backends.peers.limits.registered()
  const ofServers = projectId === undefined ? registered : await limitsOf(backends, projectId)
  return { ...renamed(localNames, registered), ...renamed(serverNames, ofServers) }
}

/** What a project has of them, under the old names; what is not counted for projects is absent. */
export async function unifiedUse(backends: LimitBackends, projectId: string): Promise<Readonly<Record<string, number>>> {
  const [servers, groups] = await Promise.all([
    serverUsage(backends, projectId, Object.keys(serverNames)),
    backends.stores.api.serverGroups.count(projectId, ''),
  ])
  return { ...renamed(serverNames, new Map(Object.entries(servers))), server_groups: groups.project }
}

const renamed = (names: Readonly<Record<string, string>>, values: LimitsByName): Record<string, number> =>
  Object.fromEntries(Object.entries(names).map(([now, before]) => [before, values.get(now) ?? 0]))
