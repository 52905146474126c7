/** `/v2.0/ports/:id/bindings`: the bindings that wait while a server moves (binding-extended). neutron/plugins/ml2/plugin.py create_port_binding, activate */
import { type AuthenticatedCall, type Routes, reply } from '../service.ts'
import { type Attributes, createValues, updateValues } from './attributes.ts'
import { activeBinding, bind, rebound, unbound, vnicTypes, type BindingWish as Wish } from './binding.ts'
import { dictionary, oneOf, orNull, text } from './checks.ts'
import type { Binding, Port } from './documents.ts'
import { fault } from './faults.ts'
import { allowed, enforce } from './policy.ts'
import { changePort } from './port-lifecycle.ts'
import { ownedBy } from './resource.ts'
import type { Neutron, Operation } from './state.ts'

const attributes: Attributes<Binding> = {
  host: { post: true, put: true, check: text(255) },
  vif_type: {},
  vif_details: {},
  vnic_type: { post: true, put: true, default: 'normal', check: oneOf(vnicTypes) },
  profile: { post: true, put: true, default: undefined, convert: (value) => value ?? {}, check: orNull(dictionary) },
  status: {},
}
const shape = { name: 'binding', attributes } as const

/** For Nova's live migration. */
export const bindingRoutes = (neutron: Neutron): Routes => ({
  'GET /v2.0/ports/:id/bindings': (call) => {
    const port = portOf(neutron, call)
    const seen = allowed('get_port_binding', {}, { neutron, caller: call.caller })
    const wanted = [...new Set(call.query.keys())].filter((key) => Object.hasOwn(attributes, key))
    const matches = (binding: Binding) => wanted.every((key) => call.query.getAll(key).includes(String(binding[key as keyof Binding])))
    return { bindings: seen ? port.bindings.filter(matches) : [] }
  },
  'GET /v2.0/ports/:id/bindings/:host': (call) => {
    const port = portOf(neutron, call)
    const binding = bindingOf(port, call.params.host!)
    if (!allowed('get_port_binding', {}, { neutron, caller: call.caller })) throw fault('HTTPNotFound')
    return { binding }
  },
  'POST /v2.0/ports/:id/bindings': (call) => {
    const operation = { neutron, caller: call.caller }
    const { items } = createValues(shape, call.body, call.caller)
    enforce('create_port_binding', {}, operation)
    return neutron.store.write(() => reply(201, { binding: addBinding(portOf(neutron, call), items[0] as Wish, operation) }))
  },
  'PUT /v2.0/ports/:id/bindings/:host': (call) => {
    const operation = { neutron, caller: call.caller }
    const values = updateValues(shape, call.body, call.caller)
    enforce('update_port_binding', {}, operation)
    return neutron.store.write(() => ({ binding: changeBinding(portOf(neutron, call), call.params.host!, values as Wish, neutron) }))
  },
  'PUT /v2.0/ports/:id/bindings/:host/activate': (call) => {
    enforce('activate', {}, { neutron, caller: call.caller })
    return neutron.store.write(() => activate(portOf(neutron, call), call.params.host!, neutron))
  },
  'DELETE /v2.0/ports/:id/bindings/:host': (call) => {
    enforce('delete_port_binding', {}, { neutron, caller: call.caller })
    const port = portOf(neutron, call)
    const gone = bindingOf(port, call.params.host!)
    neutron.store.write(() => changePort(neutron, port, { bindings: port.bindings.filter((binding) => binding !== gone) }))
  },
})

function portOf(neutron: Neutron, { caller, params }: AuthenticatedCall): Port {
  const port = neutron.store.ports.get(params.id!)
  if (!port || !ownedBy(port, { neutron, caller })) throw fault('PortNotFound', params.id!)
  if (!/^(compute:|manila:)/.test(port.device_owner))
    throw fault('BadRequest', 'port', `Invalid port ${port.id}. Operation only valid on compute and shared filesystem ports`)
  return port
}

function bindingOf(port: Port, host: string): Binding {
  const binding = port.bindings.find((one) => one.host === host)
  if (!binding) throw fault('PortBindingNotFound', port.id, host)
  return binding
}

function addBinding(port: Port, { host = '', vnic_type = 'normal', profile = {} }: Wish, { neutron }: Operation): Binding {
  if (port.bindings.some((one) => one.host === host)) throw fault('PortBindingAlreadyExists', port.id, host)
  const active = port.bindings.some(({ status }) => status === 'ACTIVE')
  const binding = bind({ ...unbound, host, vnic_type, profile, status: active ? 'INACTIVE' : 'ACTIVE' })
  changePort(neutron, port, { bindings: [...port.bindings, binding], ...(!active && { status: 'ACTIVE' }) })
  return binding
}

function changeBinding(port: Port, host: string, wish: Wish, neutron: Neutron): Binding {
  const before = bindingOf(port, host)
  const after = rebound(before, wish)
  if (after === before) return before
  const bindings = port.bindings.map((one) => (one === before ? after : one))
  const isActive = after.status === 'ACTIVE'
  changePort(neutron, port, { bindings, ...(isActive && { status: after.host ? 'ACTIVE' : 'DOWN' }) }, isActive)
  return after
}

/** The waiting binding becomes the one in force; the former one waits unbound. */
function activate(port: Port, host: string, neutron: Neutron): Binding {
  if (activeBinding(port).host === host) throw fault('PortBindingAlreadyActive', port.id, host)
  const next: Binding = { ...bindingOf(port, host), status: 'ACTIVE' }
  const bindings = port.bindings.map((one): Binding => (one.host === host ? next : { ...one, ...unbound, status: 'INACTIVE' }))
  changePort(neutron, port, { bindings, status: 'ACTIVE' }, true)
  return next
}
