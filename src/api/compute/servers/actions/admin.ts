/** Actions of admins, and the password inside a server. */
import { injectNetworkInfo, resetState } from '../../../../compute/servers/admin.ts'
import { changePassword } from '../../../../compute/servers/password.ts'
import { resource } from '../../../spec/operation.ts'
import * as p from '../../../spec/parameters.ts'
import { object, words } from '../../../spec/shape.ts'
import { ofProject } from '../member.ts'
import { action, bare, named } from './action.ts'

export const adminActions = resource({
  'POST /servers/:id/action os-resetState': action({
    body: named('os-resetState', object({ state: words(['active', 'error']) }, { required: ['state'] })),
    rule: 'os_compute_api:os-admin-actions:reset_state',
    target: ofProject,
    errors: [404],
    run: ({ backends, context, member, body }) => resetState(backends, context, member, body['os-resetState'].state),
  }),
  'POST /servers/:id/action injectNetworkInfo': action({
    body: bare('injectNetworkInfo'),
    rule: 'os_compute_api:os-admin-actions:inject_network_info',
    target: ofProject,
    errors: [404, 409],
    run: ({ backends, context, member }) => injectNetworkInfo(backends, context, member),
  }),
  'POST /servers/:id/action changePassword': action({
    body: named('changePassword', object({ adminPass: p.adminPassword }, { required: ['adminPass'] })),
    rule: 'os_compute_api:os-admin-password',
    errors: [404, 409, 501],
    run: ({ backends, context, member, body }) => changePassword(backends, context, member, body.changePassword.adminPass),
  }),
})
