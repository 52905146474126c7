/** Placement as compute hosts use it: they say what their servers take of them. */
import type { PeerService } from './service.ts'

/** Amounts by resource class. */
export type Resources = Readonly<Record<string, number>>

/** What a server or a migration takes of one provider. */
export interface Allocation {
  readonly consumer: string
  readonly provider: string
  readonly resources: Resources
  readonly projectId: string
  readonly userId: string
}

/** All methods reject with a `PeerError`. */
export interface HostPlacement {
  /** What is taken of a provider, by consumer. */
  allocationsOn(uuid: string): Promise<ReadonlyMap<string, Resources>>
  /** Each of these consumers takes this and nothing else from then on, and each of those that are `gone` nothing; all of it or nothing. */
  allocate(wanted: readonly Allocation[], gone: readonly Omit<Allocation, 'provider' | 'resources'>[]): Promise<void>
}

/** Before consumers had generations: who writes last is right. */
const anyGeneration = '1.27'

export function hostPlacement({ own }: PeerService): HostPlacement {
  return {
    async allocationsOn(uuid) {
      const answer = await own.request({ path: `/resource_providers/${encodeURIComponent(uuid)}/allocations` })
      const { allocations } = answer.json<{ allocations: Record<string, { resources: Resources }> }>()
      return new Map(Object.entries(allocations).map(([consumer, { resources }]) => [consumer, resources]))
    },
    async allocate(wanted, gone) {
      if (wanted.length + gone.length === 0) return
      const json = Object.fromEntries([
        ...gone.map(({ consumer, projectId, userId }) => [consumer, { allocations: {}, project_id: projectId, user_id: userId }]),
        ...wanted.map(({ consumer, provider, resources, projectId, userId }) => [
          consumer,
          { allocations: { [provider]: { resources } }, project_id: projectId, user_id: userId },
        ]),
      ])
      await own.request({ method: 'POST', path: '/allocations', json, microversion: anyGeneration })
    },
  }
}
