/** Booting servers from another image to repair them. */
import { generatePassword } from '../../../../compute/servers/create/password.ts'
import { rescue, unrescue } from '../../../../compute/servers/rescue.ts'
import { plain, resource } from '../../../spec/operation.ts'
import * as p from '../../../spec/parameters.ts'
import { object } from '../../../spec/shape.ts'
import { ofProject } from '../member.ts'
import { action, bare, lives, named } from './action.ts'

interface Rescuing {
  readonly rescue: { readonly adminPass?: string; readonly rescue_image_ref?: string } | null
}

const rescueBody = named('rescue', object({ adminPass: p.adminPassword, rescue_image_ref: p.uuid }).with({ type: ['object', 'null'] }))

export const rescueActions = resource({
  'POST /servers/:id/action rescue': action<Rescuing, unknown>({
    body: lives(rescueBody),
    rule: 'os_compute_api:os-rescue',
    status: 200,
    errors: [400, 404, 409, 501],
    faults: { invalidVolume: 409 },
    reply: plain(),
    async run({ backends, context, member, body, at }) {
      const { adminPass, rescue_image_ref: imageRef } = body.rescue ?? {}
      const password = adminPass ?? generatePassword(backends.settings.compute.passwordLength)
      await rescue(backends, context, member, { password, imageRef: imageRef ?? null, volumeBackedToo: at('2.87') })
      return backends.settings.api.enableInstancePassword ? { adminPass: password } : {}
    },
  }),
  'POST /servers/:id/action unrescue': action({
    body: bare('unrescue'),
    rule: 'os_compute_api:os-unrescue',
    target: ofProject,
    errors: [404, 409, 501],
    run: ({ backends, context, member }) => unrescue(backends, context, member),
  }),
})
