/** /v3/users/{id}/application_credentials: a login for programs, with some of the roles its owner has on one project. */
import { randomBytes } from 'node:crypto'
import { reply, ServiceError } from '../service.ts'
import { impliedBy } from './effective.ts'
import { conflict, expiredTime, forbiddenAction, invalid, malformedTime, notBuilt } from './faults.ts'
import { filtered, listed, member } from './lists.ts'
import type { ApplicationCredential, Role, Store } from './model.ts'
import type { IdentityRoutes, Setting, TokenCall } from './resource.ts'
import { type Action, enforce } from './rules.ts'
import { bodyOf } from './shapes.ts'
import { credentialOf, roleOf, roleView } from './things.ts'

const path = 'application_credentials'

export function applicationCredentialRoutes({ store, clock, passwords, newId }: Setting): IdentityRoutes {
  const view = (one: ApplicationCredential) => {
    const { role_ids, secret: _, ...rest } = one
    return { ...rest, system: null, roles: role_ids.map((id) => roleView(store.roles.get(id)!)) }
  }
  const shown = (call: TokenCall, one: ApplicationCredential) => member(call, path, view(one))
  /** The one that the path names; who asks counts as the owner's match, whatever user the path says. */
  const target = (call: TokenCall, action: Action) => {
    const found = store.applicationCredentials.get(call.params.credential_id!)
    enforce(call.caller, action, { userId: found?.user_id ?? call.params.user_id! })
    return credentialOf(store, call.params.credential_id!)
  }

  return {
    'GET /v3/users/:user_id/application_credentials': (call) => {
      enforce(call.caller, 'list_application_credentials', { userId: call.params.user_id! })
      const mine = store.applicationCredentials.filter((one) => one.user_id === call.params.user_id)
      return listed(call, path, filtered(mine, call.query, ['name']).map(view))
    },
    'POST /v3/users/:user_id/application_credentials': async (call) => {
      const fields = bodyOf('credentialCreate', call.body, 'application_credential')
      enforce(call.caller, 'create_application_credential', { userId: call.params.user_id! })
      assertUnrestricted(call)
      if (call.caller.projectId === null) throw invalid('Expecting a project-scoped token to make an application credential.')
      if (Array.isArray(fields.access_rules) && fields.access_rules.length > 0) throw notBuilt('access rules')
      const role_ids = rolesFor(store, fields.roles as Named[] | undefined, call.caller.valid.roles)
      const expires_at = expiry(fields.expires_at, clock.now())
      const secret = (fields.secret as string) || randomBytes(64).toString('base64url')
      const hash = await passwords.hash(secret)
      const made: ApplicationCredential = {
        id: newId(),
        name: fields.name as string,
        description: (fields.description as string | null | undefined) ?? null,
        user_id: call.caller.userId,
        project_id: call.caller.projectId,
        expires_at,
        unrestricted: (fields.unrestricted as boolean | null | undefined) ?? null,
        role_ids,
        secret: hash,
      }
      if (store.applicationCredentials.find((one) => one.user_id === made.user_id && one.name === made.name))
        throw conflict('application_credential', `Duplicate entry found with name ${made.name}`)
      store.change(() => store.applicationCredentials.put(made))
      return reply(201, { application_credential: { ...shown(call, made), secret } })
    },
    'GET /v3/users/:user_id/application_credentials/:credential_id': (call) => ({
      application_credential: shown(call, target(call, 'get_application_credential')),
    }),
    'DELETE /v3/users/:user_id/application_credentials/:credential_id': (call) => {
      const { id } = target(call, 'delete_application_credential')
      assertUnrestricted(call)
      store.change(() => store.applicationCredentials.remove(id))
    },
  }
}

/** A token that came from a credential may manage others only where that one is unrestricted. */
function assertUnrestricted({ caller }: TokenCall): void {
  if (caller.valid.credential && !caller.valid.credential.unrestricted)
    throw forbiddenAction("Using method 'application_credential' is not allowed for managing additional application credentials.")
}

interface Named {
  readonly id?: string
  readonly name?: string
}

/** The roles asked for with what they imply, all of which the caller must have; all of the caller's where none are. */
function rolesFor(store: Store, asked: readonly Named[] | undefined, held: readonly Role[]): string[] {
  if (!asked || asked.length === 0) return held.map((role) => role.id)
  const implied = impliedBy(store)
  const direct = asked.map(({ id, name }) => (id ? roleOf(store, id).id : roleNamed(store, name!)))
  const all = [...new Set(direct.flatMap((id) => [id, ...implied(id).map((one) => one.roleId)]))]
  if (all.some((id) => !held.some((role) => role.id === id)))
    throw invalid('Invalid application credential: Cannot create an application credential with unassigned role')
  return all
}

function roleNamed(store: Store, name: string): string {
  const found = store.roles.filter((role) => role.name === name)
  if (found.length === 0) throw new ServiceError(404, `Role ${name} is not defined`)
  if (found.length > 1)
    throw invalid(`There are multiple role entities named '${name}'. Please use ID instead of names to resolve the ambiguity.`)
  return found[0]!.id
}

/** ISO 8601, in UTC where no zone is said; kept without a zone, as Keystone shows it. */
function expiry(given: unknown, now: number): string | null {
  if (given === undefined || given === null || given === '') return null
  const text = String(given)
  const time = /^\d{4}-\d\d-\d\d([T ][\d:.]+)?(Z|[+-]\d\d:?\d\d)?$/.test(text)
    ? Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text.slice(10)) || text.length <= 10 ? text : `${text}Z`)
    : Number.NaN
  if (Number.isNaN(time)) throw malformedTime()
  if (time <= now) throw expiredTime()
  return `${new Date(time).toISOString().slice(0, 23)}000`
}
