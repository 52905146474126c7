/** Looking things up by id or name, with Keystone's errors for what is not there, and showing them as the API does. */
import { missing } from './faults.ts'
import type { ApplicationCredential, Endpoint, Group, Project, Region, Role, Store, User } from './model.ts'

function found<T>(value: T | undefined, what: string, id: string): T {
  if (value === undefined) throw missing(what, id)
  return value
}

export const projectOf = (store: Store, id: string): Project => found(store.projects.get(id), 'project', id)
export const userOf = (store: Store, id: string): User => found(store.users.get(id), 'user', id)
export const groupOf = (store: Store, id: string): Group => found(store.groups.get(id), 'group', id)
export const roleOf = (store: Store, id: string): Role => found(store.roles.get(id), 'role', id)
export const regionOf = (store: Store, id: string): Region => found(store.regions.get(id), 'region', id)
export const endpointOf = (store: Store, id: string): Endpoint => found(store.endpoints.get(id), 'endpoint', id)
export const serviceOf = (store: Store, id: string) => found(store.services.get(id), 'service', id)
export const credentialOf = (store: Store, id: string): ApplicationCredential =>
  found(store.applicationCredentials.get(id), 'Application Credential', id)

export function domainOf(store: Store, id: string): Project {
  const project = store.projects.get(id)
  return found(project?.is_domain ? project : undefined, 'domain', id)
}

export const projectNamed = (store: Store, name: string, domainId: string | null): Project | undefined =>
  store.projects.find((project) => project.name === name && project.domain_id === domainId)
export const userNamed = (store: Store, name: string, domainId: string): User | undefined =>
  store.users.find((user) => user.name === name && user.domain_id === domainId)

export const projectView = ({ extra, ...project }: Project) => ({ ...extra, ...project })

export function domainView({ extra, domain_id: _, parent_id: __, is_domain: ___, ...domain }: Project) {
  return { ...extra, ...domain }
}

export function userView({ extra, password: _, tokenEpoch: __, default_project_id, ...user }: User) {
  return { ...extra, ...user, ...(default_project_id !== null && { default_project_id }), password_expires_at: null }
}

export const groupView = ({ extra, ...group }: Group) => ({ ...extra, ...group })
export const roleView = ({ extra, ...role }: Role) => ({ ...extra, ...role })
export const regionView = ({ extra, ...region }: Region) => ({ ...extra, ...region })

/** A name in its domain, as tokens show it. */
export const reference = ({ id, name }: Project) => ({ id, name })
