/** The ways in which one group of a request can be served (placement/objects/allocation_candidate.py, research_context.py). */
import type { CandidateRequest, Group } from './candidate-request.ts'
import { badRequest } from './faults.ts'
import { classExists, noClass, noTrait, traitExists } from './names.ts'
import { hasAll } from './provider-search.ts'
import type { Provider, Store } from './store.ts'
import { isSharing, type Place, type World } from './world.ts'

/** Resources from providers that belong together: those of the tree of `anchor` and those that share with it. */
export interface Candidate {
  readonly anchor: string
  readonly suffix: string
  /** Providers that serve the group; one, for a named group. */
  readonly providers: readonly string[]
  readonly resources: readonly { readonly provider: string; readonly name: string; readonly amount: number }[]
}

export interface Search {
  readonly store: Store
  readonly world: World
  readonly request: CandidateRequest
  /** Roots that have what a root has to have; undefined when nothing is asked of it. */
  readonly roots: ReadonlySet<string> | undefined
}

/** Empty when the group cannot be served; 400 for names that do not exist. */
export function groupCandidates(search: Search, group: Group): Candidate[] {
  const { world, store } = search
  for (const name of group.resources.keys())
    if (!classExists(store, name)) throw badRequest(`Invalid resource class in resources parameter: ${noClass(name)}`)
  if (group.memberOf.length > 0 && !world.providers.some(({ aggregates }) => hasAll(aggregates, group.memberOf))) return []
  requireTraits(store, [...group.required.flatMap((any) => [...any]), ...group.forbidden])
  const tree = group.inTree === null ? undefined : store.providers.get(group.inTree)?.root
  if (group.inTree !== null && tree === undefined) return []
  const rooms = new Map(
    [...group.resources].map(([name, amount]) => [name, world.withRoom(name, amount).filter(({ root }) => !tree || root === tree)]),
  )
  if ([...rooms.values()].some((places) => places.length === 0)) return []
  const several = group.suffix === '' && (world.sharing.length > 0 || world.nested)
  return several ? fromTrees(search, group, rooms, tree) : fromOne(search, group, rooms)
}

export function requireTraits(store: Store, names: readonly string[]): void {
  for (const name of names) if (!traitExists(store, name)) throw badRequest(noTrait(name))
}

type Rooms = ReadonlyMap<string, readonly Place[]>

/** All of the group from one provider, in its own tree or, if it shares, in those it shares with. */
function fromOne(search: Search, group: Group, rooms: Rooms): Candidate[] {
  const [first, ...others] = rooms.values()
  const ids = others.map((places) => new Set(places.map(({ provider }) => provider.id)))
  // A group without resources is served by who has its traits or aggregates, and by nobody when it asks for neither.
  const asked = group.required.length > 0 || group.memberOf.length > 0
  const places = first ?? (asked ? search.world.providers.map((provider) => ({ provider, root: provider.root })) : [])
  return places
    .filter(({ provider }) => ids.every((each) => each.has(provider.id)) && suits(provider, group))
    .flatMap(({ provider, root }) => {
      const anchors = isSharing(provider) ? [...new Set([root, ...search.world.anchors(provider)])] : [root]
      return anchors
        .filter((anchor) => search.roots?.has(anchor) ?? true)
        .map((anchor) => ({
          anchor,
          suffix: group.suffix,
          providers: [provider.id],
          resources: [...group.resources].map(([name, amount]) => ({ provider: provider.id, name, amount })),
        }))
    })
}

const suits = ({ traits, aggregates }: Provider, { required, forbidden, memberOf, forbiddenAggregates }: Group): boolean =>
  hasAll(traits, required) &&
  hasAll(aggregates, memberOf) &&
  !traits.some((trait) => forbidden.has(trait)) &&
  !aggregates.some((uuid) => forbiddenAggregates.has(uuid))

/** Each resource class from any provider of a tree, or from one that shares with it; the traits from all of them together. */
function fromTrees(search: Search, group: Group, rooms: Rooms, tree: string | undefined): Candidate[] {
  const places = new Map([...rooms].map(([name, found]) => [name, placesOf(search, group, found, tree)]))
  const trees = [...places.values()].map((found) => Map.groupBy(found, ({ root }) => root))
  const common = [...(trees[0]?.keys() ?? [])].filter((root) => trees.every((each) => each.has(root)))
  return common.flatMap((root) => {
    const choices = [...places.keys()].map((name, i) => trees[i]!.get(root)!.map(({ provider }) => ({ provider, name })))
    return product(choices)
      .filter((chosen) =>
        suitTogether(
          chosen.map(({ provider }) => provider),
          group,
        ),
      )
      .map((chosen) => ({
        anchor: root,
        suffix: group.suffix,
        providers: [...new Set(chosen.map(({ provider }) => provider.id))],
        resources: chosen.map(({ provider, name }) => ({ provider: provider.id, name, amount: group.resources.get(name)! })),
      }))
  })
}

function placesOf(
  { world, roots }: Search,
  { memberOf, forbiddenAggregates }: Group,
  found: readonly Place[],
  tree: string | undefined,
): Place[] {
  // A provider that shares must itself be in the aggregates; one of a tree may be there by its root.
  const shared = tree
    ? []
    : found
        .filter(({ provider }) => isSharing(provider) && hasAll(provider.aggregates, memberOf))
        .flatMap(({ provider }) => world.anchors(provider).map((root) => ({ provider, root })))
  const own = found.filter(({ provider, root }) => !shared.some((each) => each.provider === provider && each.root === root))
  const either = ({ provider, root }: Place, holds: (provider: Provider) => boolean) => holds(provider) || holds(world.get(root))
  return [...own, ...shared].filter(
    (place) =>
      (roots?.has(place.root) ?? true) &&
      (memberOf.length === 0 || either(place, ({ aggregates }) => hasAll(aggregates, memberOf))) &&
      !either(place, ({ aggregates }) => aggregates.some((uuid) => forbiddenAggregates.has(uuid))),
  )
}

const suitTogether = (providers: readonly Provider[], { required, forbidden }: Group): boolean => {
  const traits = providers.flatMap((provider) => provider.traits)
  return hasAll(traits, required) && !traits.some((trait) => forbidden.has(trait))
}

/** One of each, in all ways. */
export const product = <T>(choices: readonly (readonly T[])[]): T[][] =>
  choices.reduce<T[][]>((ways, choice) => ways.flatMap((way) => choice.map((each) => [...way, each])), [[]])
