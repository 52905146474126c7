/** Servers: lists and single ones. */
import { findServer } from '../../../compute/servers/find.ts'
import { listServers } from '../../../compute/servers/list.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import type { RuleName } from '../../policies.ts'
import { type Call, many, one, op, resource } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'
import type { Of } from '../../spec/shape.ts'
import { createServer } from './create.ts'
import { serverLoaders } from './extra.ts'
import { searchOf, searchQuery } from './search.ts'
import { brief, detail, shown } from './view.ts'

const pages = (collection: string) => ({ next: { collection, marker: (server: Server) => server.uuid } })

export const servers = resource({
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
    load: ({ backends, context, params, at }) => findServer(backends, context, params.id!, { partial: at('2.69') }),
    rule: 'os_compute_api:servers:show',
    target: ({ member }) => ({ project_id: member.projectId }),
    errors: [404],
    reply: one('server', shown),
    loaders: serverLoaders,
    run: ({ member }) => member,
  }),
})

function list(everyProjectRule: RuleName) {
  return async (call: Call & { query: Of<typeof searchQuery> }): Promise<Server[]> => {
    const search = searchOf(call, everyProjectRule)
    return search ? listServers(call.backends, call.context, search) : []
  }
}
