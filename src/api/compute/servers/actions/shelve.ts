/** Shelving servers and bringing them back. */
import { shelve, shelveOffload } from '../../../../compute/servers/shelve.ts'
import { unshelve } from '../../../../compute/servers/unshelve.ts'
import { resource } from '../../../spec/operation.ts'
import * as p from '../../../spec/parameters.ts'
import { json, object } from '../../../spec/shape.ts'
import { ofOwner, ofProject } from '../member.ts'
import { action, bare, lives, named } from './action.ts'

const nullable = { type: ['object', 'null'] }

interface Unshelving {
  readonly unshelve?: { readonly availability_zone?: string | null; readonly host?: string } | null
}

const toZone = object({ availability_zone: p.name }, { required: ['availability_zone'] })
const toHost = object({ availability_zone: json<string | null>({ type: ['string', 'null'] }), host: p.text })

export const shelveActions = resource({
  'POST /servers/:id/action shelve': action({
    body: bare('shelve'),
    rule: 'os_compute_api:os-shelve:shelve',
    errors: [400, 403, 404, 409],
    run: ({ backends, context, member }) => shelve(backends, context, member),
  }),
  'POST /servers/:id/action shelveOffload': action({
    body: bare('shelveOffload'),
    rule: 'os_compute_api:os-shelve:shelve_offload',
    errors: [400, 404, 409],
    run: ({ backends, context, member }) => shelveOffload(backends, context, member),
  }),
  'POST /servers/:id/action unshelve': action<Unshelving>({
    body: lives(
      bare('unshelve').since('2.1').until('2.76'),
      named('unshelve', toZone.with(nullable)).since('2.77').until('2.90'),
      named('unshelve', toHost.with(nullable)).since('2.91'),
    ),
    rule: 'os_compute_api:os-shelve:unshelve',
    target: ofProject,
    errors: [400, 403, 404, 409],
    run({ backends, context, member, body, at, authorize }) {
      const asked = body.unshelve ?? {}
      return unshelve(backends, context, member, {
        ...(at('2.77') && asked.availability_zone !== undefined && { zone: asked.availability_zone }),
        host: at('2.91') ? asked.host : undefined,
        authorizeHost: () => authorize('os_compute_api:os-shelve:unshelve_to_host', ofOwner({ member })),
      })
    },
  }),
})
