/** What projects used: /os-simple-tenant-usage. */
import { Fault } from '../../compute/faults.ts'
import { byProject, type ProjectUse, type ServerUse, type Span, serverUse } from '../../compute/usage.ts'
import { linksOf } from '../serve/links.ts'
import { pageOf } from '../serve/paging.ts'
import { isotime } from '../spec/fields.ts'
import { type Call, op, plain, resource } from '../spec/operation.ts'
import * as p from '../spec/parameters.ts'
import { type Of, query, many as several } from '../spec/shape.ts'
import { parsedTime } from './times.ts'

const span = { start: p.anyTexts, end: p.anyTexts }
const pages = { limit: several(p.nonNegativeInteger).since('2.40'), marker: p.anyTexts.since('2.40') }
const listQuery = query({ ...span, detailed: p.anyTexts, ...pages }, { others: { until: '2.74' } })
const showQuery = query({ ...span, ...pages }, { others: { until: '2.74' } })

export const usage = resource({
  'GET /os-simple-tenant-usage': op({
    query: listQuery,
    rule: 'os_compute_api:os-simple-tenant-usage:list',
    errors: [400],
    reply: plain(),
    run: list,
  }),
  'GET /os-simple-tenant-usage/:id': op({
    query: showQuery,
    rule: 'os_compute_api:os-simple-tenant-usage:show',
    target: ({ params }) => ({ project_id: params.id }),
    errors: [400],
    reply: plain(),
    run: show,
  }),
})

type Asked = Call & { query: Of<typeof showQuery> & { detailed?: string[] } }

async function list(call: Asked) {
  const { period, servers, links } = await found(call, 'os-simple-tenant-usage')
  const detailed = firstOf(call.query.detailed) === '1'
  return {
    tenant_usages: byProject(servers).map((project) => shown(project, period, detailed)),
    ...(links && { tenant_usages_links: links }),
  }
}

async function show(call: Asked) {
  const { id } = call.params
  const { period, servers, links } = await found(call, `os-simple-tenant-usage/${id}`, id)
  const [project] = byProject(servers)
  return { tenant_usage: project ? shown(project, period, true) : {}, ...(links && { tenant_usage_links: links }) }
}

async function found(call: Asked, collection: string, projectId?: string) {
  const { backends, query, at } = call
  const { maxLimit } = backends.settings.api
  const period = periodOf(call)
  const page = at('2.40') ? pageOf(query, maxLimit) : { limit: maxLimit, marker: undefined }
  const servers = await serverUse(backends, period, { ...page, projectId })
  return { period, servers, links: at('2.40') ? nextLinks(call, collection, servers, page.limit) : undefined }
}

/** The first that says something (Python's parse_qs drops empty values). */
const firstOf = (values: readonly string[] | undefined): string | undefined => values?.find((value) => value !== '')

/** From `start` to `end`, each now when it is not said, and not beyond now. */
function periodOf({ backends, query }: Asked): Span {
  const now = backends.clock.now()
  const [start, end] = [firstOf(query.start), firstOf(query.end)].map((text) => (text === undefined ? undefined : timeOf(text)))
  // Without either the span is the moment between two looks at the clock
  if ((start !== undefined || end !== undefined) && (start ?? now) >= (end ?? now))
    throw new Fault('badRequest', 'Invalid start time. The start time cannot occur after the end time.')
  return { start: start ?? now, stop: Math.min(end ?? now, now) }
}

function timeOf(text: string): number {
  const time = parsedTime(text, { between: 'T', fraction: 'maybe' }) ?? parsedTime(text, { between: ' ', fraction: 'must' })
  if (time === undefined) throw new Fault('badRequest', 'Invalid datetime string: Datetime is in invalid format')
  return time
}

function nextLinks({ request, context, query, backends }: Asked, collection: string, servers: readonly ServerUse[], limit: number) {
  if (limit === 0 || servers.length < limit) return undefined
  const links = linksOf({ request, query, projectId: context.projectId, prefix: backends.settings.api.computeLinkPrefix })
  return [{ rel: 'next', href: links.next(collection, servers.at(-1)!.uuid) }]
}

/** In microseconds, as it was asked for. */
function moment(milliseconds: number): string {
  const second = Math.floor(milliseconds / 1000) * 1000
  const microseconds = Math.round((milliseconds - second) * 1000)
  return `${new Date(second).toISOString().slice(0, 19)}.${String(microseconds).padStart(6, '0')}`
}

const shown = (project: ProjectUse, { start, stop }: Span, detailed: boolean) => ({
  tenant_id: project.projectId,
  ...(detailed && { server_usages: project.servers.map(server) }),
  total_local_gb_usage: project.localGbHours,
  total_vcpus_usage: project.vcpuHours,
  total_memory_mb_usage: project.memoryMbHours,
  total_hours: project.hours,
  start: moment(start),
  stop: moment(stop),
})

const server = (use: ServerUse) => ({
  hours: use.hours,
  flavor: use.flavorName,
  instance_id: use.uuid,
  name: use.name,
  tenant_id: use.projectId,
  memory_mb: use.memoryMb,
  local_gb: use.localGb,
  vcpus: use.vcpus,
  started_at: isotime(use.launchedAt),
  ended_at: use.terminatedAt === null ? null : isotime(use.terminatedAt),
  state: use.terminatedAt === null ? use.vmState : 'terminated',
  uptime: use.uptime,
})
