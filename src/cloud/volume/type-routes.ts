/** /types, their extra specs, who may use them, and the types that projects prefer (cinder/api/v3/types.py, contrib/types_*.py). */
import { reply } from '../service.ts'
import type { VolumeType } from './documents.ts'
import { badRequest, conflict, fault, noType, notFound } from './faults.ts'
import { allowFilters, dictionary, hasAllOf, listOf, pageOf, pagingOf, type SortKeys } from './listing.ts'
import { type Actions, type Operations, operation } from './operation.ts'
import { requireAdmin } from './rules.ts'
import * as shapes from './shapes.ts'
import { truth, type VolumeCall } from './state.ts'
import { defaultType, defaultTypeFor, findType, typeNamed, visibleTypes } from './types.ts'

interface SentType {
  readonly name: string
  readonly description?: string | null
  readonly extra_specs?: Readonly<Record<string, string | null>>
  readonly 'os-volume-type-access:is_public'?: unknown
}

export const types: Operations = {
  'GET /types': { run: list },
  'POST /types': operation({
    body: shapes.newType,
    run(call, { volume_type: sent }: { volume_type: SentType }) {
      requireAdmin('volume_extension:type_create', call.caller)
      const type = create(call, sent)
      return { volume_type: { ...withoutQos(call, type), 'os-volume-type-access:is_public': type.is_public } }
    },
  }),
  'GET /types/:id': {
    run(call) {
      // The default is shown without what extensions add: cinder looks it up by that word, and does not find it.
      if (call.params.id === 'default') return { volume_type: base(call, defaultTypeFor(call)) }
      return { volume_type: view(call, findType(call, call.params.id!)) }
    },
  },
  'PUT /types/:id': operation({
    body: shapes.changedType,
    run(call, { volume_type: sent }: { volume_type: { name?: string | null; description?: string | null; is_public?: unknown } }) {
      requireAdmin('volume_extension:type_update', call.caller)
      return { volume_type: withoutQos(call, update(call, sent)) }
    },
  }),
  'DELETE /types/:id': {
    run(call) {
      requireAdmin('volume_extension:type_delete', call.caller)
      remove(call, findType(call, call.params.id!))
      return reply(202)
    },
  },
  'GET /types/:id/extra_specs': { run: (call) => ({ extra_specs: visibleSpecs(call, findType(call, call.params.id!)) }) },
  'POST /types/:id/extra_specs': operation({
    body: shapes.newExtraSpecs,
    run(call, body: { extra_specs: Record<string, string | null> }) {
      requireAdmin('volume_extension:types_extra_specs:create', call.caller)
      setSpecs(call, body.extra_specs)
      return body
    },
  }),
  'GET /types/:id/extra_specs/:key': {
    run(call) {
      const { id, key } = call.params
      const value = visibleSpecs(call, findType(call, id!))[key!]
      if (value === undefined) throw noSpec(id!, key!)
      return { [key!]: value }
    },
  },
  'PUT /types/:id/extra_specs/:key': operation({
    body: shapes.oneExtraSpec,
    run(call, body: Record<string, string | null>) {
      requireAdmin('volume_extension:types_extra_specs:update', call.caller)
      if (!Object.hasOwn(body, call.params.key!)) throw badRequest('Request body and URI mismatch')
      setSpecs(call, body)
      return body
    },
  }),
  'DELETE /types/:id/extra_specs/:key': {
    run(call) {
      const type = findType(call, call.params.id!)
      requireAdmin('volume_extension:types_extra_specs:delete', call.caller)
      refuseInUse(call, type)
      const { [call.params.key!]: gone, ...others } = type.extra_specs
      if (gone === undefined) throw noSpec(type.id, call.params.key!)
      change(call, type, { extra_specs: others })
      return reply(202)
    },
  },
  'GET /types/:id/encryption': {
    run(call) {
      requireAdmin('volume_extension:volume_type_encryption:get', call.caller)
      findType(call, call.params.id!)
      return {}
    },
  },
  'GET /types/:id/os-volume-type-access': {
    run(call) {
      requireAdmin('volume_extension:volume_type_access:get_all_for_type', call.caller)
      const type = findType(call, call.params.id!)
      if (type.is_public) throw notFound('Access list not available for public volume types.')
      return { volume_type_access: type.projects.map((project_id) => ({ volume_type_id: type.id, project_id })) }
    },
  },
  'GET /default-types': {
    since: 62,
    run(call) {
      requireAdmin('volume_extension:default_get_all', call.caller)
      return { default_types: call.store.defaultTypes.all().map(defaultView) }
    },
  },
  'GET /default-types/:project': {
    since: 62,
    run(call) {
      requireAdmin('volume_extension:default_get', call.caller)
      const found = call.store.defaultTypes.get(call.params.project!)
      if (!found) throw notFound(`Default type for project ${call.params.project} not found.`)
      return { default_type: defaultView(found) }
    },
  },
  'PUT /default-types/:project': operation({
    since: 62,
    body: shapes.defaultType,
    run(call, sent: { default_type: { volume_type: string } }) {
      requireAdmin('volume_extension:default_set_or_update', call.caller)
      const type = preferred(call, sent.default_type.volume_type)
      const set = { id: call.params.project!, volume_type_id: type.id }
      call.store.write(() => call.store.defaultTypes.put(set))
      return { default_type: defaultView(set) }
    },
  }),
  'DELETE /default-types/:project': {
    since: 62,
    run(call) {
      requireAdmin('volume_extension:default_unset', call.caller)
      call.store.write(() => call.store.defaultTypes.remove(call.params.project!))
    },
  },
}

export const typeActions: Actions = {
  'POST /types/:id/action': {
    addProjectAccess: operation({
      body: shapes.addProjectAccess,
      run(call, { addProjectAccess: { project } }: { addProjectAccess: { project: string } }) {
        requireAdmin('volume_extension:volume_type_access:addProjectAccess', call.caller)
        const type = privateType(call)
        if (type.projects.includes(project)) throw conflict(`Volume type access for ${type.id} / ${project} combination already exists.`)
        change(call, type, { projects: [...type.projects, project] })
        return reply(202)
      },
    }),
    removeProjectAccess: operation({
      body: shapes.removeProjectAccess,
      run(call, { removeProjectAccess: { project } }: { removeProjectAccess: { project: string } }) {
        requireAdmin('volume_extension:volume_type_access:removeProjectAccess', call.caller)
        const type = privateType(call)
        if (!type.projects.includes(project)) throw notFound(`Volume type access not found for ${type.id} / ${project} combination.`)
        change(call, type, { projects: type.projects.filter((each) => each !== project) })
        return reply(202)
      },
    }),
  },
}

/** Of a public type there is no list (cinder/volume/volume_types.py add_volume_type_access). */
function privateType(call: VolumeCall): VolumeType {
  const type = findType(call, call.params.id!)
  if (type.is_public) throw badRequest('Invalid volume type: Type access modification is not applicable to public volume type.')
  return type
}

/** 400, not 404, for a type that is not there. */
function preferred(call: VolumeCall, reference: string): VolumeType {
  try {
    return typeNamed(call, reference)
  } catch (error) {
    throw badRequest((error as Error).message)
  }
}

const defaultView = ({ id, volume_type_id }: { readonly id: string; readonly volume_type_id: string }) => ({
  project_id: id,
  volume_type_id,
})

/** What others than administrators see of extra specs (cinder/policies/type_extra_specs.py). */
const userVisible = ['RESKEY:availability_zones', 'multiattach', 'replication_enabled', 'cacheable']

function visibleSpecs({ caller }: VolumeCall, { extra_specs }: VolumeType): Record<string, string | null> {
  const shown = Object.entries(extra_specs).filter(([key]) => caller.isAdmin || userVisible.includes(key))
  return Object.fromEntries(shown)
}

/** As a type is shown that was just made or changed. */
const withoutQos = (call: VolumeCall, type: VolumeType) => ({
  id: type.id,
  name: type.name,
  is_public: type.is_public,
  description: type.description,
  extra_specs: visibleSpecs(call, type),
})

const base = (call: VolumeCall, type: VolumeType) => ({
  ...withoutQos(call, type),
  ...(call.caller.isAdmin && { qos_specs_id: type.qos_specs_id }),
})

const view = (call: VolumeCall, type: VolumeType) => ({ ...base(call, type), 'os-volume-type-access:is_public': type.is_public })

const columns: SortKeys<VolumeType> = {
  name: ({ name }) => name,
  description: ({ description }) => description,
  is_public: ({ is_public }) => is_public,
  qos_specs_id: ({ qos_specs_id }) => qos_specs_id,
  updated_at: ({ updated_at }) => updated_at,
}

function list(call: VolumeCall) {
  const { paging, filters } = pagingOf(call)
  if (call.minor >= 52) allowFilters(call, 'volume_type', filters)
  const isPublic = publicity(call, filters.get('is_public'))
  const specs = call.minor >= 52 && filters.has('extra_specs') ? dictionary(filters.get('extra_specs')!) : {}
  const found = visibleTypes(call).filter(
    (type) => (isPublic === undefined || type.is_public === isPublic) && specs !== undefined && hasAllOf(visibleSpecs(call, type), specs),
  )
  const page = pageOf(found, paging, columns, noType)
  return listOf(call, 'volume_types', page, {
    limit: paging.limit,
    view: (type) => view(call, type),
    path: 'types',
    links: 'volume_type_links',
  })
}

/** Administrators may ask for those that are not public, or for `none` of the distinction. */
function publicity({ caller }: VolumeCall, text: string | undefined): boolean | undefined {
  if (!caller.isAdmin) return undefined
  if (text === undefined) return true
  if (/^none$/i.test(text.trim())) return undefined
  if (/^(1|t|true|on|y|yes)$/i.test(text.trim())) return true
  if (/^(0|f|false|off|n|no)$/i.test(text.trim())) return false
  throw badRequest(`Invalid is_public filter [${text}]`)
}

function create({ store, clock, ids }: VolumeCall, sent: SentType): VolumeType {
  const name = sent.name
  if (store.types.by('name', name).length > 0) throw conflict(`Volume Type ${name} already exists.`)
  const access = sent['os-volume-type-access:is_public']
  return store.write(() =>
    store.types.put({
      id: ids.uuid(),
      name,
      description: sent.description ?? null,
      is_public: access === undefined ? true : truth(access),
      extra_specs: sent.extra_specs ?? {},
      qos_specs_id: null,
      projects: [],
      created_at: clock.now(),
      updated_at: null,
    }),
  )
}

export const change = ({ store, clock }: VolumeCall, type: VolumeType, changes: Partial<VolumeType>): VolumeType =>
  store.write(() => store.types.put({ ...type, ...changes, updated_at: clock.now() }))

function update(call: VolumeCall, sent: { name?: string | null; description?: string | null; is_public?: unknown }): VolumeType {
  const { name = null, description = null, is_public } = sent
  if (name !== null && name.trim() === '') throw badRequest('Volume type name can not be empty.')
  if (name === null && description === null && (is_public === undefined || is_public === null))
    throw badRequest('Specify volume type name, description, is_public or a combination thereof.')
  const type = findType(call, call.params.id!)
  if (name !== null && call.store.types.by('name', name).some(({ id }) => id !== type.id))
    throw conflict(`Volume Type ${name} already exists.`)
  return change(call, type, {
    ...(name !== null && { name }),
    ...(description !== null && { description }),
    ...(is_public !== undefined && { is_public: truth(is_public) }),
  })
}

/** 400 for a type that volumes have, that somebody gets without asking, or that is the last. */
function remove(call: VolumeCall, type: VolumeType): void {
  const { store } = call
  const preferredBy = store.defaultTypes.find(({ volume_type_id }) => volume_type_id === type.id)
  if (defaultType(call)?.id === type.id || preferredBy)
    throw badRequest(`The volume type ${type.id} is a default volume type and cannot be deleted.`)
  if (store.types.size === 1)
    throw badRequest(`The volume type ${type.id} is the only currently defined volume type and cannot be deleted.`)
  if (inUse(call, type)) throw badRequest('Target volume type is still in use.')
  store.write(() => store.types.remove(type.id))
}

const inUse = ({ store }: VolumeCall, { id }: VolumeType): boolean => store.volumes.by('volume_type_id', id).length > 0

function refuseInUse(call: VolumeCall, type: VolumeType): void {
  if (inUse(call, type)) throw badRequest('Volume Type is currently in use.')
}

function setSpecs(call: VolumeCall, specs: Readonly<Record<string, string | null>>): void {
  const type = findType(call, call.params.id!)
  refuseInUse(call, type)
  const extra_specs = { ...type.extra_specs, ...specs }
  if (extra_specs.multiattach === '<is> True' && extra_specs.cacheable === '<is> True')
    throw badRequest('cacheable cannot be set with multiattach.')
  change(call, type, { extra_specs })
}

const noSpec = (id: string, key: string) => fault(404, `Volume Type ${id} has no extra specs with key ${key}.`)
