/** PUT /servers/:id and DELETE /servers/:id. */
import { deleteServer } from '../../../compute/servers/delete.ts'
import { updateServer } from '../../../compute/servers/update.ts'
import { shortestIpv6 } from '../../../oslo/objects/fields.ts'
import { nothing, one, op, resource } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'
import { object } from '../../spec/shape.ts'
import { serverLoaders } from './extra.ts'
import { serverOfAction } from './member.ts'
import { updated } from './view.ts'

const updateBody = object(
  {
    server: object({
      name: [p.nameWithSpaces.until('2.0'), p.name.since('2.1')],
      'OS-DCF:diskConfig': p.diskConfig,
      accessIPv4: p.ipv4,
      accessIPv6: p.ipv6,
      description: p.description.since('2.19'),
      hostname: [p.hostname.since('2.90').until('2.93'), p.fqdn.since('2.94')],
    }),
  },
  { required: ['server'] },
)

export const serverChanges = resource({
  'PUT /servers/:id': op({
    body: updateBody,
    load: serverOfAction,
    rule: 'os_compute_api:servers:update',
    errors: [404],
    reply: one('server', updated),
    loaders: serverLoaders,
    run({ backends, context, member, body }) {
      const { name, description, hostname, accessIPv4, accessIPv6, 'OS-DCF:diskConfig': diskConfig } = body.server
      return updateServer(backends, context, member, {
        ...(name !== undefined && { displayName: name.trim() }),
        ...(description !== undefined && { displayDescription: description }),
        ...(hostname !== undefined && { hostname }),
        ...(diskConfig !== undefined && { autoDiskConfig: diskConfig === 'AUTO' }),
        ...(accessIPv4 !== undefined && { accessIpV4: accessIPv4 }),
        ...(accessIPv6 !== undefined && { accessIpV6: shortestIpv6(accessIPv6) }),
      })
    },
  }),
  'DELETE /servers/:id': op({
    load: serverOfAction,
    rule: 'os_compute_api:servers:delete',
    status: 204,
    errors: [404, 409],
    reply: nothing,
    run: ({ backends, context, member }) => deleteServer(backends, context, member),
  }),
})
