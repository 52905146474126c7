/** /resource_providers: trees of who has resources (placement/handlers/resource_provider.py). */
import { reply } from '../service.ts'
import { withDashes } from '../uuid.ts'
import { badRequest, conflict, notFound } from './faults.ts'
import { latest, type Operation, type PlacementCall, providerOf, told } from './operation.ts'
import { searchProviders } from './provider-search.ts'
import { changedProvider, newProvider } from './schemas.ts'
import type { Provider, Store } from './store.ts'

/** The relations of a provider and the versions that they came with. */
const relations = [
  ['inventories', 0],
  ['usages', 0],
  ['aggregates', 1],
  ['traits', 6],
  ['allocations', 11],
] as const

const providerPath = ({ request }: PlacementCall, { id }: Provider): string => `${request.scriptName}/resource_providers/${id}`

function view(call: PlacementCall, provider: Provider): Record<string, unknown> {
  const path = providerPath(call, provider)
  const related = relations.filter(([, since]) => call.minor >= since).map(([rel]) => ({ rel, href: `${path}/${rel}` }))
  return {
    uuid: provider.id,
    name: provider.name,
    generation: provider.generation,
    links: [{ rel: 'self', href: path }, ...related],
    ...(call.minor >= 14 && { parent_provider_uuid: provider.parent, root_provider_uuid: provider.root }),
  }
}

interface Sent {
  readonly name: string
  readonly uuid?: string
  readonly parent_provider_uuid?: string | null
}

export const providers: Readonly<Record<string, Operation>> = {
  'GET /resource_providers': {
    rule: 'placement:resource_providers:list',
    answers: true,
    run(call) {
      const found = searchProviders(call)
      const changed = latest(
        found.map((each) => each.changed),
        call.clock.now(),
      )
      return told(call, { resource_providers: found.map((each) => view(call, each)) }, { changed })
    },
  },
  'POST /resource_providers': {
    rule: 'placement:resource_providers:create',
    body: true,
    run(call) {
      const sent = call.json<Sent>(call.minor >= 14 ? newProvider['1.14'] : newProvider['1.0'])
      const provider = create(call, sent)
      const location: [string, string] = ['Location', `${call.baseUrl}/resource_providers/${provider.id}`]
      return call.minor >= 20
        ? told(call, view(call, provider), { changed: provider.changed, headers: [location] })
        : reply(201, undefined, [location])
    },
  },
  'GET /resource_providers/:uuid': {
    rule: 'placement:resource_providers:show',
    answers: true,
    run(call) {
      const provider = providerOf(call)
      return told(call, view(call, provider), { changed: provider.changed })
    },
  },
  'PUT /resource_providers/:uuid': {
    rule: 'placement:resource_providers:update',
    body: true,
    run(call) {
      const before = providerOf(call)
      const provider = update(call, before, call.json<Sent>(call.minor >= 14 ? changedProvider['1.14'] : changedProvider['1.0']))
      return told(call, view(call, provider), { changed: provider.changed })
    },
  },
  'DELETE /resource_providers/:uuid': { rule: 'placement:resource_providers:delete', run: remove },
}

function create({ store, clock, ids }: PlacementCall, { name, uuid, parent_provider_uuid: parent = null }: Sent): Provider {
  const id = uuid ? withDashes(uuid) : ids.uuid()
  const refuse = (reason: string) =>
    badRequest(`Unable to create resource provider "${name}", ${id}: Object action create failed because: ${reason}`)
  if (name === '') throw refuse('name is required')
  if (parent === id)
    throw refuse('parent provider UUID cannot be same as UUID. Please set parent provider UUID to None if there is no parent.')
  const above = parent === null ? undefined : store.providers.get(parent)
  if (parent !== null && !above) throw refuse('parent provider UUID does not exist.')
  if (store.providers.get(id)) throw duplicate(`uuid: ${id}`)
  if (store.providers.by('name', name).length > 0) throw duplicate(`name: ${name}`)
  const provider: Provider = {
    id,
    name,
    generation: 0,
    parent,
    root: above?.root ?? id,
    inventories: {},
    aggregates: [],
    traits: [],
    changed: clock.now(),
  }
  return store.write(() => store.providers.put(provider))
}

const duplicate = (what: string) => conflict(`Conflicting resource provider ${what} already exists.`, 'placement.duplicate_name')

function update(call: PlacementCall, before: Provider, { name, parent_provider_uuid: parent = before.parent }: Sent): Provider {
  const { store, clock } = call
  const root = parent === before.parent ? before.root : newRoot(call, before, parent)
  if (store.providers.by('name', name).some(({ id }) => id !== before.id)) throw duplicate(name)
  return store.write(() => {
    if (root !== before.root)
      for (const each of subtree(store, before)) if (each.id !== before.id) store.providers.put({ ...each, root, changed: clock.now() })
    return store.providers.put({ ...before, name, parent, root, changed: clock.now() })
  })
}

/** The root below a new parent; 400 where a provider may not go there. Until 1.37 only one without a parent may be moved. */
function newRoot({ store, minor }: PlacementCall, provider: Provider, parent: string | null): string {
  const refuse = (reason: string, action = 'update') =>
    badRequest(`Unable to save resource provider ${provider.id}: Object action ${action} failed because: ${reason}`)
  const mayMove = minor >= 37 || provider.parent === null
  if (parent === null) {
    if (!mayMove) throw refuse('un-parenting a provider is not currently allowed.')
    return provider.id
  }
  const above = store.providers.get(parent)
  if (!above) throw refuse('parent provider UUID does not exist.', 'create')
  if (!mayMove) throw refuse('re-parenting a provider is not currently allowed.')
  if (subtree(store, provider).some(({ id }) => id === parent)) throw refuse('creating loop in the provider tree is not allowed.')
  return above.root
}

/** The provider and all below it. */
const subtree = (store: Store, provider: Provider): Provider[] => [
  provider,
  ...store.providers.by('parent', provider.id).flatMap((child) => subtree(store, child)),
]

function remove({ store, params }: PlacementCall): void {
  const id = params.uuid!
  if (!store.providers.get(id)) throw notFound(`No resource provider with uuid ${id} found for delete`)
  if (store.providers.by('parent', id).length > 0)
    throw conflict(
      `Unable to delete parent resource provider ${id}: It has child resource providers.`,
      'placement.resource_provider.cannot_delete_parent',
    )
  if (store.allocations.by('provider', id).length > 0)
    throw conflict(`Unable to delete resource provider ${id}: Resource provider has allocations.`, 'placement.resource_provider.inuse')
  store.write(() => store.providers.remove(id))
}
