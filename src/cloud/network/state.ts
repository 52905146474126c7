/** What every operation of the network service works with: the tables, the time, ids, settings, and whom to tell. */
import type { Caller, Clock, Ids } from '../service.ts'
import type { Standard } from './documents.ts'
import { fault } from './faults.ts'
import type { Store } from './store.ts'

/** What other services may want to know; names are those of Nova's external events. */
export interface NetworkEvent {
  readonly name: 'network-vif-plugged' | 'network-vif-unplugged' | 'network-vif-deleted' | 'network-changed'
  /** The server whose port it is (the port's device_id). */
  readonly serverId: string
  readonly portId: string
}

export interface NetworkSettings {
  /** Domain of port names, with its last dot (neutron.conf dns_domain). */
  readonly dnsDomain: string
  /** Most a project may have of each resource; -1 is no limit. */
  readonly quotas: Readonly<Record<string, number>>
}

export interface Neutron {
  readonly store: Store
  readonly clock: Clock
  readonly ids: Ids
  readonly settings: NetworkSettings
  /** Keeps an event until the running transaction has succeeded. */
  tell(event: NetworkEvent): void
}

/** An operation in the name of somebody. */
export interface Operation {
  readonly neutron: Neutron
  readonly caller: Caller
}

/** Neutron's form of a time: UTC, whole seconds. */
export const timestamp = (neutron: Neutron): string => `${new Date(neutron.clock.now()).toISOString().slice(0, 19)}Z`

/** The standard attributes of something new. */
export function newborn(
  neutron: Neutron,
  { project_id, description = '', tags = [] }: { project_id: string; description?: string | null; tags?: readonly string[] },
  revision = 0,
): Standard {
  const now = timestamp(neutron)
  return { id: neutron.ids.uuid(), project_id, description, tags, created_at: now, updated_at: now, revision_number: revision }
}

/** A changed document with its next revision; the same one when nothing differs. */
export function changed<T extends Standard>(neutron: Neutron, before: T, changes: Partial<NoInfer<T>>): T {
  const differs = Object.entries(changes).some(([key, value]) => JSON.stringify(value) !== JSON.stringify(before[key as keyof T]))
  return differs ? touched(neutron, { ...before, ...changes }) : before
}

/** The next revision of a document whose parts changed (a network's subnets, a group's rules). */
export const touched = <T extends Standard>(neutron: Neutron, row: T): T => ({
  ...row,
  updated_at: timestamp(neutron),
  revision_number: row.revision_number + 1,
})

/** Ends the request unless its quota allows `delta` more. neutron/pecan_wsgi/hooks/quota_enforcement.py */
export function enforceQuota(neutron: Neutron, resource: string, projectId: string, used: number, delta: number): void {
  const limit = limitsOf(neutron, projectId)[resource] ?? -1
  if (limit >= 0 && used + delta > limit) throw fault('OverQuota', `['${resource}']`)
}

export const limitsOf = (neutron: Neutron, projectId: string): Record<string, number> => ({
  ...neutron.settings.quotas,
  ...neutron.store.quotas.get(projectId)?.limits,
})
