/** How much is in use: of a provider, by a project, by a user (placement/handlers/usage.py). */
import { inClassOrder } from './names.ts'
import { noProvider, type Operation, type PlacementCall, providerOf, told } from './operation.ts'
import { lastOf } from './query.ts'
import { enforce } from './rules.ts'
import { check, usageSearch } from './schemas.ts'
import { type Consumer, usageOf } from './store.ts'

export const usages: Readonly<Record<string, Operation>> = {
  'GET /resource_providers/:uuid/usages': { rule: 'placement:resource_providers:usages', answers: true, run: ofProvider },
  'GET /usages': { since: 9, answers: true, run: ofProject },
}

function ofProvider(call: PlacementCall) {
  const provider = providerOf(call, (uuid) => `No resource provider with uuid ${uuid} found: ${noProvider(uuid)}`)
  const used = usageOf(call.store, provider.id)
  const names = inClassOrder(call.store, provider.inventories).map(([name]) => name)
  return told(call, {
    resource_provider_generation: provider.generation,
    usages: Object.fromEntries(names.map((name) => [name, used.get(name) ?? 0])),
  })
}

function ofProject(call: PlacementCall) {
  const { caller, query, minor } = call
  enforce('placement:usages', caller, query.getAll('project_id').at(-1) ?? null)
  const sent = lastOf(query)
  check(usageSearch[minor >= 38 ? '1.38' : '1.9'], sent, 'Invalid query string parameters')
  const consumers = call.store.consumers.filter(
    ({ project, user }) => project === sent.project_id && (!sent.user_id || user === sent.user_id),
  )
  return told(call, { usages: minor >= 38 ? byType(call, consumers, sent.consumer_type) : sumOf(call, consumers) })
}

/** By the type of the consumers, each with their number; `all` in one, `unknown` those without a type. */
function byType(call: PlacementCall, consumers: readonly Consumer[], wanted: string | undefined): Record<string, unknown> {
  const typeOf = ({ type }: Consumer) => (wanted === 'all' ? 'all' : (type ?? 'unknown'))
  const chosen = consumers.filter((each) => using(call, each) && (wanted === undefined || typeOf(each) === wanted))
  return Object.fromEntries(
    Object.entries(Object.groupBy(chosen, typeOf)).map(([type, of]) => [type, { consumer_count: of!.length, ...sumOf(call, of!) }]),
  )
}

const using = ({ store }: PlacementCall, { id }: Consumer): boolean => store.allocations.by('consumer', id).length > 0

function sumOf({ store }: PlacementCall, consumers: readonly Consumer[]): Record<string, number> {
  const sum: Record<string, number> = {}
  for (const { id } of consumers)
    for (const { resources } of store.allocations.by('consumer', id))
      for (const [name, amount] of Object.entries(resources)) sum[name] = (sum[name] ?? 0) + amount
  return Object.fromEntries(inClassOrder(store, sum))
}
