/** Placement's API, as far as Nova uses it. */
import type { PeerService } from './service.ts'

export interface ResourceProvider {
  readonly uuid: string
  readonly name: string
  readonly generation: number
}

/** All methods reject with a `PeerError`. Placement is asked as ourselves. */
export interface Placement {
  /** Undefined when there is none of that name. */
  providerNamed(name: string): Promise<ResourceProvider | undefined>
  /** What the servers of a project, or of one of its users, take: amounts by resource class; a class that nothing is taken of is absent. */
  usages(projectId: string, userId?: string): Promise<Readonly<Record<string, number>>>
}

export const placement = (service: PeerService): Placement => ({
  async providerNamed(name) {
    const answer = await service.own.request({ path: '/resource_providers', query: { name }, allow: [404] })
    if (answer.status === 404) return undefined
    const { resource_providers } = answer.json<{ resource_providers: ResourceProvider[] }>()
    return resource_providers.length === 1 ? resource_providers[0] : undefined
  },
  async usages(projectId, userId) {
    const answer = await service.own.request({
      path: '/usages',
      query: { project_id: projectId, user_id: userId },
      microversion: '1.9',
    })
    return answer.json<{ usages: Record<string, number> }>().usages
  },
})
