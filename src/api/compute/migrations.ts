/** Migrations of all servers: /os-migrations. */
import { Fault } from '../../compute/faults.ts'
import * as compute from '../../compute/migrations.ts'
import type { Migration } from '../../stores/cell/migrations.ts'
import { pageOf } from '../serve/paging.ts'
import { last } from '../serve/query.ts'
import { storedTime } from '../serve/values.ts'
import { fields, view } from '../spec/fields.ts'
import { type Call, many, op, resource } from '../spec/operation.ts'
import * as p from '../spec/parameters.ts'
import { json, type Of, query, single } from '../spec/shape.ts'

const time = json<string>({ type: 'string', format: 'date-time' })
const listQuery = query(
  {
    hidden: p.anyTexts,
    host: p.anyTexts,
    instance_uuid: p.anyTexts,
    source_compute: p.anyTexts,
    status: p.anyTexts,
    migration_type: p.anyTexts,
    limit: single(p.nonNegativeInteger).since('2.59'),
    marker: single(p.text).since('2.59'),
    'changes-since': single(time).since('2.59'),
    'changes-before': single(time).since('2.66'),
    user_id: single(p.text).since('2.80'),
    project_id: single(p.text).since('2.80'),
  },
  { others: { until: '2.58' } },
)

/** `hosts` is whether the caller may see which they are. */
type Shown = Migration & { readonly hosts: boolean }

const running = new Set<string | null>(['queued', 'preparing', 'running', 'post-migrating'])
const kindOf = (r: Migration): string => r.migrationType ?? (r.oldInstanceTypeId === r.newInstanceTypeId ? 'migration' : 'resize')

const f = fields<Shown>()
const host = (get: (row: Shown) => string | null) => f.text((r) => (r.hosts ? get(r) : null))
const shown = view({
  id: f.integer((r: Shown) => r.id),
  uuid: f.uuid((r) => r.uuid).since('2.59'),
  source_compute: host((r) => r.sourceCompute),
  dest_compute: host((r) => r.destCompute),
  source_node: host((r) => r.sourceNode),
  dest_node: host((r) => r.destNode),
  dest_host: host((r) => r.destHost),
  old_instance_type_id: f.integer((r) => r.oldInstanceTypeId),
  new_instance_type_id: f.integer((r) => r.newInstanceTypeId),
  instance_uuid: f.uuid((r) => r.instanceUuid),
  status: f.text((r) => r.status),
  migration_type: f.text(kindOf).since('2.23'),
  // Only a live migration that is not over can be looked at by itself
  links: f
    .list((r, _, { links }) => {
      if (kindOf(r) !== 'live-migration' || !running.has(r.status)) return undefined
      const collection = `servers/${r.instanceUuid}/migrations`
      return [
        { rel: 'self', href: links.self(collection, String(r.id)) },
        { rel: 'bookmark', href: links.bookmark(collection, String(r.id)) },
      ]
    })
    .since('2.23'),
  user_id: f.text((r) => r.userId).since('2.80'),
  project_id: f.text((r) => r.projectId).since('2.80'),
  created_at: f.localTime((r) => r.createdAt),
  updated_at: f.localTime((r) => r.updatedAt),
})

export const migrations = resource({
  'GET /os-migrations': op({
    query: listQuery,
    rule: 'os_compute_api:os-migrations:index',
    errors: { '2.1': [], '2.59': [400] },
    reply: many('migrations', shown, { next: { collection: 'os-migrations', since: '2.59', marker: ({ uuid }) => uuid! } }),
    run: list,
  }),
})

async function list({ backends, context, query, at, can, authorize }: Call & { query: Of<typeof listQuery> }): Promise<Shown[]> {
  const text = (name: keyof Of<typeof listQuery>) => last(query, name)
  const projectId = text('project_id')
  if (!projectId || projectId !== context.projectId) authorize('os_compute_api:os-migrations:index:all_projects')
  const hosts = can('os_compute_api:os-migrations:index:host')
  const [changesSince, changesBefore] = [bound(text('changes-since')), bound(text('changes-before'))]
  if (changesSince && changesBefore && changesBefore < changesSince)
    throw new Fault('badRequest', 'The value of changes-since must be less than or equal to changes-before.')
  const filter = {
    status: text('status'),
    host: text('host'),
    sourceCompute: text('source_compute'),
    migrationType: text('migration_type'),
    hidden: hiddenBy(text('hidden')),
    instanceUuid: text('instance_uuid'),
    userId: text('user_id'),
    projectId,
    changesSince,
    changesBefore,
  }
  const found = at('2.59')
    ? await compute.pageOfMigrations(backends, filter, pageOf(query, backends.settings.api.maxLimit))
    : await compute.listMigrations(backends, filter)
  return found.filter(({ hidden }) => !hidden).map((migration) => ({ ...migration, hosts }))
}

/** With a fraction, since SQLite compares times as texts. */
function bound(text: string | undefined): string | undefined {
  const time = text === undefined ? undefined : storedTime(text)
  return time && (time.includes('.') ? time : `${time}.000000`)
}

/** A number as MariaDB reads it out of a text: Nova hands the text to the database as it is. */
const hiddenBy = (text: string | undefined): boolean | undefined => (text === undefined ? undefined : (Number.parseFloat(text) || 0) !== 0)
