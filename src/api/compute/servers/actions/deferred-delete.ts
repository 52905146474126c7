/** Deleting servers at once where they are kept for a while, and bringing back those that are kept. */
import { forceDelete } from '../../../../compute/servers/delete.ts'
import { restore } from '../../../../compute/servers/restore.ts'
import { resource } from '../../../spec/operation.ts'
import { ofProject } from '../member.ts'
import { action, bare } from './action.ts'

export const deferredDeleteActions = resource({
  'POST /servers/:id/action forceDelete': action({
    body: bare('forceDelete'),
    rule: 'os_compute_api:os-deferred-delete:force',
    errors: [404, 409],
    run: ({ backends, context, member }) => forceDelete(backends, context, member),
  }),
  'POST /servers/:id/action restore': action({
    body: bare('restore'),
    rule: 'os_compute_api:os-deferred-delete:restore',
    target: ofProject,
    errors: [403, 404, 409],
    run: ({ backends, context, member }) => restore(backends, context, member),
  }),
})
