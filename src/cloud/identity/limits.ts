/** /v3/registered_limits and /v3/limits: unified limits, enforced flat (keystone/limit). */
import { reply, ServiceError } from '../service.ts'
import { conflict, expecting, forbidden, missing } from './faults.ts'
import { filtered, listed, member } from './lists.ts'
import type { Limit, RegisteredLimit, Store } from './model.ts'
import { type IdentityRoutes, type Setting, sameId, type TokenCall } from './resource.ts'
import { enforce } from './rules.ts'
import { bodiesOf, bodyOf, type Fields } from './shapes.ts'

const model = {
  name: 'flat',
  description: 'Limit enforcement and validation does not take project hierarchy into consideration.',
}

const missingLimit = (kind: string, id: string) => new ServiceError(404, `Could not find ${kind} for ${id}.`)

export function registeredLimitRoutes({ store, newId }: Setting): IdentityRoutes {
  const target = (call: TokenCall): RegisteredLimit => {
    const found = store.registeredLimits.get(call.params.limit_id!)
    if (!found) throw missingLimit('registered limit', call.params.limit_id!)
    return found
  }
  const shown = (call: TokenCall, limit: RegisteredLimit) => member(call, 'registered_limits', limit)
  const assertUnused = ({ id }: RegisteredLimit) => {
    if (store.limits.find((one) => one.registered_limit_id === id))
      throw forbidden(`Unable to update or delete registered limit ${id} because there are project limits associated with it.`)
  }

  return {
    'GET /v3/registered_limits': (call) => {
      enforce(call.caller, 'list_registered_limits')
      return listed(
        call,
        'registered_limits',
        filtered(store.registeredLimits.all(), call.query, ['service_id', 'region_id', 'resource_name']),
      )
    },
    'POST /v3/registered_limits': (call) => {
      const all = bodiesOf('registeredCreate', call.body, 'registered_limits')
      enforce(call.caller, 'create_registered_limits')
      const made = all.map((fields): RegisteredLimit => {
        assertThere(store, fields, 'registered_limit')
        return {
          id: newId(),
          service_id: fields.service_id as string,
          region_id: (fields.region_id as string | undefined) ?? null,
          resource_name: fields.resource_name as string,
          default_limit: fields.default_limit as number,
          description: (fields.description as string | undefined) ?? null,
        }
      })
      store.change(() => {
        for (const limit of made) putRegistered(store, limit)
      })
      return reply(201, { registered_limits: made.map((limit) => shown(call, limit)) })
    },
    'GET /v3/registered_limits/:limit_id': (call) => {
      enforce(call.caller, 'get_registered_limit')
      return { registered_limit: shown(call, target(call)) }
    },
    'PATCH /v3/registered_limits/:limit_id': (call) => {
      const fields = bodyOf('registeredUpdate', call.body, 'registered_limit')
      enforce(call.caller, 'update_registered_limit')
      sameId(fields, call.params.limit_id)
      assertThere(store, fields, 'registered_limit')
      const limit = target(call)
      assertUnused(limit)
      const changed = { ...limit, ...fields } as RegisteredLimit
      store.change(() => putRegistered(store, changed))
      return { registered_limit: shown(call, changed) }
    },
    'DELETE /v3/registered_limits/:limit_id': (call) => {
      enforce(call.caller, 'delete_registered_limit')
      const limit = target(call)
      assertUnused(limit)
      store.change(() => store.registeredLimits.remove(limit.id))
    },
  }
}

function putRegistered(store: Store, limit: RegisteredLimit): void {
  if (store.registeredLimits.find((one) => sameResource(one, limit) && one.id !== limit.id))
    throw conflict('registered_limit', 'Duplicate entry')
  store.registeredLimits.put(limit)
}

type Resource = Pick<RegisteredLimit, 'service_id' | 'region_id' | 'resource_name'>

const sameResource = (one: Resource, other: Resource): boolean =>
  one.service_id === other.service_id && one.region_id === other.region_id && one.resource_name === other.resource_name

function assertThere(store: Store, fields: Fields, target: string): void {
  const there = { service_id: store.services, region_id: store.regions, project_id: store.projects, domain_id: store.projects } as const
  for (const [name, collection] of Object.entries(there)) {
    const id = fields[name]
    if (typeof id === 'string' && !collection.get(id)) throw expecting(name, target)
  }
}

export function limitRoutes({ store, newId }: Setting): IdentityRoutes {
  const view = (limit: Limit) => {
    const { registered_limit_id, ...rest } = limit
    const { service_id, region_id, resource_name } = store.registeredLimits.get(registered_limit_id)!
    return { ...rest, service_id, region_id, resource_name }
  }
  const target = (call: TokenCall): Limit => {
    const found = store.limits.get(call.params.limit_id!)
    if (!found) throw missingLimit('limit', call.params.limit_id!)
    return found
  }
  const shown = (call: TokenCall, limit: Limit) => member(call, 'limits', view(limit))

  return {
    'GET /v3/limits': (call) => {
      enforce(call.caller, 'list_limits')
      const mine = store.limits.filter((limit) => visible(store, call, limit)).map(view)
      return listed(call, 'limits', filtered(mine, call.query, ['service_id', 'region_id', 'resource_name', 'project_id', 'domain_id']))
    },
    'GET /v3/limits/model': (call) => {
      enforce(call.caller, 'get_limit_model')
      return { model }
    },
    'POST /v3/limits': (call) => {
      const all = bodiesOf('limitCreate', call.body, 'limits')
      enforce(call.caller, 'create_limits')
      const made = all.map((fields) => newLimit(store, newId(), fields))
      store.change(() => {
        for (const limit of made) {
          if (store.limits.find((one) => sameOwner(one, limit))) throw conflict('limit', 'Duplicate entry')
          store.limits.put(limit)
        }
      })
      return reply(201, { limits: made.map((limit) => shown(call, limit)) })
    },
    'GET /v3/limits/:limit_id': (call) => {
      const limit = store.limits.get(call.params.limit_id!)
      enforce(call.caller, 'get_limit', limit ? { limit: ownerOf(store, limit) } : {})
      return { limit: shown(call, target(call)) }
    },
    'PATCH /v3/limits/:limit_id': (call) => {
      const fields = bodyOf('limitUpdate', call.body, 'limit')
      enforce(call.caller, 'update_limit')
      const changed = { ...target(call), ...fields } as Limit
      store.change(() => store.limits.put(changed))
      return { limit: shown(call, changed) }
    },
    'DELETE /v3/limits/:limit_id': (call) => {
      enforce(call.caller, 'delete_limit')
      const { id } = target(call)
      store.change(() => store.limits.remove(id))
    },
  }
}

const sameOwner = (one: Limit, other: Limit): boolean =>
  one.registered_limit_id === other.registered_limit_id && one.project_id === other.project_id && one.domain_id === other.domain_id

function newLimit(store: Store, id: string, fields: Fields): Limit {
  assertThere(store, fields, 'limit')
  const resource = { region_id: null, ...fields } as unknown as Resource
  const registered = store.registeredLimits.find((one) => sameResource(one, resource))
  if (!registered) throw forbidden('Unable to create a limit that has no corresponding registered limit.')
  const project = store.projects.get((fields.project_id as string | null) ?? '')
  // A limit on a project that acts as a domain is one of the domain.
  const domainId = project?.is_domain ? project.id : ((fields.domain_id as string | undefined) ?? null)
  if (domainId !== null && !store.projects.get(domainId)?.is_domain) throw missing('domain', domainId)
  return {
    id,
    registered_limit_id: registered.id,
    project_id: project && !project.is_domain ? project.id : null,
    domain_id: domainId,
    resource_limit: fields.resource_limit as number,
    description: (fields.description as string | undefined) ?? null,
  }
}

/** The project that a limit is of, and the domains whose tokens may see it. */
function ownerOf(store: Store, { project_id, domain_id }: Limit) {
  const domains = [domain_id, store.projects.get(project_id ?? '')?.domain_id]
  return { projectId: project_id, domainIds: domains.filter((id): id is string => typeof id === 'string') }
}

/** Services and administrators see all, others what is of the scope of their token (keystone/api/limits.py). */
function visible(store: Store, { caller }: TokenCall, limit: Limit): boolean {
  if (caller.systemScope !== null || caller.isAdmin || caller.roles.includes('service')) return true
  if (caller.domainId !== null) return ownerOf(store, limit).domainIds.includes(caller.domainId)
  return caller.projectId !== null && limit.project_id === caller.projectId
}
