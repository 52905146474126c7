/** Hosts: /os-hosts, until 2.42. */
import { apiBinaries } from '../../compute/availability-zones.ts'
import * as compute from '../../compute/host-actions.ts'
import { listServices } from '../../compute/services/list.ts'
import { last } from '../serve/query.ts'
import { type Call, op, plain, resource } from '../spec/operation.ts'
import * as p from '../spec/parameters.ts'
import { type Of, object, query, words } from '../spec/shape.ts'

const listQuery = query({ zone: p.anyTexts }, { others: true })
const onOff = words(['enable', 'disable', 'Enable', 'Disable', 'ENABLE', 'DISABLE'])
const updateBody = object(
  { status: onOff, maintenance_mode: onOff },
  {
    rules: { anyOf: [{ required: ['status'] }, { required: ['maintenance_mode'] }] },
    order: ['type', 'properties', 'anyOf', 'additionalProperties'],
  },
)

const nobody = () => ({})

const power = (
  rule: 'os_compute_api:os-hosts:start' | 'os_compute_api:os-hosts:shutdown' | 'os_compute_api:os-hosts:reboot',
  action: compute.PowerAction,
) =>
  op({
    until: '2.42',
    query: p.anything as never,
    rule,
    target: nobody,
    errors: [400, 404, 501],
    faults: { computeHostNotFound: 404 },
    reply: plain(),
    run: async ({ backends, context, params }: Call) => ({
      host: params.id!,
      power_action: await compute.powerHost(backends, context, params.id!, action),
    }),
  })

export const hosts = resource({
  'GET /os-hosts': op({
    until: '2.42',
    query: listQuery,
    rule: 'os_compute_api:os-hosts:list',
    target: nobody,
    reply: plain(),
    run: list,
  }),
  'GET /os-hosts/:id': op({
    until: '2.42',
    query: p.anything as never,
    rule: 'os_compute_api:os-hosts:show',
    target: nobody,
    errors: [404],
    faults: { computeHostNotFound: 404 },
    reply: plain(),
    run: show,
  }),
  'PUT /os-hosts/:id': op({
    until: '2.42',
    body: updateBody,
    rule: 'os_compute_api:os-hosts:update',
    target: nobody,
    errors: [400, 404, 501],
    faults: { computeHostNotFound: 404 },
    reply: plain(),
    run: update,
  }),
  'GET /os-hosts/:id/startup': power('os_compute_api:os-hosts:start', 'startup'),
  'GET /os-hosts/:id/shutdown': power('os_compute_api:os-hosts:shutdown', 'shutdown'),
  'GET /os-hosts/:id/reboot': power('os_compute_api:os-hosts:reboot', 'reboot'),
})

async function list({ backends, query }: Call & { query: Of<typeof listQuery> }) {
  const zone = last(query, 'zone')
  const services = (await listServices(backends)).filter(
    (service) => !service.disabled && !apiBinaries.has(service.binary) && (!zone || service.zone === zone),
  )
  return { hosts: services.map((service) => ({ host_name: service.host, service: service.topic, zone: service.zone })) }
}

async function show({ backends, params }: Call) {
  const host = params.id!
  const { node, shares } = await compute.hostUse(backends, host)
  const line = (project: string | null, cpu: number, memoryMb: number, diskGb: number) => ({
    resource: { host, project, cpu, memory_mb: memoryMb, disk_gb: diskGb },
  })
  const sum = (of: 'vcpus' | 'memoryMb' | 'diskGb') => shares.reduce((total, share) => total + share[of], 0)
  return {
    host: [
      line('(total)', node.vcpus, node.memoryMb, node.localGb),
      line('(used_now)', node.vcpusUsed, node.memoryMbUsed, node.localGbUsed),
      line('(used_max)', sum('vcpus'), sum('memoryMb'), sum('diskGb')),
      ...shares.map(({ projectId, vcpus, memoryMb, diskGb }) => line(projectId, vcpus, memoryMb, diskGb)),
    ],
  }
}

async function update({ backends, context, params, body }: Call & { body: Of<typeof updateBody> }) {
  const host = params.id!
  const on = (word: string) => word.toLowerCase() === 'enable'
  const { status, maintenance_mode: mode } = body
  return {
    host,
    ...(status !== undefined && { status: await compute.enableHost(backends, context, host, on(status)) }),
    ...(mode !== undefined && { maintenance_mode: await compute.maintainHost(backends, context, host, on(mode)) }),
  }
}
