/** /qos-specs: limits that go to the host with a connection, and the types that have them (cinder/api/contrib/qos_specs_manage.py). */
import { reply } from '../service.ts'
import type { Metadata, QosSpecs } from './documents.ts'
import { badRequest, conflict, notFound } from './faults.ts'
import { linksTo } from './links.ts'
import { listOf, pageOf, pagingOf, type SortKeys } from './listing.ts'
import { type Operations, operation } from './operation.ts'
import { requireAdmin } from './rules.ts'
import * as shapes from './shapes.ts'
import { truth, type VolumeCall } from './state.ts'
import { change } from './type-routes.ts'
import { findType } from './types.ts'

const rule = (action: string): string => `volume_extension:qos_specs_manage:${action}`
const consumers = ['front-end', 'back-end', 'both']

function found({ store, params }: VolumeCall): QosSpecs {
  const specs = store.qosSpecs.get(params.id!)
  if (!specs) throw notFound(`No such QoS spec ${params.id}.`)
  return specs
}

const summary = ({ id, name, consumer, specs }: QosSpecs) => ({ id, name, consumer, specs })
const detail = (call: VolumeCall, specs: QosSpecs) => ({ qos_specs: summary(specs), links: linksTo(call, 'qos-specs', specs.id) })
const columns: SortKeys<QosSpecs> = { name: ({ name }) => name, consumer: ({ consumer }) => consumer }

export const qos: Operations = {
  'GET /qos-specs': {
    run(call) {
      requireAdmin(rule('get_all'), call.caller)
      const { paging, filters } = pagingOf(call)
      const wanted = call.store.qosSpecs.filter((specs) =>
        (['id', 'name', 'consumer'] as const).every((key) => !filters.has(key) || filters.get(key) === specs[key]),
      )
      const page = pageOf(wanted, paging, columns, (id) => notFound(`No such QoS spec ${id}.`))
      return listOf(call, 'qos_specs', page, { limit: paging.limit, view: summary, path: 'qos-specs' })
    },
  },
  'POST /qos-specs': operation({
    body: shapes.newQos,
    run(call, { qos_specs: sent }: { qos_specs: Record<string, unknown> }) {
      requireAdmin(rule('create'), call.caller)
      return detail(call, create(call, sent))
    },
  }),
  'GET /qos-specs/:id': {
    run(call) {
      requireAdmin(rule('get'), call.caller)
      return detail(call, found(call))
    },
  },
  'PUT /qos-specs/:id': operation({
    body: shapes.changedQos,
    run(call, body: { qos_specs: Metadata }) {
      requireAdmin(rule('update'), call.caller)
      const { consumer, ...specs } = body.qos_specs
      const before = found(call)
      if (consumer !== undefined) checkConsumer(consumer)
      call.store.write(() =>
        call.store.qosSpecs.put({ ...before, consumer: consumer ?? before.consumer, specs: { ...before.specs, ...specs } }),
      )
      return body
    },
  }),
  'PUT /qos-specs/:id/delete_keys': operation({
    body: shapes.qosKeys,
    run(call, { keys }: { keys: string[] }) {
      requireAdmin(rule('delete'), call.caller)
      const before = found(call)
      const missing = keys.find((key) => !Object.hasOwn(before.specs, key))
      if (missing !== undefined) throw notFound(`QoS spec ${before.id} has no spec with key ${missing}.`)
      const specs = Object.fromEntries(Object.entries(before.specs).filter(([key]) => !keys.includes(key)))
      call.store.write(() => call.store.qosSpecs.put({ ...before, specs }))
      return reply(202)
    },
  }),
  'DELETE /qos-specs/:id': { run: remove },
  'GET /qos-specs/:id/associations': {
    run(call) {
      requireAdmin(rule('get_all'), call.caller)
      const qos_associations = typesWith(call, found(call)).map(({ id, name }) => ({ association_type: 'volume_type', name, id }))
      return { qos_associations }
    },
  },
  'GET /qos-specs/:id/associate': {
    run(call) {
      requireAdmin(rule('update'), call.caller)
      const { id } = found(call)
      change(call, typeAsked(call), { qos_specs_id: id })
      return reply(202)
    },
  },
  'GET /qos-specs/:id/disassociate': {
    run(call) {
      requireAdmin(rule('update'), call.caller)
      found(call)
      change(call, typeAsked(call), { qos_specs_id: null })
      return reply(202)
    },
  },
  'GET /qos-specs/:id/disassociate_all': {
    run(call) {
      requireAdmin(rule('update'), call.caller)
      const specs = found(call)
      call.store.write(() => {
        for (const type of typesWith(call, specs)) change(call, type, { qos_specs_id: null })
      })
      return reply(202)
    },
  },
}

const typesWith = ({ store }: VolumeCall, { id }: QosSpecs) => store.types.filter(({ qos_specs_id }) => qos_specs_id === id)

function typeAsked(call: VolumeCall) {
  const id = call.query.get('vol_type_id')
  if (!id) throw badRequest('Volume Type id must not be None.')
  return findType(call, id)
}

function checkConsumer(consumer: string): void {
  if (!consumers.includes(consumer))
    throw badRequest(`Invalid qos specs: Valid consumer of QoS specs are: [${consumers.map((each) => `'${each}'`).join(', ')}]`)
}

function create({ store, ids, clock }: VolumeCall, { name, consumer = 'back-end', ...specs }: Record<string, unknown>): QosSpecs {
  const trimmed = String(name).trim()
  checkConsumer(String(consumer))
  if (store.qosSpecs.by('name', trimmed).length > 0) throw conflict(`QoS Specs ${trimmed} already exists.`)
  const texts = Object.fromEntries(Object.entries(specs).map(([key, value]) => [key, String(value)]))
  return store.write(() =>
    store.qosSpecs.put({ id: ids.uuid(), name: trimmed, consumer: String(consumer), specs: texts, created_at: clock.now() }),
  )
}

function remove(call: VolumeCall) {
  requireAdmin(rule('delete'), call.caller)
  const specs = found(call)
  const types = typesWith(call, specs)
  if (types.length > 0 && !truth(call.query.get('force'))) throw badRequest('Qos specs still in use.')
  call.store.write(() => {
    for (const type of types) change(call, type, { qos_specs_id: null })
    call.store.qosSpecs.remove(specs.id)
  })
  return reply(202)
}
