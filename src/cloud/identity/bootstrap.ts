/** The first content of the identity service: what `keystone-manage bootstrap` makes, and the projects and users of a seed. */
import { addRegion, newService } from './catalog.ts'
import type { ServiceAddress } from './catalog-view.ts'
import { assignmentOf } from './grants.ts'
import type { Assignment, Endpoint, Project, Store } from './model.ts'
import type { Passwords } from './passwords.ts'
import { newRole } from './roles.ts'
import { projectNamed, userNamed } from './things.ts'
import { newUser } from './users.ts'

export interface Seed {
  /** Where the endpoints are; RegionOne when absent. */
  readonly region?: string
  readonly projects: readonly { readonly name: string; readonly description?: string }[]
  readonly users: readonly {
    readonly name: string
    readonly password: string
    readonly defaultProject?: string
    readonly email?: string
  }[]
  /** Besides admin, manager, member, reader and service. */
  readonly roles?: readonly string[]
  readonly assignments: readonly { readonly user: string; readonly role: string; readonly on: { project: string } | 'Default' | 'system' }[]
  /** Services that run elsewhere; their addresses are kept as given. */
  readonly services?: readonly ServiceAddress[]
}

/** Each implies the next (keystone/cmd/bootstrap.py). */
const ladder = ['admin', 'manager', 'member', 'reader'] as const
const interfaces: readonly Endpoint['interface'][] = ['public', 'internal', 'admin']

/**
 * Brings in what the seed says and is not there yet, all at once. What an earlier run brought in is left alone: a password that was changed
 * stays, a project that was deleted does not come back.
 */
export async function bootstrap(
  { store, passwords, newId }: { store: Store; passwords: Passwords; newId: () => string },
  embedded: readonly ServiceAddress[],
  seed: Seed,
): Promise<void> {
  const fresh = seed.users.filter(({ name }) => !store.seeded.get(`user/${name}`))
  const hashes = new Map(await Promise.all(fresh.map(async ({ name, password }) => [name, await passwords.hash(password)] as const)))
  const once = (id: string, make: () => unknown) => {
    if (store.seeded.get(id)) return
    store.seeded.put({ id })
    make()
  }

  store.change(() => {
    once('domain/Default', () => store.projects.put(theDomain))
    for (const name of [...ladder, 'service', ...(seed.roles ?? [])])
      once(`role/${name}`, () =>
        store.roles.put(newRole(newId(), { name, options: seed.roles?.includes(name) ? {} : { immutable: true } })),
      )
    ladder.slice(1).forEach((name, i) => {
      once(`implication/${name}`, () => {
        const [prior, implied] = [roleNamed(store, ladder[i]!), roleNamed(store, name)]
        store.implications.put({ id: `${prior}/${implied}`, prior, implied })
      })
    })
    for (const { name, description = '' } of seed.projects)
      once(`project/${name}`, () => store.projects.put(newProject(newId(), name, description)))
    for (const { name, defaultProject, email } of seed.users)
      once(`user/${name}`, () => {
        const default_project_id = defaultProject === undefined ? null : projectIdNamed(store, defaultProject)
        store.users.put(newUser(newId(), 'default', { name, default_project_id, ...(email && { email }) }, hashes.get(name)!))
      })
    for (const { user, role, on } of seed.assignments) {
      const place = typeof on === 'string' ? on : on.project
      once(`assignment/${user}/${role}/${place}`, () => assign(store, user, role, on))
    }
    const region = seed.region ?? 'RegionOne'
    once(`region/${region}`, () => addRegion(store, region, {}))
    for (const service of embedded) once(`service/${service.type}`, () => addService(store, newId, region, service, true))
    for (const service of seed.services ?? []) once(`service/${service.type}`, () => addService(store, newId, region, service, false))
  })
}

const theDomain: Project = {
  id: 'default',
  name: 'Default',
  domain_id: null,
  parent_id: null,
  is_domain: true,
  enabled: true,
  description: 'The default domain',
  tags: [],
  options: {},
  extra: {},
}

const newProject = (id: string, name: string, description: string): Project => ({
  ...theDomain,
  id,
  name,
  description,
  domain_id: 'default',
  parent_id: 'default',
  is_domain: false,
})

type Place = Seed['assignments'][number]['on']

function assign(store: Store, user: string, role: string, on: Place): void {
  const actor_id = present(userNamed(store, user, 'default')?.id, 'user', user)
  const role_id = roleNamed(store, role)
  store.assignments.put(assignmentOf({ actor: 'user', actor_id, ...targetOf(store, on), role_id }))
}

function targetOf(store: Store, on: Place): Pick<Assignment, 'target' | 'target_id'> {
  if (on === 'system') return { target: 'system', target_id: 'system' }
  if (on === 'Default') return { target: 'domain', target_id: 'default' }
  return { target: 'project', target_id: projectIdNamed(store, on.project) }
}

function addService(
  store: Store,
  newId: () => string,
  region: string,
  { type, name, description, url }: ServiceAddress,
  embedded: boolean,
): void {
  const service = store.services.put(newService(newId(), { type, name, ...(description && { description }) }))
  for (const face of interfaces)
    store.endpoints.put({
      id: newId(),
      service_id: service.id,
      interface: face,
      region_id: region,
      enabled: true,
      url: embedded ? null : url,
      template: embedded ? type : null,
      extra: {},
    })
}

const roleNamed = (store: Store, name: string): string =>
  present(store.roles.find((role) => role.name === name && role.domain_id === null)?.id, 'role', name)
const projectIdNamed = (store: Store, name: string): string => present(projectNamed(store, name, 'default')?.id, 'project', name)

function present(id: string | undefined, kind: string, name: string): string {
  if (id === undefined) throw new Error(`the seed speaks of the ${kind} ${name}, which is not there`)
  return id
}
