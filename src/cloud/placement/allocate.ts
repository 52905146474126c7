/** Gives resources of providers to consumers, or takes them back: all of it or nothing (placement/objects/allocation.py replace_all). */
import { badRequest, conflict } from './faults.ts'
import { classExists, noClass } from './names.ts'
import type { PlacementCall } from './operation.ts'
import { fits, roomOf } from './provider-search.ts'
import { allocationKey, type Consumer, nextGeneration, type Store, usageOf } from './store.ts'

/** What one consumer is to have; nothing at all takes everything back. */
export interface Wanted {
  readonly consumer: Consumer
  /** Amounts by resource class by provider. */
  readonly resources: ReadonlyMap<string, Readonly<Record<string, number>>>
}

/** 400 for a provider that does not exist. */
export function requireProviders({ store }: PlacementCall, wanted: readonly Wanted[]): void {
  for (const { resources } of wanted)
    for (const provider of resources.keys())
      if (!store.providers.get(provider)) throw badRequest(`Allocation for resource provider '${provider}' that does not exist.`)
}

/**
 * Replaces what the consumers have; inside a `write`. A provider may give more than it has when it then gives no more than before.
 * 400 in the words of `unknown` for a resource class that does not exist, 409 for too much.
 */
export function allocate({ store, clock }: PlacementCall, wanted: readonly Wanted[], unknown: (reason: string) => string): void {
  for (const { resources } of wanted)
    for (const name of [...resources.values()].flatMap((each) => Object.keys(each)))
      if (!classExists(store, name)) throw badRequest(unknown(noClass(name)))
  const before = new Map<string, Map<string, number>>()
  for (const { consumer, resources } of wanted)
    for (const id of [...resources.keys(), ...held(store, consumer.id).map(({ provider }) => provider)])
      if (!before.has(id)) before.set(id, usageOf(store, id))
  // Consumers that have nothing and get nothing stay as they are.
  const touched = wanted.filter(({ consumer, resources }) => resources.size > 0 || held(store, consumer.id).length > 0)
  const emptied = new Set(
    touched
      .filter(({ resources }) => resources.size === 0)
      .flatMap(({ consumer }) => held(store, consumer.id))
      .map(({ provider }) => provider),
  )
  for (const { consumer } of wanted) for (const { id } of held(store, consumer.id)) store.allocations.remove(id)
  checkRoom(store, touched, before)
  const now = clock.now()
  for (const { consumer, resources } of wanted)
    for (const [provider, amounts] of resources)
      store.allocations.put({ id: allocationKey(consumer.id, provider), consumer: consumer.id, provider, resources: amounts, created: now })
  const named = new Set([...emptied, ...touched.flatMap(({ resources }) => [...resources.keys()])])
  for (const id of named) store.providers.put(nextGeneration(store.providers.get(id)!, now))
  for (const { consumer, resources } of wanted) {
    if (!touched.some((each) => each.consumer === consumer)) store.consumers.put(consumer)
    else if (resources.size > 0) store.consumers.put({ ...consumer, generation: consumer.generation + 1 })
    else store.consumers.remove(consumer.id)
  }
}

const held = (store: Store, consumer: string) => store.allocations.by('consumer', consumer)

function checkRoom(store: Store, wanted: readonly Wanted[], before: ReadonlyMap<string, ReadonlyMap<string, number>>): void {
  const now = new Map([...before.keys()].map((id) => [id, usageOf(store, id)]))
  for (const { resources } of wanted)
    for (const [id, amounts] of resources)
      for (const [name, amount] of Object.entries(amounts)) {
        const inventory = store.providers.get(id)!.inventories[name]
        const refuse = (reason: string) => conflict(`Unable to allocate inventory: ${reason}`)
        if (!inventory) throw refuse(`Inventory for '${name}' on resource provider '${id}' invalid.`)
        const beginning = `Unable to create allocation for '${name}' on resource provider '${id}'. The requested amount would`
        if (!fits(inventory, amount)) throw refuse(`${beginning} violate inventory constraints.`)
        const used = now.get(id)!
        const after = (used.get(name) ?? 0) + amount
        used.set(name, after)
        if (after > roomOf(inventory) && !(after <= (before.get(id)!.get(name) ?? -1))) throw refuse(`${beginning} exceed the capacity.`)
      }
}
