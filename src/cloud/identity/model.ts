/** What the identity service remembers, in the words of its API, and the one way to change it. */
import type { Collection, Document, Shelf } from '../shelf.ts'

/** Attributes that a client added; Keystone keeps and shows whatever it is given. */
export type Extra = Readonly<Record<string, unknown>>

/** A project, or a domain where `is_domain` is set: Keystone keeps both in one table, and a domain can be asked for as a project. */
export interface Project extends Document {
  readonly name: string
  readonly domain_id: string | null
  readonly parent_id: string | null
  readonly is_domain: boolean
  readonly enabled: boolean
  readonly description: string | null
  readonly tags: readonly string[]
  readonly options: Extra
  readonly extra: Extra
}

export interface User extends Document {
  readonly name: string
  readonly domain_id: string
  readonly enabled: boolean
  readonly default_project_id: string | null
  readonly options: Extra
  readonly extra: Extra
  /** Hashed; null for a user who cannot log in with one. */
  readonly password: string | null
  /** Goes up when all tokens of the user are revoked: those of another epoch are no longer good. */
  readonly tokenEpoch: number
}

export interface Group extends Document {
  readonly name: string
  readonly domain_id: string
  readonly description: string | null
  readonly extra: Extra
}

export interface Membership extends Document {
  readonly group_id: string
  readonly user_id: string
}

export interface Role extends Document {
  readonly name: string
  /** Set for a role of one domain, which counts only through the roles it implies. */
  readonly domain_id: string | null
  readonly description: string | null
  readonly options: Extra
  readonly extra: Extra
}

export interface Implication extends Document {
  readonly prior: string
  readonly implied: string
}

export type Actor = 'user' | 'group'
export type TargetKind = 'project' | 'domain' | 'system'

export interface Assignment extends Document {
  readonly actor: Actor
  readonly actor_id: string
  readonly target: TargetKind
  /** `system` for the whole system. */
  readonly target_id: string
  readonly role_id: string
}

export interface Region extends Document {
  readonly description: string
  readonly parent_region_id: string | null
  readonly extra: Extra
}

export interface CatalogEntry extends Document {
  readonly type: string
  readonly name: string
  readonly enabled: boolean
  readonly extra: Extra
}

export interface Endpoint extends Document {
  readonly service_id: string
  readonly interface: 'public' | 'internal' | 'admin'
  readonly region_id: string | null
  readonly enabled: boolean
  /** As it was given; null where the address is the embedded service's own, `template` then says which. */
  readonly url: string | null
  /** The type of the embedded service whose address this is. */
  readonly template: string | null
  readonly extra: Extra
}

export interface ApplicationCredential extends Document {
  readonly name: string
  readonly user_id: string
  readonly project_id: string
  readonly description: string | null
  /** `2036-01-01T00:00:00.000000`, in UTC. */
  readonly expires_at: string | null
  readonly unrestricted: boolean | null
  readonly role_ids: readonly string[]
  /** Hashed. */
  readonly secret: string
}

export interface RegisteredLimit extends Document {
  readonly service_id: string
  readonly region_id: string | null
  readonly resource_name: string
  readonly default_limit: number
  readonly description: string | null
}

export interface Limit extends Document {
  readonly registered_limit_id: string
  readonly project_id: string | null
  readonly domain_id: string | null
  readonly resource_limit: number
  readonly description: string | null
}

/** Tokens that were revoked one by one: `audit:<id>` for a token, `chain:<id>` for what was made of it too. */
export interface Revocation extends Document {
  /** When the last such token expires (milliseconds), after which the record may go. */
  readonly until: number
}

interface Secret extends Document {
  readonly key: string
}

export interface Store {
  readonly projects: Collection<Project>
  readonly users: Collection<User>
  readonly groups: Collection<Group>
  readonly memberships: Collection<Membership>
  readonly roles: Collection<Role>
  readonly implications: Collection<Implication>
  readonly assignments: Collection<Assignment>
  readonly regions: Collection<Region>
  readonly services: Collection<CatalogEntry>
  readonly endpoints: Collection<Endpoint>
  readonly applicationCredentials: Collection<ApplicationCredential>
  readonly registeredLimits: Collection<RegisteredLimit>
  readonly limits: Collection<Limit>
  readonly revocations: Collection<Revocation>
  readonly secrets: Collection<Secret>
  /** What a seed has brought in before, so that what was deleted since does not come back. */
  readonly seeded: Collection<Document>
  /** One transaction; everything computed from the store before it is then out of date. */
  change<T>(make: () => T): T
  /** Grows with every change. */
  readonly generation: number
}

export function openStore(shelf: Shelf): Store {
  const collection = <T extends Document>(name: string) => shelf.collection<T>(`identity.${name}`)
  let generation = 0
  return {
    projects: collection('projects'),
    users: collection('users'),
    groups: collection('groups'),
    memberships: collection('memberships'),
    roles: collection('roles'),
    implications: collection('implications'),
    assignments: collection('assignments'),
    regions: collection('regions'),
    services: collection('services'),
    endpoints: collection('endpoints'),
    applicationCredentials: collection('application_credentials'),
    registeredLimits: collection('registered_limits'),
    limits: collection('limits'),
    revocations: collection('revocations'),
    secrets: collection('secrets'),
    seeded: collection('seeded'),
    change(make) {
      try {
        return shelf.write(make)
      } finally {
        generation++
      }
    },
    get generation() {
      return generation
    },
  }
}

/** Removes every document that is wanted gone; only inside `change`. */
export function removeWhere<T extends Document>(collection: Collection<T>, wanted: (value: T) => boolean): void {
  for (const { id } of collection.filter(wanted)) collection.remove(id)
}
