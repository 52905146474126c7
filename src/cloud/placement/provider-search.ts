/** Which providers a list is to show (placement/objects/resource_provider.py get_all_by_filters). */
import { badRequest } from './faults.ts'
import { classExists, noClass, noTrait, traitExists } from './names.ts'
import type { PlacementCall } from './operation.ts'
import { type AllOfAny, aggregatesOf, amountsOf, lastOf, traitsOf } from './query.ts'
import { check, providerSearch, servedBy } from './schemas.ts'
import { type Inventory, type Provider, type Store, usageOf } from './store.ts'

export function searchProviders({ store, query, minor }: PlacementCall): Provider[] {
  const sent = lastOf(query)
  check(servedBy(providerSearch, minor), sent, 'Invalid query string parameters')
  const { memberOf, forbiddenAggregates } = aggregatesOf(query, '', minor)
  const { required, forbidden } = traitsOf(query, 'required', minor)
  const amounts = sent.resources === undefined ? undefined : amountsOf(sent.resources)
  for (const trait of [...required.flatMap((any) => [...any]), ...forbidden])
    if (!traitExists(store, trait)) throw badRequest(`Invalid trait(s) in "required" parameter: ${noTrait(trait)}`)
  for (const name of amounts?.keys() ?? [])
    if (!classExists(store, name)) throw badRequest(`Invalid resource class in resources parameter: ${noClass(name)}`)
  const root = sent.in_tree ? (store.providers.get(sent.in_tree)?.root ?? null) : undefined
  return start(store, sent, root).filter(
    (provider) =>
      (!sent.name || provider.name === sent.name) &&
      (!sent.uuid || provider.id === sent.uuid) &&
      hasAll(provider.traits, required) &&
      !provider.traits.some((trait) => forbidden.has(trait)) &&
      hasAll(provider.aggregates, memberOf) &&
      !provider.aggregates.some((uuid) => forbiddenAggregates.has(uuid)) &&
      [...(amounts ?? [])].every(([name, amount]) => hasRoom(store, provider, name, amount)),
  )
}

/** The smallest set that an index gives. */
function start(store: Store, { name, uuid }: Record<string, string>, root: string | null | undefined): readonly Provider[] {
  if (root === null) return []
  if (uuid) return [store.providers.get(uuid)].filter((each) => each && (!root || each.root === root)) as Provider[]
  if (root) return store.providers.by('root', root)
  return name ? store.providers.by('name', name) : store.providers.all()
}

/** Whether of each set at least one is there. */
export const hasAll = (held: readonly string[], wanted: AllOfAny): boolean => wanted.every((any) => held.some((each) => any.has(each)))

const hasRoom = (store: Store, provider: Provider, name: string, amount: number): boolean => {
  const inventory = provider.inventories[name]
  return inventory !== undefined && fits(inventory, amount) && (usageOf(store, provider.id).get(name) ?? 0) + amount <= roomOf(inventory)
}

/** Not cut to whole numbers, unlike the capacity that is shown (placement/objects/research_context.py _capacity_check_clause). */
export const roomOf = ({ total, reserved, allocation_ratio }: Inventory): number => (total - reserved) * allocation_ratio

/** Whether one request may ask for this much. */
export const fits = ({ min_unit, max_unit, step_size }: Inventory, amount: number): boolean =>
  amount >= min_unit && amount <= max_unit && amount % step_size === 0
