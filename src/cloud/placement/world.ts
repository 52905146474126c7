/** The providers as a search sees them: with what is in use, by tree, by aggregate. Made for one request. */
import { fits, roomOf } from './provider-search.ts'
import { type Provider, type Store, usageOf } from './store.ts'

/** A provider and the root of the tree that it is used in; for a provider that shares, that of another tree. */
export interface Place {
  readonly provider: Provider
  readonly root: string
}

export interface World {
  readonly providers: readonly Provider[]
  get(id: string): Provider
  used(id: string, resourceClass: string): number
  /** Whether any provider has a parent. */
  readonly nested: boolean
  /** Those that give resources to everybody in their aggregates. */
  readonly sharing: readonly Provider[]
  /** Those that can give this much, each in its own tree. */
  withRoom(resourceClass: string, amount: number): Place[]
  /** The trees in which a sharing provider may be used; its own is one of them when it is in an aggregate at all. */
  anchors(sharing: Provider): string[]
}

const shares = 'MISC_SHARES_VIA_AGGREGATE'

export function worldOf(store: Store): World {
  const providers = store.providers.all()
  const usages = new Map<string, Map<string, number>>()
  const usage = (id: string) => {
    let found = usages.get(id)
    if (!found) usages.set(id, (found = usageOf(store, id)))
    return found
  }
  const used: World['used'] = (id, name) => usage(id).get(name) ?? 0
  return {
    providers,
    get: (id) => store.providers.get(id)!,
    used,
    nested: providers.some(({ parent }) => parent !== null),
    sharing: providers.filter(isSharing),
    withRoom: (name, amount) =>
      providers
        .filter(({ id, inventories }) => {
          const inventory = inventories[name]
          return inventory && fits(inventory, amount) && used(id, name) + amount <= roomOf(inventory)
        })
        .map((provider) => ({ provider, root: provider.root })),
    anchors: ({ aggregates }) => [
      ...new Set(providers.filter((other) => other.aggregates.some((uuid) => aggregates.includes(uuid))).map(({ root }) => root)),
    ],
  }
}

export const isSharing = ({ traits }: Provider): boolean => traits.includes(shares)
