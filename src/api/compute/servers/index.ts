/** Servers: lists, single ones, and everything below them. */
import { findServer } from '../../../compute/servers/find.ts'
import { listServers } from '../../../compute/servers/list.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import type { RuleName } from '../../policies.ts'
import { type Call, many, one, op, type Resource, resource } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'
import type { Of } from '../../spec/shape.ts'
import { serverActions } from './actions/index.ts'
import { aliasOf } from './alias.ts'
import { createServer } from './create.ts'
import { serverDetails } from './details.ts'
import { serverLoaders } from './extra.ts'
import { instanceActions } from './instance-actions.ts'
import { interfaces } from './interfaces.ts'
import { ips } from './ips.ts'
import { serverMetadata } from './metadata.ts'
import { serverMigrations } from './migrations.ts'
import { remoteConsoles } from './remote-consoles.ts'
import { searchOf, searchQuery } from './search.ts'
import { serverShares } from './shares.ts'
import { serverTags } from './tags.ts'
import { serverChanges } from './update.ts'
import { brief, detail, shown } from './view.ts'
import { volumeAttachments } from './volume-attachments.ts'

const pages = (collection: string) => ({ next: { collection, marker: (server: Server) => server.uuid } })

const own = resource({
  'GET /servers': op({
    query: searchQuery,
    rule: 'os_compute_api:servers:index',
    errors: [400, 403],
    reply: many('servers', brief, pages('servers')),
    loaders: serverLoaders,
    run: list('os_compute_api:servers:index:get_all_tenants'),
  }),
  'POST /servers': createServer,
  'GET /servers/detail': op({
    query: searchQuery,
    rule: 'os_compute_api:servers:detail',
    errors: [400, 403],
    reply: many('servers', detail, pages('servers/detail')),
    loaders: serverLoaders,
    run: list('os_compute_api:servers:detail:get_all_tenants'),
  }),
  'GET /servers/:id': op({
    query: p.noParameters,
    load: ({ backends, context, params, at }) =>
      findServer(backends, context, params.id!, { whole: true, partial: at('2.69'), ruleFollows: true }),
    rule: 'os_compute_api:servers:show',
    target: ({ member }) => ({ project_id: member.projectId }),
    errors: [404],
    reply: one('server', shown),
    loaders: serverLoaders,
    run: ({ member }) => member,
  }),
  ...serverChanges,
  ...serverActions,
  ...serverMetadata,
  ...serverTags,
  ...ips,
  ...instanceActions,
  ...serverDetails,
  ...remoteConsoles,
  ...serverMigrations,
  ...serverShares,
  ...interfaces,
  ...volumeAttachments,
})

export const servers: Resource = { ...own, ...aliasOf(own) }

function list(everyProjectRule: RuleName) {
  return async (call: Call & { query: Of<typeof searchQuery> }): Promise<Server[]> => {
    const search = searchOf(call, everyProjectRule)
    return search ? listServers(call.backends, call.context, search) : []
  }
}
