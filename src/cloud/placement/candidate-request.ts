/** What GET /allocation_candidates asks for: groups of resources and what holds for all of them (placement/lib.py). */
import { isUuidLike } from '../uuid.ts'
import { badRequest } from './faults.ts'
import type { PlacementCall } from './operation.ts'
import { type Aggregates, type Amounts, aggregatesOf, amountsOf, lastOf, oneOfTraits, type Traits, traitsOf } from './query.ts'
import { candidateSearch, check, servedBy } from './schemas.ts'

/** Resources that come from one provider; those of the group without a name may come from several of a tree. */
export interface Group extends Traits, Aggregates {
  readonly suffix: string
  readonly resources: Amounts
  /** A provider in whose tree it has to be. */
  readonly inTree: string | null
}

export interface CandidateRequest {
  readonly groups: readonly Group[]
  readonly limit: number | undefined
  /** Each named group from a provider of its own. */
  readonly isolate: boolean
  /** What the root of the tree has to have and must not have. */
  readonly root: { readonly required: ReadonlySet<string>; readonly forbidden: ReadonlySet<string> }
  /** Sets of groups whose providers all are below one of them. */
  readonly sameSubtrees: readonly ReadonlySet<string>[]
}

export function candidateRequest({ query, minor }: PlacementCall): CandidateRequest {
  const sent = lastOf(query)
  check(servedBy(candidateSearch, minor), sent, 'Invalid query string parameters')
  const root = rootOf(query)
  const sameSubtrees = query.getAll('same_subtree').map(subtreeOf)
  const groups = groupsOf(query, minor)
  if (minor >= 36) checkSubtrees(groups, sameSubtrees)
  else checkOrphans(groups)
  if (minor >= 22) checkForbidden(groups)
  if (!sent.group_policy && groups.filter(({ suffix }) => suffix !== '').length > 1)
    throw badRequest('The "group_policy" parameter is required when specifying more than one "resources{N}" parameter.')
  const limit = query.get('limit')
  return { groups, limit: limit === null ? undefined : Number(limit), isolate: query.get('group_policy') === 'isolate', root, sameSubtrees }
}

function rootOf(query: URLSearchParams): CandidateRequest['root'] {
  const values = query.getAll('root_required')
  if (values.length > 1) throw badRequest("Query parameter 'root_required' may be specified only once.", 'placement.query.duplicate_key')
  if (values.length === 0) return { required: new Set(), forbidden: new Set() }
  const { required: each, forbidden } = oneOfTraits(values[0]!, { forbidden: true, any: false })
  const required = new Set(each.flatMap((any) => [...any]))
  const both = [...forbidden].filter((trait) => required.has(trait))
  if (both.length > 0)
    throw badRequest(`Conflicting required and forbidden traits found in root_required: ${both.join(', ')}`, 'placement.query.bad_value')
  return { required, forbidden }
}

function subtreeOf(value: string): ReadonlySet<string> {
  const suffixes = new Set(value.split(',').map((suffix) => suffix.trim()))
  if (suffixes.has(''))
    throw badRequest('Empty string (unsuffixed group) can not be specified in `same_subtree` ', 'placement.query.bad_value')
  return suffixes
}

/** In the order in which the groups come up. */
function groupsOf(query: URLSearchParams, minor: number): Group[] {
  const pattern =
    minor >= 33
      ? /^(resources|required|member_of|in_tree)([a-zA-Z0-9_-]{1,64})?$/
      : /^(resources|required|member_of|in_tree)([1-9][0-9]*)?$/
  const suffixes = new Set([...query.keys()].flatMap((key) => pattern.exec(key)?.slice(2) ?? []).map((suffix) => suffix ?? ''))
  return [...suffixes].map((suffix) => groupOf(query, suffix, minor))
}

function groupOf(query: URLSearchParams, suffix: string, minor: number): Group {
  const last = (name: string) => query.getAll(name + suffix).at(-1)
  const resources = last('resources')
  const inTree = last('in_tree')
  if (inTree !== undefined && !isUuidLike(inTree.trim()))
    throw badRequest(`Invalid query string parameters: Expected 'in_tree' parameter to be a format of uuid. Got: ${inTree}`)
  return {
    suffix,
    resources: resources === undefined ? new Map() : amountsOf(resources),
    ...traitsOf(query, `required${suffix}`, minor),
    ...aggregatesOf(query, suffix, minor),
    inTree: inTree?.trim() ?? null,
  }
}

const listOf = (suffixes: readonly string[]): string => `[${suffixes.map((suffix) => `'${suffix}'`).join(', ')}]`

/** From 1.36 a group without resources has to be in a `same_subtree`. */
function checkSubtrees(groups: readonly Group[], sameSubtrees: readonly ReadonlySet<string>[]): void {
  const named = new Set(sameSubtrees.flatMap((each) => [...each]))
  const empty = groups.filter(({ resources }) => resources.size === 0).map(({ suffix }) => suffix)
  if (empty.length === groups.length)
    throw badRequest('There must be at least one resources or resources[$S] parameter.', 'placement.query.missing_value')
  const loose = empty.filter((suffix) => !named.has(suffix))
  if (loose.length > 0)
    throw badRequest(
      `Resourceless suffixed group request should be specified in \`same_subtree\` query param: bad group(s) - ${listOf(loose)}.`,
      'placement.query.bad_value',
    )
  const all = groups.map(({ suffix }) => suffix)
  const unknown = [...named].filter((suffix) => !all.includes(suffix))
  if (unknown.length > 0)
    throw badRequest(
      `Real suffixes should be specified in \`same_subtree\`: ${listOf(unknown)} not found in ${listOf(all)}.`,
      'placement.query.bad_value',
    )
}

function checkOrphans(groups: readonly Group[]): void {
  const orphans = (name: string, has: (group: Group) => boolean) =>
    groups.filter((group) => group.resources.size === 0 && has(group)).map(({ suffix }) => `${name}${suffix}`)
  const traits = orphans('required', ({ required }) => required.length > 0)
  if (traits.length > 0)
    throw badRequest(
      `All traits parameters must be associated with resources.  Found the following orphaned traits keys: ${traits.join(', ')}`,
    )
  const aggregates = orphans('member_of', ({ memberOf, forbiddenAggregates }) => memberOf.length > 0 || forbiddenAggregates.size > 0)
  if (aggregates.length > 0)
    throw badRequest(
      `All member_of parameters must be associated with resources. Found the following orphaned member_of keys: ${aggregates.join(', ')}`,
    )
  if (groups.some(({ resources }) => resources.size === 0)) throw badRequest('All request groups must specify resources.')
  if (groups.length === 0) throw badRequest('At least one request group (`resources` or `resources{$S}`) is required.')
}

function checkForbidden(groups: readonly Group[]): void {
  const conflicting = groups.flatMap(({ suffix, required, forbidden }) =>
    required
      .filter((any) => [...any].every((trait) => forbidden.has(trait)))
      .map((any) => `required${suffix}: (${[...any].sort().join(', ')})`),
  )
  if (conflicting.length > 0)
    throw badRequest(`Conflicting required and forbidden traits found in the following traits keys: ${conflicting.sort().join(', ')}`)
}
