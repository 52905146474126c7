/** Live migrations of servers that are under way: /servers/:server_id/migrations. */
import { Fault } from '../../../compute/faults.ts'
import { abortMigration, findMigration, forceComplete, migrationsUnderWay, underWay } from '../../../compute/servers/live-migrate.ts'
import type { Migration } from '../../../stores/cell/migrations.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import { isotime } from '../../spec/fields.ts'
import { type Call, nothing, op, plain, resource } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'
import { named } from './actions/action.ts'
import { ofProject, serverAbove } from './member.ts'

const member = { load: serverAbove, target: ofProject } as const

/** The keys are always there; who may not see hosts is told null. nova/api/openstack/compute/server_migrations.py output */
function shown({ at }: Call, migration: Migration, withHosts: boolean): object {
  const host = (value: string | null) => (withHosts ? value : null)
  return {
    created_at: isotime(migration.createdAt),
    dest_compute: host(migration.destCompute),
    dest_host: host(migration.destHost),
    dest_node: host(migration.destNode),
    disk_processed_bytes: migration.diskProcessed,
    disk_remaining_bytes: migration.diskRemaining,
    disk_total_bytes: migration.diskTotal,
    id: migration.id,
    memory_processed_bytes: migration.memoryProcessed,
    memory_remaining_bytes: migration.memoryRemaining,
    memory_total_bytes: migration.memoryTotal,
    server_uuid: migration.instanceUuid,
    source_compute: host(migration.sourceCompute),
    source_node: host(migration.sourceNode),
    status: migration.status,
    updated_at: isotime(migration.updatedAt),
    ...(at('2.59') && { uuid: migration.uuid }),
    ...(at('2.80') && { user_id: migration.userId, project_id: migration.projectId }),
  }
}

/** Throws `missing` in the words of this collection, for one that is over as well. */
async function findUnderWay({ backends, params, member }: Call & { readonly member: Server }): Promise<Migration> {
  const { id, server_id: uuid } = params
  const found = await findMigration(backends, member, id!).catch((error: unknown) => {
    if (error instanceof Fault && error.kind === 'migrationNotFound')
      throw new Fault('missing', `In-progress live migration ${id} is not found for server ${uuid}.`)
    throw error
  })
  if (found.migrationType !== 'live-migration') throw new Fault('missing', `Migration ${id} for server ${uuid} is not live-migration.`)
  if (!underWay.includes(found.status ?? '')) throw new Fault('missing', `Live migration ${id} for server ${uuid} is not in progress.`)
  return found
}

export const serverMigrations = resource({
  'GET /servers/:server_id/migrations': op({
    ...member,
    since: '2.23',
    query: p.noParameters,
    rule: 'os_compute_api:servers:migrations:index',
    errors: [404],
    reply: plain(),
    async run(call) {
      const withHosts = call.can('os_compute_api:servers:migrations:index:host', ofProject(call))
      const found = await migrationsUnderWay(call.backends, call.member)
      return { migrations: found.map((migration) => shown(call, migration, withHosts)) }
    },
  }),
  'GET /servers/:server_id/migrations/:id': op({
    ...member,
    since: '2.23',
    query: p.noParameters,
    rule: 'os_compute_api:servers:migrations:show',
    errors: [404],
    reply: plain(),
    run: async (call) => ({ migration: shown(call, await findUnderWay(call), true) }),
  }),
  'DELETE /servers/:server_id/migrations/:id': op({
    ...member,
    since: '2.24',
    rule: 'os_compute_api:servers:migrations:delete',
    status: 202,
    errors: [400, 404, 409],
    reply: nothing,
    run: ({ backends, context, member, params, at }) => abortMigration(backends, context, member, params.id!, { queuedToo: at('2.65') }),
  }),
  'POST /servers/:server_id/migrations/:id/action force_complete': op({
    ...member,
    since: '2.22',
    body: named('force_complete', p.nothing),
    rule: 'os_compute_api:servers:migrations:force_complete',
    status: 202,
    errors: [400, 403, 404, 409],
    faults: { migrationNotFound: 400 },
    reply: nothing,
    run: ({ backends, context, member, params }) => forceComplete(backends, context, member, params.id!),
  }),
})
