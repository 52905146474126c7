/** The kinds of resources, standard and custom (placement/handlers/resource_class.py). */
import { reply } from '../service.ts'
import { badRequest, conflict, notFound } from './faults.ts'
import { classExists, classNames, isStandardClass, noClass } from './names.ts'
import { latest, type Operation, type PlacementCall, told } from './operation.ts'
import { check, resourceClass } from './schemas.ts'

export const resourceClasses: Readonly<Record<string, Operation | readonly Operation[]>> = {
  'GET /resource_classes': {
    since: 2,
    rule: 'placement:resource_classes:list',
    answers: true,
    run(call) {
      const created = call.store.resourceClasses.all().map((each) => each.created)
      const resource_classes = classNames(call.store).map((name) => view(call, name))
      return told(call, { resource_classes }, { changed: latest(created, call.clock.now()) })
    },
  },
  'POST /resource_classes': { since: 2, rule: 'placement:resource_classes:create', body: true, run: create },
  'GET /resource_classes/:name': {
    since: 2,
    rule: 'placement:resource_classes:show',
    answers: true,
    run(call) {
      const name = existing(call)
      return told(call, view(call, name), { changed: call.store.resourceClasses.get(name)?.created ?? call.clock.now() })
    },
  },
  'PUT /resource_classes/:name': [
    { since: 2, until: 6, rule: 'placement:resource_classes:update', body: true, run: rename },
    { since: 7, rule: 'placement:resource_classes:update', run: ensure },
  ],
  'DELETE /resource_classes/:name': { since: 2, rule: 'placement:resource_classes:delete', run: remove },
}

const view = ({ request }: PlacementCall, name: string) => ({
  name,
  links: [{ rel: 'self', href: `${request.scriptName}/resource_classes/${name}` }],
})

const location = ({ baseUrl }: PlacementCall, name: string): [string, string][] => [['Location', `${baseUrl}/resource_classes/${name}`]]

function existing({ store, params }: PlacementCall): string {
  const name = params.name!
  if (!classExists(store, name)) throw notFound(noClass(name))
  return name
}

const put = ({ store, clock }: PlacementCall, name: string) =>
  store.write(() => store.resourceClasses.put({ id: name, created: clock.now() }))

function create(call: PlacementCall) {
  const { name } = call.json<{ name: string }>(resourceClass)
  if (classExists(call.store, name)) throw conflict(`Conflicting resource class already exists: ${name}`)
  put(call, name)
  return reply(201, undefined, location(call, name))
}

function ensure(call: PlacementCall) {
  const name = call.params.name!
  check(resourceClass, { name }, 'JSON does not validate')
  const before = classExists(call.store, name)
  if (!before) put(call, name)
  return reply(before ? 204 : 201, undefined, location(call, name))
}

/** Until 1.6 a class could be given another name, in which it was then found in all inventories. */
function rename(call: PlacementCall) {
  const { store, clock } = call
  const { name } = call.json<{ name: string }>(resourceClass)
  const before = existing(call)
  if (isStandardClass(before)) throw badRequest(`Cannot update standard resource class ${before}`)
  if (name !== before && classExists(store, name)) throw conflict(`Resource class already exists: ${name}`)
  store.write(() => {
    const created = store.resourceClasses.get(before)!.created
    store.resourceClasses.remove(before)
    store.resourceClasses.put({ id: name, created })
    for (const provider of store.providers.filter(({ inventories }) => before in inventories))
      store.providers.put({ ...provider, inventories: renamed(provider.inventories, before, name), changed: clock.now() })
    for (const allocation of store.allocations.filter(({ resources }) => before in resources))
      store.allocations.put({ ...allocation, resources: renamed(allocation.resources, before, name) })
  })
  return view(call, name)
}

const renamed = <T>(values: Readonly<Record<string, T>>, before: string, after: string): Record<string, T> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key === before ? after : key, value]))

function remove(call: PlacementCall) {
  const { store } = call
  const name = existing(call)
  if (isStandardClass(name)) throw badRequest(`Error in delete resource class: Cannot delete standard resource class ${name}.`)
  if (store.providers.find(({ inventories }) => name in inventories))
    throw conflict(`Error in delete resource class: Cannot delete resource class ${name}. Class is in use in inventory.`)
  store.write(() => store.resourceClasses.remove(name))
}
