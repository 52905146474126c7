/** Consoles of servers: /servers/:server_id/remote-consoles, and where their tokens lead: /os-console-auth-tokens/:id. */
import { Fault } from '../../../compute/faults.ts'
import { type ConsoleKind, consoleOf, openConsole } from '../../../compute/servers/consoles.ts'
import { op, plain, resource } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'
import { object, words } from '../../spec/shape.ts'
import { since } from '../../spec/span.ts'
import { ofProject, serverAbove } from './member.ts'

const consoleBody = object(
  {
    remote_console: object(
      {
        protocol: words(['vnc', 'spice', 'serial', 'rdp', since('2.8', 'mks')]),
        type: words(['novnc', 'xvpvnc', 'spice-html5', 'serial', 'rdp-html5', since('2.8', 'webmks'), since('2.99', 'spice-direct')]),
      },
      { required: ['protocol', 'type'] },
    ),
  },
  { required: ['remote_console'] },
)

export const remoteConsoles = resource({
  'POST /servers/:server_id/remote-consoles': op({
    since: '2.6',
    body: consoleBody,
    load: serverAbove,
    rule: 'os_compute_api:os-remote-consoles',
    target: ofProject,
    errors: [400, 404, 409, 501],
    reply: plain(),
    async run({ backends, context, member, body }) {
      const { protocol, type } = body.remote_console
      // The only driver that had them is no more
      if (protocol === 'rdp') throw new Fault('malformedRequest')
      return { remote_console: { protocol, type, url: await openConsole(backends, context, member, protocol as ConsoleKind, type) } }
    },
  }),
})

export const consoleTokens = resource({
  'GET /os-console-auth-tokens/:id': op({
    query: [p.anyParameters.until('2.98'), object({}).since('2.99')],
    errors: { '2.1': [400, 401, 404], '2.31': [400, 404] },
    reply: plain(),
    async run({ backends, params, at, authorize }) {
      // It was for RDP consoles alone
      if (!at('2.31')) throw new Fault('malformedRequest')
      authorize('os_compute_api:os-console-auth-tokens')
      const found = await consoleOf(backends, params.id!)
      if (!found) throw new Fault('missing', 'Token not found')
      const { instanceUuid, host, port, internalAccessPath, consoleType, tlsPort } = found
      const withTls = at('2.99') && consoleType === 'spice-direct'
      return {
        console: {
          instance_uuid: instanceUuid,
          host,
          port,
          internal_access_path: internalAccessPath,
          ...(withTls && { tls_port: tlsPort }),
        },
      }
    },
  }),
})
