/** Which aggregates a provider is in (placement/handlers/aggregate.py). */
import { conflict } from './faults.ts'
import { type Operation, type PlacementCall, providerOf, told } from './operation.ts'
import { aggregateList } from './schemas.ts'
import { nextGeneration, type Provider } from './store.ts'

const path = '/resource_providers/:uuid/aggregates'

/** From 1.19 with the generation, which is then checked and goes up. */
const withGeneration = 19

export const aggregates: Readonly<Record<string, Operation>> = {
  [`GET ${path}`]: {
    since: 1,
    rule: 'placement:resource_providers:aggregates:list',
    answers: true,
    run: (call) => view(call, providerOf(call)),
  },
  [`PUT ${path}`]: { since: 1, rule: 'placement:resource_providers:aggregates:update', body: true, run: replace },
}

const view = (call: PlacementCall, { aggregates, generation }: Provider) =>
  told(call, { aggregates, ...(call.minor >= withGeneration && { resource_provider_generation: generation }) })

function replace(call: PlacementCall) {
  const { store, clock, minor } = call
  const provider = providerOf(call)
  if (minor < withGeneration) {
    const aggregates = call.json<string[]>(aggregateList['1.1'])
    return view(
      call,
      store.write(() => store.providers.put({ ...provider, aggregates })),
    )
  }
  const sent = call.json<{ aggregates: string[]; resource_provider_generation: number }>(aggregateList['1.19'])
  if (sent.resource_provider_generation !== provider.generation)
    throw conflict(
      "Resource provider's generation already changed. Please update the generation and try again.",
      'placement.concurrent_update',
    )
  return view(
    call,
    store.write(() => store.providers.put(nextGeneration({ ...provider, aggregates: sent.aggregates }, clock.now()))),
  )
}
