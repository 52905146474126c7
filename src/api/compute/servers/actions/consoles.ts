/** Consoles as they were asked for until 2.5, and what a server wrote to its own. */
import { type ConsoleKind, consoleOutput, openConsole } from '../../../../compute/servers/consoles.ts'
import { findServer } from '../../../../compute/servers/find.ts'
import { type Operation, op, plain, resource } from '../../../spec/operation.ts'
import { json, object, words } from '../../../spec/shape.ts'
import { ofProject } from '../member.ts'
import { action, named } from './action.ts'

/** Whoever may open consoles at all is asked before it is known whose server it is. */
function consoleAction<const W extends string>(name: string, kind: ConsoleKind, types: readonly W[]): Operation {
  return op<Record<string, { readonly type: W }>, unknown, undefined, unknown>({
    until: '2.5',
    body: named(name, object({ type: words(types) }, { required: ['type'] })),
    errors: [400, 404, 409, 501],
    reply: plain(),
    async run({ backends, context, body, params, authorize }) {
      authorize('os_compute_api:os-remote-consoles')
      const { type } = body[name]!
      const server = await findServer(backends, context, params.id!)
      return { console: { type, url: await openConsole(backends, context, server, kind, type) } }
    },
  })
}

const length = json<number | string | null>({ type: ['integer', 'string', 'null'], pattern: '^-?[0-9]+$', minimum: -1 })

/** What XML could not hold. */
const controls = /[\x00-\x08\x0b-\x1f]/g

export const consoleActions = resource({
  'POST /servers/:id/action os-getVNCConsole': consoleAction('os-getVNCConsole', 'vnc', ['novnc', 'xvpvnc']),
  'POST /servers/:id/action os-getSPICEConsole': consoleAction('os-getSPICEConsole', 'spice', ['spice-html5']),
  'POST /servers/:id/action os-getSerialConsole': consoleAction('os-getSerialConsole', 'serial', ['serial']),
  'POST /servers/:id/action os-getConsoleOutput': action({
    body: named('os-getConsoleOutput', object({ length })),
    rule: 'os_compute_api:os-console-output',
    target: ofProject,
    status: 200,
    errors: [404, 409, 501],
    reply: plain(),
    async run({ backends, context, member, body }) {
      const output = await consoleOutput(backends, context, member, body['os-getConsoleOutput'].length ?? null)
      return { output: output.replace(controls, '') }
    },
  }),
})
