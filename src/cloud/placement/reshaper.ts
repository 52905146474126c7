/** Moves inventories and the allocations on them between providers, in one step (placement/handlers/reshaper.py). */
import { allocate, requireProviders } from './allocate.ts'
import { type SentAllocations, wantedOf } from './allocations.ts'
import { badRequest, conflict } from './faults.ts'
import { inUse, type SentInventory, whole } from './inventories.ts'
import { classExists, noClass } from './names.ts'
import { noProvider, type Operation, type PlacementCall } from './operation.ts'
import { reshapes, servedBy } from './schemas.ts'
import { type Inventory, nextGeneration } from './store.ts'

export const reshaper: Readonly<Record<string, Operation>> = {
  'POST /reshaper': { since: 30, rule: 'placement:reshaper:reshape', body: true, run: reshape },
}

interface Sent {
  readonly inventories: Record<string, { resource_provider_generation: number; inventories: Record<string, SentInventory> }>
  readonly allocations: Record<string, SentAllocations>
}

type Inventories = Readonly<Record<string, Inventory>>

function reshape(call: PlacementCall): void {
  const sent = call.json<Sent>(servedBy(reshapes, call.minor))
  const wanted = new Map(Object.entries(sent.inventories).map(([id, each]) => [id, inventoriesOf(call, id, each)]))
  const allocations = Object.entries(sent.allocations).map(([id, each]) => wantedOf(call, id, each))
  requireProviders(call, allocations)
  call.store.write(() => {
    // On the way a provider has what it had and what it is to have, so that allocations can move.
    for (const [id, inventories] of wanted) if (Object.keys(inventories).length > 0) put(call, id, { ...had(call, id), ...inventories })
    allocate(call, allocations, (reason) => `malformed reshaper data: ${reason}`)
    for (const [id, inventories] of wanted) {
      const gone = Object.keys(had(call, id)).filter((name) => !inventories[name])
      const used = inUse(call.store, call.store.providers.get(id)!, gone)
      if (used) throw conflict(`update conflict: ${used}`, 'placement.inventory.inuse')
      put(call, id, inventories)
    }
  })
}

const had = ({ store }: PlacementCall, id: string): Inventories => store.providers.get(id)!.inventories

const put = ({ store, clock }: PlacementCall, id: string, inventories: Inventories) =>
  store.providers.put(nextGeneration({ ...store.providers.get(id)!, inventories }, clock.now()))

function inventoriesOf({ store }: PlacementCall, id: string, sent: Sent['inventories'][string]): Inventories {
  const provider = store.providers.get(id)
  if (!provider)
    throw badRequest(`Resource provider ${id} in inventories not found: ${noProvider(id)}`, 'placement.resource_provider.not_found')
  const given = sent.resource_provider_generation
  if (given !== provider.generation)
    throw conflict(
      `resource provider generation conflict for provider ${id}: actual: ${provider.generation}, given: ${given}`,
      'placement.concurrent_update',
    )
  for (const name of Object.keys(sent.inventories))
    if (!classExists(store, name)) throw badRequest(`malformed reshaper data: ${noClass(name)}`)
  return Object.fromEntries(Object.entries(sent.inventories).map(([name, each]) => [name, whole(each)]))
}
