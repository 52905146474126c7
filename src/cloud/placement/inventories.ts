/** What a provider has of each resource class (placement/handlers/inventory.py). */
import { badRequest, conflict, notFound } from './faults.ts'
import { classExists, inClassOrder, noClass } from './names.ts'
import { noProvider, type Operation, type PlacementCall, providerOf, told } from './operation.ts'
import { allInventories, newInventory, oneInventory } from './schemas.ts'
import { capacityOf, type Inventory, nextGeneration, type Provider, type Store, usageOf } from './store.ts'

const path = '/resource_providers/:uuid/inventories'
const rule = (action: string) => `placement:resource_providers:inventories:${action}`

/** As it is sent: all but the total may be left out. */
export type SentInventory = Partial<Inventory> & { readonly total: number; readonly resource_provider_generation?: number }

export const inventories: Readonly<Record<string, Operation>> = {
  [`GET ${path}`]: {
    rule: rule('list'),
    answers: true,
    run: (call) => all(call, sought(call)),
  },
  [`POST ${path}`]: { rule: rule('create'), body: true, run: add },
  [`PUT ${path}`]: { rule: rule('update'), body: true, run: replace },
  [`DELETE ${path}`]: {
    since: 5,
    outside: 405,
    rule: rule('delete'),
    run(call) {
      const provider = providerOf(call)
      const used = inUse(call.store, provider, Object.keys(provider.inventories))
      if (used) throw conflict(used, 'placement.inventory.inuse')
      keep(call, provider, {})
    },
  },
  [`GET ${path}/:resource_class`]: {
    rule: rule('show'),
    answers: true,
    run(call) {
      const provider = sought(call)
      const { resource_class: name } = call.params
      if (!provider.inventories[name!]) throw notFound(`No inventory of class ${name} for ${provider.id}`)
      return one(call, provider, name!)
    },
  },
  [`PUT ${path}/:resource_class`]: { rule: rule('update'), body: true, run: update },
  [`DELETE ${path}/:resource_class`]: { rule: rule('delete'), run: remove },
}

const sought = (call: PlacementCall): Provider =>
  providerOf(call, (uuid) => `No resource provider with uuid ${uuid} found : ${noProvider(uuid)}`)

const all = (call: PlacementCall, provider: Provider) =>
  told(
    call,
    {
      resource_provider_generation: provider.generation,
      inventories: Object.fromEntries(inClassOrder(call.store, provider.inventories)),
    },
    { changed: provider.changed },
  )

function one(call: PlacementCall, provider: Provider, name: string, status = 200, headers: [string, string][] = []) {
  // A generation of 0 is not told: placement/handlers/inventory.py _serialize_inventory takes it for none
  const generation = provider.generation ? { resource_provider_generation: provider.generation } : {}
  return told(call, { ...provider.inventories[name], ...generation }, { status, changed: provider.changed, headers })
}

const keep = ({ store, clock }: PlacementCall, provider: Provider, inventories: Provider['inventories']): Provider =>
  store.write(() => store.providers.put(nextGeneration({ ...provider, inventories }, clock.now())))

/** With what was left out. */
export const whole = ({
  total,
  reserved = 0,
  min_unit = 1,
  max_unit = 0x7fffffff,
  step_size = 1,
  allocation_ratio = 1,
}: SentInventory): Inventory => ({
  total,
  reserved,
  min_unit,
  max_unit,
  step_size,
  allocation_ratio,
})

/** Why the inventory is none: until 1.26 something has to be left beside what is reserved. */
function withoutCapacity({ minor }: PlacementCall, provider: Provider, name: string, inventory: Inventory): string | undefined {
  const capacity = capacityOf(inventory)
  if (minor >= 26 ? capacity >= 0 : capacity > 0) return undefined
  const reason = minor >= 26 ? 'greater than total' : 'greater than or equal to total'
  return `Invalid inventory for '${name}' on resource provider '${provider.id}'. The reserved value is ${reason}.`
}

/** Why inventories cannot go: somebody uses them. */
export function inUse(store: Store, provider: Provider, names: readonly string[]): string | undefined {
  const used = usageOf(store, provider.id)
  const held = names.filter((name) => used.has(name))
  return held.length > 0 ? `Inventory for '${held.join(', ')}' on resource provider '${provider.id}' in use.` : undefined
}

function add(call: PlacementCall) {
  const provider = providerOf(call)
  const { resource_class: name, ...sent } = call.json<SentInventory & { resource_class: string }>(newInventory)
  const inventory = whole(sent)
  const reason = withoutCapacity(call, provider, name, inventory) ?? (classExists(call.store, name) ? undefined : noClass(name))
  if (reason) throw badRequest(`Unable to create inventory for resource provider ${provider.id}: ${reason}`)
  if (provider.inventories[name])
    throw conflict(`Update conflict: there is an inventory of class ${name} already.`, 'placement.concurrent_update')
  const after = keep(call, provider, { ...provider.inventories, [name]: inventory })
  return one(call, after, name, 201, [['Location', `${call.baseUrl}/resource_providers/${provider.id}/inventories/${name}`]])
}

function requireGeneration(provider: Provider, generation: number | undefined): void {
  if (generation !== provider.generation) throw conflict('resource provider generation conflict', 'placement.concurrent_update')
}

function replace(call: PlacementCall) {
  const provider = providerOf(call)
  const sent = call.json<{ resource_provider_generation: number; inventories: Record<string, SentInventory> }>(allInventories)
  requireGeneration(provider, sent.resource_provider_generation)
  const wanted = Object.fromEntries(Object.entries(sent.inventories).map(([name, each]) => [name, whole(each)]))
  for (const [name, inventory] of Object.entries(wanted)) {
    const reason = withoutCapacity(call, provider, name, inventory)
    if (reason) throw badRequest(`Unable to update inventory for resource provider ${provider.id}: ${reason}`)
  }
  const unknown = Object.keys(wanted).find((name) => !classExists(call.store, name))
  if (unknown !== undefined)
    throw badRequest(`Unknown resource class in inventory for resource provider ${provider.id}: ${noClass(unknown)}`)
  const gone = Object.keys(provider.inventories).filter((name) => !wanted[name])
  const used = inUse(call.store, provider, gone)
  if (used) throw conflict(`update conflict: ${used}`, 'placement.inventory.inuse')
  return all(call, keep(call, provider, wanted))
}

function update(call: PlacementCall) {
  const provider = providerOf(call)
  const { resource_class: name } = call.params as { resource_class: string }
  const sent = call.json<SentInventory>(oneInventory)
  requireGeneration(provider, sent.resource_provider_generation)
  const inventory = whole(sent)
  const impossible = withoutCapacity(call, provider, name, inventory)
  if (impossible) throw badRequest(`Unable to update inventory for resource provider ${provider.id}: ${impossible}`)
  if (!classExists(call.store, name)) throw notFound(noClass(name))
  if (!provider.inventories[name])
    throw badRequest(`No inventory record with resource class for resource provider ${provider.id}: No inventory of class ${name} found.`)
  return one(call, keep(call, provider, { ...provider.inventories, [name]: inventory }), name)
}

function remove(call: PlacementCall) {
  const provider = providerOf(call)
  const { resource_class: name } = call.params as { resource_class: string }
  const { [name]: gone, ...others } = provider.inventories
  const missing = (reason: string) => notFound(`No inventory of class ${name} found for delete: ${reason}`)
  if (!classExists(call.store, name)) throw missing(noClass(name))
  const used = inUse(call.store, provider, [name])
  if (used) throw conflict(`Unable to delete inventory of class ${name}: ${used}`, 'placement.concurrent_update')
  if (!gone) throw missing(`No inventory of class ${name} found for delete`)
  keep(call, provider, others)
}
