/** What else is told of a server: its password, diagnostics, security groups and topology. */
import { commonDiagnosticsOf, diagnosticsOf } from '../../../compute/servers/diagnostics.ts'
import { forgetPassword, storedPassword } from '../../../compute/servers/password.ts'
import { groupsById, groupsOfServer } from '../../../compute/servers/security-groups.ts'
import { topologyOf } from '../../../compute/servers/topology.ts'
import { nothing, op, plain, resource } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'
import { diagnosticsShown, topologyShown } from './details-view.ts'
import { ofProject, serverAbove } from './member.ts'
import { groupShown, remoteGroups } from './security-group-view.ts'

const member = { query: p.noParameters, load: serverAbove, target: ofProject, errors: [404], reply: plain() } as const

export const serverDetails = resource({
  'GET /servers/:server_id/os-server-password': op({
    ...member,
    rule: 'os_compute_api:os-server-password:show',
    run: async ({ backends, member }) => ({ password: await storedPassword(backends, member) }),
  }),
  'DELETE /servers/:server_id/os-server-password': op({
    load: serverAbove,
    rule: 'os_compute_api:os-server-password:clear',
    target: ofProject,
    status: 204,
    errors: [404],
    reply: nothing,
    run: ({ backends, member }) => forgetPassword(backends, member),
  }),
  'GET /servers/:server_id/diagnostics': op({
    ...member,
    rule: 'os_compute_api:os-server-diagnostics',
    errors: [400, 404, 409, 501],
    run: async ({ backends, context, member, at }) =>
      at('2.48') ? diagnosticsShown(await commonDiagnosticsOf(backends, context, member)) : diagnosticsOf(backends, context, member),
  }),
  'GET /servers/:server_id/os-security-groups': op({
    ...member,
    rule: 'os_compute_api:os-security-groups:list',
    async run({ backends, context, member }) {
      const groups = await groupsOfServer(backends, context, member)
      const remote = await groupsById(backends, context, remoteGroups(groups))
      const known = new Map([...remote, ...groups].map((group) => [group.id, group]))
      const shown = groups.map((group) => groupShown(group, known))
      // By project and name, as Python sorts them
      return { security_groups: shown.sort((a, b) => ordered(a.tenant_id, b.tenant_id) || ordered(a.name, b.name)) }
    },
  }),
  'GET /servers/:server_id/topology': op({
    ...member,
    since: '2.78',
    rule: 'compute:server:topology:index',
    run: async (call) =>
      topologyShown(await topologyOf(call.backends, call.member), call.can('compute:server:topology:host:index', ofProject(call))),
  }),
})

const ordered = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
