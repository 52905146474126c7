/** Traits: the names of qualities, standard and custom, and which of them a provider has (placement/handlers/trait.py). */
import { badRequest, conflict, notFound } from './faults.ts'
import { noTrait, traitExists, traitNames } from './names.ts'
import { latest, noProvider, type Operation, type PlacementCall, providerOf, told } from './operation.ts'
import { lastOf } from './query.ts'
import { check, isCustomName, traitList, traitSearch } from './schemas.ts'
import { nextGeneration, type Provider, type Store } from './store.ts'

const ofProvider = '/resource_providers/:uuid/traits'

export const traits: Readonly<Record<string, Operation>> = {
  'GET /traits': { since: 6, rule: 'placement:traits:list', answers: true, run: list },
  'GET /traits/:name': {
    since: 6,
    rule: 'placement:traits:show',
    run(call) {
      const name = call.params.name!
      if (!traitExists(call.store, name)) throw notFound(noTrait(name))
      return told(call, undefined, { status: 204, changed: changedAt(call, [name]) })
    },
  },
  'PUT /traits/:name': { since: 6, rule: 'placement:traits:update', run: create },
  'DELETE /traits/:name': { since: 6, rule: 'placement:traits:delete', run: remove },
  [`GET ${ofProvider}`]: {
    since: 6,
    rule: 'placement:resource_providers:traits:list',
    answers: true,
    run: (call) =>
      view(
        call,
        providerOf(call, (uuid) => `No resource provider with uuid ${uuid} found: ${noProvider(uuid)}`),
      ),
  },
  [`PUT ${ofProvider}`]: { since: 6, rule: 'placement:resource_providers:traits:update', body: true, run: replace },
  [`DELETE ${ofProvider}`]: {
    since: 6,
    rule: 'placement:resource_providers:traits:delete',
    run(call) {
      keep(call, providerOf(call), [])
    },
  },
}

/** Standard traits are as old as anything. */
const changedAt = ({ store, clock }: PlacementCall, names: readonly string[]): number =>
  latest(
    names.flatMap((name) => store.traits.get(name)?.created ?? []),
    clock.now(),
  )

const view = (call: PlacementCall, { traits, generation }: Provider) =>
  told(call, { traits, resource_provider_generation: generation }, { changed: changedAt(call, traits) })

function list(call: PlacementCall) {
  const sent = lastOf(call.query)
  check(traitSearch, sent, 'Invalid query string parameters')
  const wanted = sent.name === undefined ? () => true : byName(sent.name)
  const associated = sent.associated?.toLowerCase()
  if (associated !== undefined && associated !== 'true' && associated !== 'false')
    throw badRequest('The query parameter "associated" only accepts "true" or "false"')
  const inUse = associated === undefined ? undefined : usedTraits(call.store)
  const names = traitNames(call.store).filter((name) => wanted(name) && (!inUse || inUse.has(name) === (associated === 'true')))
  return told(call, { traits: names }, { changed: changedAt(call, names) })
}

const usedTraits = (store: Store): Set<string> => new Set(store.providers.all().flatMap((provider) => provider.traits))

/** `in:A,B` or `startswith:CUSTOM_`; another operator asks for nothing (placement/handlers/trait.py _normalize_traits_qs_param). */
function byName(text: string): (name: string) => boolean {
  const [operator, ...rest] = text.split(':')
  if (rest.length === 0)
    throw badRequest(
      `Badly formatted name parameter. Expected name query string parameter in form: ?name=[in|startswith]:[name1,name2|prefix]. Got: "${text}"`,
    )
  const value = rest.join(':')
  if (operator === 'startswith') return (name) => name.startsWith(value)
  if (operator !== 'in') return () => true
  const names = new Set(value.split(','))
  return (name) => names.has(name)
}

function create(call: PlacementCall) {
  const { store, clock } = call
  const name = call.params.name!
  if (!isCustomName(name))
    throw badRequest(
      'The trait is invalid. A valid trait must be no longer than 255 characters, start with the prefix "CUSTOM_" and use following characters: "A"-"Z", "0"-"9" and "_"',
    )
  const before = store.traits.get(name)
  const { created } = before ?? store.write(() => store.traits.put({ id: name, created: clock.now() }))
  return told(call, undefined, { status: before ? 204 : 201, changed: created, headers: [['Location', `${call.baseUrl}/traits/${name}`]] })
}

function remove({ store, params }: PlacementCall) {
  const name = params.name!
  if (!traitExists(store, name)) throw notFound(noTrait(name))
  if (!store.traits.get(name)) throw badRequest(`Cannot delete standard trait ${name}.`)
  if (store.providers.find((provider) => provider.traits.includes(name)))
    throw conflict(`The trait ${name} is in use by a resource provider.`)
  store.write(() => store.traits.remove(name))
}

function replace(call: PlacementCall) {
  const sent = call.json<{ traits: string[]; resource_provider_generation: number }>(traitList)
  const provider = providerOf(call)
  if (sent.resource_provider_generation !== provider.generation)
    throw conflict(
      "Resource provider's generation already changed. Please update the generation and try again.",
      'placement.concurrent_update',
    )
  const wanted = [...new Set(sent.traits)]
  const unknown = wanted.filter((name) => !traitExists(call.store, name))
  if (unknown.length > 0) throw badRequest(`No such trait ${unknown.join(', ')}`)
  return view(call, keep(call, provider, wanted))
}

/** The generation stays when nothing changes. */
function keep({ store, clock }: PlacementCall, provider: Provider, wanted: readonly string[]): Provider {
  const same = wanted.length === provider.traits.length && wanted.every((name) => provider.traits.includes(name))
  return same ? provider : store.write(() => store.providers.put(nextGeneration({ ...provider, traits: wanted }, clock.now())))
}
