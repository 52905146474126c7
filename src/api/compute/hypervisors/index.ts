/** Hypervisors: /os-hypervisors. */
import { Fault } from '../../../compute/faults.ts'
import * as compute from '../../../compute/hypervisors.ts'
import { pageOf } from '../../serve/paging.ts'
import { last } from '../../serve/query.ts'
import { booleanFrom } from '../../serve/values.ts'
import type { View } from '../../spec/fields.ts'
import { type Call, type Loaders, many, one, op, plain, type Reply, resource } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'
import { type Of, query, many as several, single } from '../../spec/shape.ts'
import { integerId, isUuidLike } from '../ids.ts'
import { bare, brief, type Extra, full, withGuests } from './view.ts'

const withServers = { with_servers: single(p.boolean).since('2.53') }
const listQuery = query(
  {
    limit: [several(p.nonNegativeInteger).since('2.33').until('2.52'), single(p.nonNegativeInteger).since('2.53')],
    marker: [p.anyTexts.since('2.33').until('2.52'), single(p.text).since('2.53')],
    hypervisor_hostname_pattern: single(p.fqdn).since('2.53'),
    ...withServers,
  },
  { others: { until: '2.52' } },
)
const showQuery = query(withServers, { others: { until: '2.52' } })

type Hypervisor = compute.Hypervisor

const loaders = (wanted: (call: Call) => boolean): Loaders<Hypervisor> => ({
  guests: async (page, call) => (wanted(call) ? compute.guestsOf(call.backends, page) : undefined),
  uptimes: (page, { backends, context }) => compute.uptimesOf(backends, context, page),
})
const asked = loaders((call) => {
  const { with_servers } = (call as Call & { query: Of<typeof showQuery> }).query
  return call.at('2.53') && booleanFrom(with_servers?.at(-1) ?? false) === true
})

const nobody = () => ({})

const listing = (
  rule: 'os_compute_api:os-hypervisors:list' | 'os_compute_api:os-hypervisors:list-detail',
  collection: string,
  shown: View<Hypervisor, Extra>,
) =>
  op({
    query: listQuery,
    rule,
    target: nobody,
    errors: { '2.1': [], '2.33': [400], '2.53': [400, 404] },
    reply: (call) => pages(call, collection, shown),
    loaders: asked,
    run: list,
  })

/** No links where a pattern is asked for: such a list has no pages. */
function pages(
  call: Call & { query: Of<typeof listQuery> },
  collection: string,
  shown: View<Hypervisor, Extra>,
): Reply<readonly Hypervisor[]> {
  if (patternOf(call) !== undefined) return many('hypervisors', shown)
  const marker = (hypervisor: Hypervisor) => (call.at('2.53') ? hypervisor.uuid! : String(hypervisor.id))
  return many('hypervisors', shown, { next: { collection, since: '2.33', marker } })
}

const patternOf = ({ query, at }: Call & { query: Of<typeof listQuery> }) =>
  at('2.53') ? last(query, 'hypervisor_hostname_pattern') : undefined

export const hypervisors = resource({
  'GET /os-hypervisors': listing('os_compute_api:os-hypervisors:list', 'os-hypervisors', brief),
  'GET /os-hypervisors/detail': listing('os_compute_api:os-hypervisors:list-detail', 'os-hypervisors/detail', full),
  'GET /os-hypervisors/statistics': op({
    until: '2.87',
    query: p.anything as never,
    rule: 'os_compute_api:os-hypervisors:statistics',
    target: nobody,
    reply: plain(),
    run: async ({ backends }) => ({ hypervisor_statistics: await compute.hypervisorTotals(backends) }),
  }),
  'GET /os-hypervisors/:id': op({
    query: showQuery,
    rule: 'os_compute_api:os-hypervisors:show',
    target: nobody,
    errors: { '2.1': [404], '2.53': [400, 404] },
    reply: one('hypervisor', full),
    loaders: asked,
    run: find,
  }),
  'GET /os-hypervisors/:id/uptime': op({
    until: '2.87',
    query: p.anything as never,
    rule: 'os_compute_api:os-hypervisors:uptime',
    target: nobody,
    errors: [400, 404, 501],
    reply: plain(),
    run: uptime,
  }),
  'GET /os-hypervisors/:id/search': op({
    until: '2.52',
    query: p.anything as never,
    rule: 'os_compute_api:os-hypervisors:search',
    target: nobody,
    errors: [404],
    reply: many('hypervisors', bare),
    run: matching,
  }),
  'GET /os-hypervisors/:id/servers': op({
    until: '2.52',
    query: p.anything as never,
    rule: 'os_compute_api:os-hypervisors:servers',
    target: nobody,
    errors: [404],
    reply: many('hypervisors', withGuests),
    loaders: loaders(() => true),
    run: matching,
  }),
})

async function list(call: Call & { query: Of<typeof listQuery> }) {
  const { backends, query, at } = call
  if (!at('2.33')) return compute.listHypervisors(backends, {})
  const { limit, marker } = pageOf(query, backends.settings.api.maxLimit)
  const pattern = patternOf(call)
  if (pattern === undefined) return compute.listHypervisors(backends, { limit, marker })
  // A pattern cannot be paged. Nova means to say so, and says this
  if ('limit' in query || marker) throw new Fault('malformedRequest')
  return compute.matchingHypervisors(backends, pattern)
}

/** Unlike the lists these leave no host out (nova/api/openstack/compute/hypervisors.py search, servers). */
function matching({ backends, params }: Call) {
  return compute.matchingHypervisors(backends, params.id!, { allMapped: true })
}

/** A UUID from 2.53 on, a number before. */
function checkId({ params, at }: Call): string {
  const id = params.id!
  if (at('2.53')) {
    if (!isUuidLike(id)) throw new Fault('badRequest', `Invalid uuid ${id}`)
    return id
  }
  try {
    return String(integerId(id))
  } catch {
    throw new Fault('hypervisorNotFound', id)
  }
}

function find(call: Call) {
  return compute.findHypervisor(call.backends, checkId(call))
}

async function uptime(call: Call) {
  const hypervisor = await find(call)
  const { id, uuid, hypervisorHostname, up, service } = hypervisor
  return {
    hypervisor: {
      id: call.at('2.53') ? uuid : id,
      hypervisor_hostname: hypervisorHostname,
      state: up ? 'up' : 'down',
      status: service.disabled ? 'disabled' : 'enabled',
      uptime: await compute.uptimeOf(call.backends, call.context, hypervisor),
    },
  }
}
