/** Nova's services: /os-services. */
import { apiBinaries } from '../../../compute/availability-zones.ts'
import type { Backends } from '../../../compute/backends.ts'
import { Fault } from '../../../compute/faults.ts'
import { changeService, checkForcedUp, deleteService, type ServiceChanges } from '../../../compute/services/change.ts'
import { findService, serviceOn } from '../../../compute/services/find.ts'
import { isServing, listServices, type UnknownService, type ZonedService } from '../../../compute/services/list.ts'
import { last } from '../../serve/query.ts'
import { booleanFrom } from '../../serve/values.ts'
import { either, fields, view } from '../../spec/fields.ts'
import { type Call, many, nothing, op, plain, type Reply, resource } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'
import { json, type Of, object, query, words } from '../../spec/shape.ts'
import { integerId, isUuidLike } from '../ids.ts'

const listQuery = query({ host: p.anyTexts, binary: p.anyTexts }, { others: { until: '2.74' } })

const sized = json<string>({ type: 'string', minLength: 1, maxLength: 255 })
const byName = object(
  { host: p.fqdn, binary: sized, disabled_reason: sized, forced_down: p.boolean.since('2.11') },
  { required: ['host', 'binary'] },
)
const byUuid = object({ status: words(['enabled', 'disabled']), disabled_reason: sized, forced_down: p.boolean })

/** A service with whether it is up. */
type Shown = (ZonedService & { readonly up: boolean }) | UnknownService

const f = fields<ZonedService & { readonly up: boolean }>()
const known = view({
  binary: f.text((r: ZonedService & { readonly up: boolean }) => r.binary),
  host: f.text((r) => r.host),
  id: [f.integer((r) => r.id).until('2.52'), f.uuid((r) => r.uuid).since('2.53')],
  zone: f.text((r) => r.zone),
  status: f.text((r) => (r.disabled ? 'disabled' : 'enabled')),
  state: f.text((r) => (r.up ? 'up' : 'down')),
  updated_at: f.localTime((r) => r.updatedAt),
  disabled_reason: f.text((r) => r.disabledReason),
  forced_down: f.boolean((r) => Boolean(r.forcedDown)).since('2.11'),
})
const u = fields<UnknownService>()
/** A compute in a cell that does not answer. */
const unknown = view({
  binary: u.text((r: UnknownService) => r.binary),
  host: u.text((r) => r.host),
  status: u.text(() => 'UNKNOWN'),
})
const shown = either<Shown, Record<never, never>>((service) => 'unknown' in service, unknown as never, known as never)

const nobody = () => ({})

export const services = resource({
  'GET /os-services': op({
    query: listQuery,
    rule: 'os_compute_api:os-services:list',
    target: nobody,
    reply: many('services', shown),
    run: list,
  }),
  'PUT /os-services/:id': [
    op({
      until: '2.52',
      body: byName,
      rule: 'os_compute_api:os-services:update',
      target: nobody,
      errors: [400, 404],
      reply: plain(),
      run: changeByName,
    }),
    op({
      since: '2.53',
      body: byUuid,
      load: async ({ params }) => checkUuid(params.id!),
      rule: 'os_compute_api:os-services:update',
      target: nobody,
      errors: [400, 404],
      reply: { kind: 'one', key: 'service', view: known } as Reply<ZonedService & { readonly up: boolean }>,
      run: changeByUuid,
    }),
  ],
  'DELETE /os-services/:id': op({
    rule: 'os_compute_api:os-services:delete',
    target: nobody,
    status: 204,
    errors: [400, 404, 409],
    reply: nothing,
    run: remove,
  }),
})

const withState = (backends: Backends, service: ZonedService) => ({ ...service, up: isServing(backends, service) })

async function list({ backends, query, at }: Call & { query: Of<typeof listQuery> }): Promise<Shown[]> {
  const host = last(query, 'host')
  const binary = last(query, 'binary')
  const all = at('2.69') ? await listServices(backends, { unknown: true }) : await listServices(backends)
  return all
    .filter((service) => !apiBinaries.has(service.binary) && (!host || service.host === host) && (!binary || service.binary === binary))
    .map((service) => ('unknown' in service ? service : withState(backends, service)))
}

/** Until 2.52 the path names what to do, and the body the service. */
async function changeByName(call: Call & { body: Of<typeof byName> }) {
  const { backends, context, params, at, body } = call
  const { host, binary, disabled_reason: reason, forced_down } = body
  const answer = (values: object) => ({ service: { host, binary, ...values } })
  const change = async (values: ServiceChanges): Promise<void> => {
    if (binary !== 'nova-compute') throw new Fault('badRequest', notCompute(binary))
    await changeService(backends, context, await serviceOn(backends, host, binary), values)
  }
  switch (at('2.11') || params.id !== 'force-down' ? params.id : undefined) {
    case 'enable':
      await change({ disabled: false, disabledReason: null })
      return answer({ status: 'enabled' })
    case 'disable':
      await change({ disabled: true, disabledReason: null })
      return answer({ status: 'disabled' })
    case 'disable-log-reason':
      if (reason === undefined) throw new Fault('badRequest', 'Missing disabled reason field')
      await change({ disabled: true, disabledReason: reason })
      return answer({ status: 'disabled', disabled_reason: reason })
    case 'force-down': {
      if (forced_down === undefined) throw new Fault('badRequest', 'Missing forced_down field')
      const forcedDown = booleanFrom(forced_down) ?? false
      // nova/api/openstack/compute/services.py _check_for_evacuations: here no cell has been chosen yet, so [database] connection is looked at, often cell0's
      if (binary === 'nova-compute' && !forcedDown) await checkForcedUp(await backends.main(), host)
      await change({ forcedDown })
      return answer({ forced_down: forcedDown })
    }
    default:
      throw new Fault('missing', 'Unknown action')
  }
}

const notCompute = (binary: string) => `Updating a ${binary} service is not supported. Only nova-compute services can be updated.`

function checkUuid(id: string): undefined {
  if (!isUuidLike(id)) throw new Fault('badRequest', `Invalid uuid ${id}`)
}

async function changeByUuid({ backends, context, params, body }: Call & { body: Of<typeof byUuid> }) {
  const placed = await findService(backends, params.id!)
  const { binary, host } = placed.service
  if (binary !== 'nova-compute') throw new Fault('badRequest', notCompute(binary!))
  const { status, disabled_reason: reason, forced_down } = body
  if (status === 'enabled' && reason) throw new Fault('badRequest', "Specifying 'disabled_reason' with status 'enabled' is invalid.")
  const forcedDown = forced_down === undefined ? undefined : booleanFrom(forced_down)!
  if (forcedDown === false) await checkForcedUp(placed.cell, host!)
  const changes = {
    ...(status && { disabled: status === 'disabled', disabledReason: reason ?? null }),
    ...(forcedDown !== undefined && { forcedDown }),
  }
  if (Object.keys(changes).length === 0)
    throw new Fault('badRequest', "No updates were requested. Fields 'status' or 'forced_down' should be specified.")
  return withState(backends, await changeService(backends, context, placed, changes))
}

async function remove({ backends, context, params, at }: Call): Promise<void> {
  if (at('2.53')) checkUuid(params.id!)
  const id = at('2.53') ? params.id! : integerId(params.id!)
  try {
    await deleteService(backends, context, await findService(backends, id))
  } catch (error) {
    // The words of this operation alone
    if (error instanceof Fault && error.kind === 'serviceNotFound') throw new Fault('missing', `Service ${params.id} not found.`)
    throw error
  }
}
