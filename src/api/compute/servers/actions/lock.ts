/** Locking servers and unlocking them. */
import { lock, mayUnlock, unlock } from '../../../../compute/servers/lock.ts'
import { resource } from '../../../spec/operation.ts'
import { json, object } from '../../../spec/shape.ts'
import { ofProject } from '../member.ts'
import { action, bare, lives, named } from './action.ts'

const reason = object({ locked_reason: json<string>({ type: 'string', minLength: 1, maxLength: 255 }) }).with({ type: ['object', 'null'] })

interface Locking {
  readonly lock: { readonly locked_reason?: string } | null
}

export const lockActions = resource({
  'POST /servers/:id/action lock': action<Locking>({
    body: lives(bare('lock').since('2.1').until('2.72'), named('lock', reason).since('2.73')),
    rule: 'os_compute_api:os-lock-server:lock',
    errors: [404],
    run: ({ backends, context, member, body, at }) => lock(backends, context, member, (at('2.73') && body.lock?.locked_reason) || null),
  }),
  // From 2.73 on Nova checks the body no more
  'POST /servers/:id/action unlock': action({
    body: bare('unlock').since('2.1').until('2.72'),
    rule: 'os_compute_api:os-lock-server:unlock',
    target: ofProject,
    errors: [404],
    run({ backends, context, member, authorize }) {
      if (!mayUnlock(context, member)) authorize('os_compute_api:os-lock-server:unlock:unlock_override', ofProject({ member }))
      return unlock(backends, context, member)
    },
  }),
})
