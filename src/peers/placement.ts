/** Placement's API, as far as Nova uses it. */
import type { PeerService } from './service.ts'

export interface ResourceProvider {
  readonly uuid: string
  readonly name: string
  readonly generation: number
}

export interface ProviderAggregates {
  readonly aggregates: readonly string[]
  readonly generation: number
}

/** By resource class: `{ VCPU: { total: 4, … } }`. */
export type Inventories = Readonly<Record<string, Readonly<Record<string, number>>>>

export interface ProviderReport {
  readonly uuid: string
  readonly name: string
  readonly inventories: Inventories
  /** All that it has, but for those that operators made (CUSTOM_…). */
  readonly traits: readonly string[]
}

/** All methods reject with a `PeerError`. Placement is asked as ourselves. */
export interface Placement {
  /** Undefined when there is none of that name. */
  providerNamed(name: string): Promise<ResourceProvider | undefined>
  /** What the servers of a project, or of one of its users, take: amounts by resource class; a class that nothing is taken of is absent. */
  usages(projectId: string, userId?: string): Promise<Readonly<Record<string, number>>>
  /** The host aggregates of a provider, as Placement knows them. Undefined when there is no such provider. */
  aggregatesOf(providerUuid: string): Promise<ProviderAggregates | undefined>
  /** False when somebody else has changed the provider since its generation was read. */
  setAggregates(providerUuid: string, aggregates: ProviderAggregates): Promise<boolean>
  /** A provider and those below it, parents first. */
  tree(providerUuid: string): Promise<string[]>
  /** Rejects with a conflict while something is taken of it. */
  removeProvider(providerUuid: string): Promise<void>
  /** Makes a provider of a host, or brings it up to date. False when somebody else changed it meanwhile. */
  report(host: ProviderReport): Promise<boolean>
  /** What a provider can do. */
  traits(providerUuid: string): Promise<string[]>
  /** Gives back what a server holds of these providers and keeps the rest. */
  releaseFrom(consumerUuid: string, providerUuids: readonly string[]): Promise<void>
  /** Gives back everything that a server, or another consumer, holds. */
  removeAllocations(consumerUuid: string): Promise<void>
}

const pathOf = (providerUuid: string): string => `/resource_providers/${encodeURIComponent(providerUuid)}`

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
  async aggregatesOf(providerUuid) {
    const answer = await service.own.request({ path: `${pathOf(providerUuid)}/aggregates`, microversion: '1.19', allow: [404] })
    if (answer.status === 404) return undefined
    const { aggregates, resource_provider_generation: generation } = answer.json<{
      aggregates: string[]
      resource_provider_generation: number
    }>()
    return { aggregates, generation }
  },
  async setAggregates(providerUuid, { aggregates, generation }) {
    const { status } = await service.own.request({
      method: 'PUT',
      path: `${pathOf(providerUuid)}/aggregates`,
      json: { aggregates, resource_provider_generation: generation },
      microversion: '1.19',
      allow: [409],
    })
    return status !== 409
  },
  async tree(providerUuid) {
    const answer = await service.own.request({ path: '/resource_providers', query: { in_tree: providerUuid }, microversion: '1.14' })
    const { resource_providers: all } = answer.json<{ resource_providers: { uuid: string; parent_provider_uuid: string | null }[] }>()
    const below = (uuid: string): string[] => [
      uuid,
      ...all.filter((provider) => provider.parent_provider_uuid === uuid).flatMap((provider) => below(provider.uuid)),
    ]
    return all.some(({ uuid }) => uuid === providerUuid) ? below(providerUuid) : []
  },
  async removeProvider(providerUuid) {
    await service.own.request({ method: 'DELETE', path: pathOf(providerUuid), allow: [404] })
  },
  async report({ uuid, name, inventories, traits }) {
    const path = pathOf(uuid)
    const known = await service.own.request({ path, allow: [404] })
    if (known.status === 404)
      await service.own.request({ method: 'POST', path: '/resource_providers', json: { uuid, name }, microversion: '1.20' })
    const held = (await service.own.request({ path: `${path}/inventories` })).json<{
      inventories: Inventories
      resource_provider_generation: number
    }>()
    let generation = held.resource_provider_generation
    if (!sameInventories(held.inventories, inventories)) {
      const json = { resource_provider_generation: generation, inventories }
      const answer = await service.own.request({ method: 'PUT', path: `${path}/inventories`, json, allow: [409] })
      if (answer.status === 409) return false
      generation = answer.json<{ resource_provider_generation: number }>().resource_provider_generation
    }
    const had = (await service.own.request({ path: `${path}/traits`, microversion: '1.6' })).json<{ traits: string[] }>().traits
    const wanted = [...new Set([...traits, ...had.filter((trait) => trait.startsWith('CUSTOM_'))])].sort()
    if (JSON.stringify(wanted) === JSON.stringify(had.toSorted())) return true
    const json = { resource_provider_generation: generation, traits: wanted }
    return (await service.own.request({ method: 'PUT', path: `${path}/traits`, json, microversion: '1.6', allow: [409] })).status !== 409
  },
  async traits(providerUuid) {
    const path = `/resource_providers/${encodeURIComponent(providerUuid)}/traits`
    return (await service.own.request({ path, microversion: '1.6' })).json<{ traits: string[] }>().traits
  },
  async releaseFrom(consumerUuid, providerUuids) {
    const path = `/allocations/${encodeURIComponent(consumerUuid)}`
    const held = (await service.own.request({ path, microversion: '1.28' })).json<{ allocations: Record<string, { resources: object }> }>()
    const kept = Object.entries(held.allocations).filter(([provider]) => !providerUuids.includes(provider))
    if (kept.length === Object.keys(held.allocations).length) return
    const allocations = Object.fromEntries(kept.map(([provider, { resources }]) => [provider, { resources }]))
    await service.own.request({ method: 'PUT', path, json: { ...held, allocations }, microversion: '1.28' })
  },
  async removeAllocations(consumerUuid) {
    await service.own.request({ method: 'DELETE', path: `/allocations/${encodeURIComponent(consumerUuid)}`, allow: [404] })
  },
})

const sameInventories = (held: Inventories, wanted: Inventories): boolean => {
  const names = Object.keys(wanted)
  return (
    Object.keys(held).length === names.length &&
    names.every((name) => Object.entries(wanted[name]!).every(([key, value]) => held[name]?.[key] === value))
  )
}
