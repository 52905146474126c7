/** GET /allocation_candidates: from where a request for resources can be served (placement/handlers/allocation_candidate.py). */
import { type CandidateRequest, candidateRequest } from './candidate-request.ts'
import { type Candidate, groupCandidates, product, requireTraits, type Search } from './group-candidates.ts'
import { inClassOrder } from './names.ts'
import { type Operation, type PlacementCall, told } from './operation.ts'
import { capacityOf, type Provider } from './store.ts'
import { type World, worldOf } from './world.ts'

export const candidates: Readonly<Record<string, Operation>> = {
  'GET /allocation_candidates': { since: 10, rule: 'placement:allocation_candidates:list', answers: true, run: list },
}

/** All groups together. */
interface Allocation {
  /** Amounts by resource class by provider. */
  readonly resources: ReadonlyMap<string, ReadonlyMap<string, number>>
  /** Providers by group. */
  readonly mappings: Readonly<Record<string, readonly string[]>>
}

function list(call: PlacementCall) {
  const request = candidateRequest(call)
  const world = worldOf(call.store)
  const found = search(call, request, world)
  const allocations = call.minor >= 29 || !world.nested ? found : found.filter((each) => oneOfEachTree(world, each))
  const kept = allocations.slice(0, request.limit)
  return told(call, {
    allocation_requests: kept.map((each) => allocationView(call, each)),
    provider_summaries: summaries(call, request, world, kept),
  })
}

function search({ store }: PlacementCall, request: CandidateRequest, world: World): Allocation[] {
  const { required, forbidden } = request.root
  requireTraits(store, [...required, ...forbidden])
  const roots =
    required.size + forbidden.size > 0
      ? new Set(world.providers.filter((each) => each.parent === null && hasTraits(each, request.root)).map(({ id }) => id))
      : undefined
  if (roots?.size === 0) return []
  const found: Search = { store, world, request, roots }
  const byGroup: Candidate[][] = []
  for (const group of request.groups) {
    const ways = groupCandidates(found, group)
    if (ways.length === 0) return []
    byGroup.push(ways)
  }
  return merged(found, byGroup)
}

const hasTraits = ({ traits }: Provider, { required, forbidden }: CandidateRequest['root']): boolean =>
  [...required].every((trait) => traits.includes(trait)) && !traits.some((trait) => forbidden.has(trait))

/** One candidate of each group, all with the same anchor. */
function merged({ request, world }: Search, byGroup: readonly Candidate[][]): Allocation[] {
  const groups = byGroup.map((ways) => Map.groupBy(ways, ({ anchor }) => anchor))
  const anchors = [...groups[0]!.keys()].filter((anchor) => groups.every((each) => each.has(anchor)))
  const unique = new Map<string, Allocation>()
  for (const anchor of anchors)
    for (const chosen of product(groups.map((each) => each.get(anchor)!))) {
      if (request.isolate && !isIsolated(chosen)) continue
      if (!request.sameSubtrees.every((suffixes) => inSubtree(world, chosen, suffixes))) continue
      const allocation = together(chosen)
      if (!exceeds(world, allocation)) unique.set(keyOf(allocation), unique.get(keyOf(allocation)) ?? allocation)
    }
  return [...unique.values()]
}

/** Each named group has a provider of its own. */
function isIsolated(chosen: readonly Candidate[]): boolean {
  const named = chosen.filter(({ suffix }) => suffix !== '')
  return new Set(named.flatMap(({ providers }) => providers)).size === named.length
}

/** Whether one of the providers of these groups is above all others of them. */
function inSubtree(world: World, chosen: readonly Candidate[], suffixes: ReadonlySet<string>): boolean {
  const ids = new Set(chosen.filter(({ suffix }) => suffixes.has(suffix)).flatMap(({ providers }) => providers))
  const lines = [...ids].map((id) => ancestry(world, id))
  return [...ids].some((id) => lines.every((line) => line.includes(id)))
}

/** The provider and all above it. */
function ancestry(world: World, id: string): string[] {
  const { parent } = world.get(id)
  return parent === null ? [id] : [id, ...ancestry(world, parent)]
}

function together(chosen: readonly Candidate[]): Allocation {
  const resources = new Map<string, Map<string, number>>()
  for (const { provider, name, amount } of chosen.flatMap((each) => each.resources)) {
    let amounts = resources.get(provider)
    if (!amounts) resources.set(provider, (amounts = new Map()))
    amounts.set(name, (amounts.get(name) ?? 0) + amount)
  }
  return { resources, mappings: Object.fromEntries(chosen.map(({ suffix, providers }) => [suffix, providers])) }
}

const keyOf = ({ resources, mappings }: Allocation): string =>
  JSON.stringify([
    [...resources].flatMap(([id, amounts]) => [...amounts].map(([name, amount]) => `${id} ${name} ${amount}`)).sort(),
    Object.entries(mappings)
      .map(([suffix, providers]) => [suffix, [...providers].sort()])
      .sort(),
  ])

/** Groups that fit each by itself may ask too much together. */
const exceeds = (world: World, { resources }: Allocation): boolean =>
  [...resources].some(([id, amounts]) =>
    [...amounts].some(([name, amount]) => {
      const inventory = world.get(id).inventories[name]!
      return world.used(id, name) + amount > capacityOf(inventory) || amount > inventory.max_unit
    }),
  )

/** What clients before 1.29 understand. */
function oneOfEachTree(world: World, { resources }: Allocation): boolean {
  const ids = [...resources.keys()]
  return new Set(ids.map((id) => world.get(id).root)).size === ids.length
}

function allocationView({ minor, store }: PlacementCall, { resources, mappings }: Allocation) {
  const each = [...resources].map(([id, amounts]) => [id, Object.fromEntries(inClassOrder(store, Object.fromEntries(amounts)))] as const)
  if (minor < 12) return { allocations: each.map(([uuid, amounts]) => ({ resource_provider: { uuid }, resources: amounts })) }
  return {
    allocations: Object.fromEntries(each.map(([id, amounts]) => [id, { resources: amounts }])),
    ...(minor >= 34 && { mappings }),
  }
}

/** All providers of the trees that are in use; before 1.29 only those in use. */
function summaries(call: PlacementCall, request: CandidateRequest, world: World, kept: readonly Allocation[]) {
  const ids = new Set(kept.flatMap(({ resources }) => [...resources.keys()]))
  const roots = new Set([...ids].map((id) => world.get(id).root))
  const asked = new Set(request.groups.flatMap(({ resources }) => [...resources.keys()]))
  const shown = world.providers.filter(({ id, root }) => (call.minor >= 29 || !world.nested ? roots.has(root) : ids.has(id)))
  return Object.fromEntries(shown.map((provider) => [provider.id, summary(call, world, provider, asked)]))
}

function summary({ minor, store }: PlacementCall, world: World, provider: Provider, asked: ReadonlySet<string>) {
  const inventories = inClassOrder(store, provider.inventories).filter(([name]) => minor >= 27 || asked.has(name))
  return {
    resources: Object.fromEntries(
      inventories.map(([name, inventory]) => [name, { capacity: capacityOf(inventory), used: world.used(provider.id, name) }]),
    ),
    ...(minor >= 17 && { traits: provider.traits }),
    ...(minor >= 29 && { parent_provider_uuid: provider.parent, root_provider_uuid: provider.root }),
  }
}
