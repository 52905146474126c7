/** Resizing servers, moving them while they stand still, and what ends both. */
import { confirmResize, revertResize } from '../../../../compute/servers/end-resize.ts'
import { migrate, resize } from '../../../../compute/servers/resize.ts'
import type { Server } from '../../../../stores/cell/servers.ts'
import { type Call, resource } from '../../../spec/operation.ts'
import * as p from '../../../spec/parameters.ts'
import { object } from '../../../spec/shape.ts'
import { hostOrNull } from '../hosts.ts'
import { ofOwner, ofProject } from '../member.ts'
import { action, bare, lives, named } from './action.ts'

const resizeBody = named('resize', object({ flavorRef: p.flavorRef, 'OS-DCF:diskConfig': p.diskConfig }, { required: ['flavorRef'] }))

interface Migration {
  readonly migrate?: { readonly host?: string | null } | null
}

const migrateBody = named('migrate', object({ host: hostOrNull }).with({ type: ['object', 'null'] }))

const mayCrossCells = ({ can }: Call, member: Server): boolean => can('compute:servers:resize:cross_cell', ofOwner({ member }))

export const resizeActions = resource({
  'POST /servers/:id/action resize': action({
    body: resizeBody,
    rule: 'os_compute_api:servers:resize',
    errors: [400, 401, 403, 404, 409],
    faults: { flavorNotFound: 400 },
    run(call) {
      const { backends, context, member, body, can } = call
      const { flavorRef, 'OS-DCF:diskConfig': diskConfig } = body.resize
      return resize(backends, context, member, {
        flavorid: String(flavorRef),
        autoDiskConfig: diskConfig === undefined ? null : diskConfig === 'AUTO',
        zeroDiskFlavor: can('os_compute_api:servers:create:zero_disk_flavor'),
        crossCells: mayCrossCells(call, member),
      })
    },
  }),
  'POST /servers/:id/action confirmResize': action({
    body: bare('confirmResize'),
    rule: 'os_compute_api:servers:confirm_resize',
    target: ofProject,
    status: 204,
    errors: [400, 404, 409],
    run: ({ backends, context, member }) => confirmResize(backends, context, member),
  }),
  'POST /servers/:id/action revertResize': action({
    body: bare('revertResize'),
    rule: 'os_compute_api:servers:revert_resize',
    target: ofProject,
    errors: [400, 404, 409],
    run: ({ backends, context, member }) => revertResize(backends, context, member),
  }),
  'POST /servers/:id/action migrate': action<Migration>({
    body: lives(migrateBody.since('2.56')),
    errors: [400, 403, 404, 409],
    run(call) {
      const { backends, context, member, body, at, authorize } = call
      const host = (at('2.56') && body.migrate?.host) || null
      authorize(
        host === null ? 'os_compute_api:os-migrate-server:migrate' : 'os_compute_api:os-migrate-server:migrate:host',
        ofProject(call),
      )
      return migrate(backends, context, member, { host, crossCells: mayCrossCells(call, member) })
    },
  }),
})
