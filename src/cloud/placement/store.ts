/** What the placement service remembers. */
import type { Collection, Document, Shelf } from '../shelf.ts'

/** Of one resource class at one provider; the names are those of the API. */
export interface Inventory {
  readonly total: number
  readonly reserved: number
  readonly min_unit: number
  readonly max_unit: number
  readonly step_size: number
  readonly allocation_ratio: number
}

/** The id is its UUID. */
export interface Provider extends Document {
  readonly name: string
  readonly generation: number
  readonly parent: string | null
  /** The top of its tree; itself when it has no parent. */
  readonly root: string
  /** By resource class. */
  readonly inventories: Readonly<Record<string, Inventory>>
  /** UUIDs of aggregates. */
  readonly aggregates: readonly string[]
  readonly traits: readonly string[]
  /** Milliseconds, of the last change. */
  readonly changed: number
}

/** Whoever uses resources: a server, a migration. The id is its UUID. */
export interface Consumer extends Document {
  readonly project: string
  readonly user: string
  /** Null for those of versions before 1.38. */
  readonly type: string | null
  readonly generation: number
}

/** What one consumer uses of one provider. */
export interface Allocation extends Document {
  readonly consumer: string
  readonly provider: string
  /** Amounts by resource class, each above 0. */
  readonly resources: Readonly<Record<string, number>>
  /** Milliseconds. */
  readonly created: number
}

/** A custom trait or resource class; the id is its name. */
export interface Name extends Document {
  /** Milliseconds. */
  readonly created: number
}

export interface Store {
  readonly providers: Collection<Provider>
  readonly consumers: Collection<Consumer>
  readonly allocations: Collection<Allocation>
  readonly traits: Collection<Name>
  readonly resourceClasses: Collection<Name>
  write<T>(change: () => T): T
}

export const openStore = (shelf: Shelf): Store => ({
  providers: shelf.collection('placement/providers'),
  consumers: shelf.collection('placement/consumers'),
  allocations: shelf.collection('placement/allocations'),
  traits: shelf.collection('placement/traits'),
  resourceClasses: shelf.collection('placement/resource_classes'),
  write: (change) => shelf.write(change),
})

export const allocationKey = (consumer: string, provider: string): string => `${consumer}/${provider}`

/** What may be given out, whole (placement/objects/inventory.py Inventory.capacity). */
export const capacityOf = ({ total, reserved, allocation_ratio }: Inventory): number => Math.trunc((total - reserved) * allocation_ratio)

/** What is in use at a provider, by resource class. */
export function usageOf(store: Store, provider: string): Map<string, number> {
  const used = new Map<string, number>()
  for (const { resources } of store.allocations.by('provider', provider))
    for (const [name, amount] of Object.entries(resources)) used.set(name, (used.get(name) ?? 0) + amount)
  return used
}

/** The generation goes up whenever what the provider has or gives changes. */
export const nextGeneration = (provider: Provider, now: number): Provider => ({
  ...provider,
  generation: provider.generation + 1,
  changed: now,
})
