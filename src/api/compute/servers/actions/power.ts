/** Actions that start, stop and halt servers. */
import { findInCell } from '../../../../compute/servers/find-in-cell.ts'
import { pause, resume, suspend, unpause } from '../../../../compute/servers/pause.ts'
import { reboot, start, stop, triggerCrashDump } from '../../../../compute/servers/power.ts'
import type { Server } from '../../../../stores/cell/servers.ts'
import { type Call, resource } from '../../../spec/operation.ts'
import * as p from '../../../spec/parameters.ts'
import { object, words } from '../../../spec/shape.ts'
import { ofProject } from '../member.ts'
import { action, bare, named } from './action.ts'

const inCell = ({ backends, context, params }: Call): Promise<Server> => findInCell(backends, context, params.id!)

const rebootBody = named('reboot', object({ type: words(['HARD', 'Hard', 'hard', 'SOFT', 'Soft', 'soft']) }, { required: ['type'] }))

export const powerActions = resource({
  'POST /servers/:id/action os-start': action({
    body: bare('os-start'),
    load: inCell,
    rule: 'os_compute_api:servers:start',
    errors: [404, 409],
    run: ({ backends, context, member }) => start(backends, context, member),
  }),
  'POST /servers/:id/action os-stop': action({
    body: bare('os-stop'),
    load: inCell,
    rule: 'os_compute_api:servers:stop',
    errors: [404, 409],
    run: ({ backends, context, member }) => stop(backends, context, member),
  }),
  'POST /servers/:id/action reboot': action({
    body: rebootBody,
    rule: 'os_compute_api:servers:reboot',
    target: ofProject,
    errors: [404, 409],
    run: ({ backends, context, member, body }) => reboot(backends, context, member, body.reboot.type.toUpperCase() as 'HARD' | 'SOFT'),
  }),
  'POST /servers/:id/action pause': action({
    body: bare('pause'),
    rule: 'os_compute_api:os-pause-server:pause',
    errors: [404, 409, 501],
    run: ({ backends, context, member }) => pause(backends, context, member),
  }),
  'POST /servers/:id/action unpause': action({
    body: bare('unpause'),
    rule: 'os_compute_api:os-pause-server:unpause',
    target: ofProject,
    errors: [404, 409, 501],
    run: ({ backends, context, member }) => unpause(backends, context, member),
  }),
  'POST /servers/:id/action suspend': action({
    body: bare('suspend'),
    rule: 'os_compute_api:os-suspend-server:suspend',
    errors: [400, 403, 404, 409],
    run: ({ backends, context, member }) => suspend(backends, context, member),
  }),
  'POST /servers/:id/action resume': action({
    body: bare('resume'),
    rule: 'os_compute_api:os-suspend-server:resume',
    target: ofProject,
    errors: [404, 409],
    run: ({ backends, context, member }) => resume(backends, context, member),
  }),
  'POST /servers/:id/action trigger_crash_dump': action({
    since: '2.17',
    body: named('trigger_crash_dump', p.nothing),
    load: inCell,
    rule: 'os_compute_api:servers:trigger_crash_dump',
    errors: [400, 404, 409],
    run: ({ backends, context, member }) => triggerCrashDump(backends, context, member),
  }),
})
