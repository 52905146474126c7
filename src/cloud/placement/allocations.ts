/** What consumers use of providers (placement/handlers/allocation.py). */
import { isUuidLike, withDashes } from '../uuid.ts'
import { allocate, requireProviders, type Wanted } from './allocate.ts'
import { ensured, type SentConsumer } from './consumers.ts'
import { badRequest, notFound } from './faults.ts'
import { latest, noProvider, type Operation, type PlacementCall, providerOf, told } from './operation.ts'
import { allocationsOfMany, allocationsOfOne, servedBy } from './schemas.ts'
import type { Allocation } from './store.ts'

export const allocations: Readonly<Record<string, Operation>> = {
  'GET /allocations/:consumer_uuid': { rule: 'placement:allocations:list', answers: true, run: ofConsumer },
  'PUT /allocations/:consumer_uuid': { rule: 'placement:allocations:update', body: true, run: replaceOne },
  'DELETE /allocations/:consumer_uuid': { rule: 'placement:allocations:delete', run: remove },
  'POST /allocations': { since: 13, rule: 'placement:allocations:manage', body: true, run: replaceMany },
  'GET /resource_providers/:uuid/allocations': { rule: 'placement:resource_providers:allocations:list', answers: true, run: ofProvider },
}

const changedAt = ({ clock }: PlacementCall, found: readonly Allocation[]): number =>
  latest(
    found.map(({ created }) => created),
    clock.now(),
  )

/** Nothing is known of a consumer without allocations: an empty answer, not 404. */
function ofConsumer(call: PlacementCall) {
  const { store, minor, params } = call
  const found = store.allocations.by('consumer', params.consumer_uuid!)
  const consumer = found.length > 0 ? store.consumers.get(params.consumer_uuid!) : undefined
  const body = {
    allocations: Object.fromEntries(
      found.map(({ provider, resources }) => [provider, { resources, generation: store.providers.get(provider)!.generation }]),
    ),
    ...(consumer && minor >= 12 && { project_id: consumer.project, user_id: consumer.user }),
    ...(consumer && minor >= 28 && { consumer_generation: consumer.generation }),
    ...(consumer && minor >= 38 && { consumer_type: consumer.type ?? 'unknown' }),
  }
  return told(call, body, { changed: changedAt(call, found) })
}

function ofProvider(call: PlacementCall) {
  const { store, minor } = call
  const provider = providerOf(call, (uuid) => `Resource provider '${uuid}' not found: ${noProvider(uuid)}`)
  const found = store.allocations.by('provider', provider.id)
  const one = ({ consumer, resources }: Allocation) => ({
    resources,
    ...(minor >= 28 && { consumer_generation: store.consumers.get(consumer)!.generation }),
  })
  const body = {
    allocations: Object.fromEntries(found.map((each) => [each.consumer, one(each)])),
    resource_provider_generation: provider.generation,
  }
  return told(call, body, { changed: changedAt(call, found) })
}

type ByProvider = Readonly<Record<string, { readonly resources: Readonly<Record<string, number>> }>>
export interface SentAllocations extends SentConsumer {
  /** A list before 1.12. */
  readonly allocations: ByProvider | readonly { resource_provider: { uuid: string }; resources: Record<string, number> }[]
}

export function wantedOf(call: PlacementCall, id: string, sent: SentAllocations): Wanted {
  const consumer = ensured(call, id, sent)
  const { allocations: given } = sent
  const resources = Array.isArray(given)
    ? given.map((each) => [each.resource_provider.uuid, each.resources] as const)
    : Object.entries(given as ByProvider).map(([provider, each]) => [provider, each.resources] as const)
  return { consumer, resources: new Map(resources) }
}

function replaceOne(call: PlacementCall): void {
  const asked = call.params.consumer_uuid!
  if (!isUuidLike(asked)) throw badRequest(`Malformed consumer_uuid: ${asked}`)
  const id = withDashes(asked)
  const wanted = [wantedOf(call, id, call.json<SentAllocations>(servedBy(allocationsOfOne, call.minor)))]
  requireProviders(call, wanted)
  call.store.write(() => allocate(call, wanted, (reason) => `Unable to allocate inventory for consumer ${id}: ${reason}`))
}

function replaceMany(call: PlacementCall): void {
  const sent = call.json<Record<string, SentAllocations>>(servedBy(allocationsOfMany, call.minor))
  const wanted = Object.entries(sent).map(([id, each]) => wantedOf(call, id, each))
  requireProviders(call, wanted)
  call.store.write(() => allocate(call, wanted, (reason) => `Unable to allocate inventory ${reason}`))
}

/** The generations of the providers stay. */
function remove({ store, params }: PlacementCall): void {
  const id = params.consumer_uuid!
  const found = store.allocations.by('consumer', id)
  if (found.length === 0) throw notFound(`No allocations for consumer '${id}'`)
  store.write(() => {
    for (const each of found) store.allocations.remove(each.id)
    store.consumers.remove(id)
  })
}
