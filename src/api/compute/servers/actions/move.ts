/** Moving running servers, and rebuilding those of a lost host elsewhere. */
import { Fault } from '../../../../compute/faults.ts'
import { generatePassword } from '../../../../compute/servers/create/password.ts'
import { evacuate, requireComputeHost } from '../../../../compute/servers/evacuate.ts'
import { liveMigrate } from '../../../../compute/servers/live-migrate.ts'
import { booleanFrom } from '../../../serve/values.ts'
import { type Call, plain, resource } from '../../../spec/operation.ts'
import * as p from '../../../spec/parameters.ts'
import { object, words } from '../../../spec/shape.ts'
import { host, hostOrNull } from '../hosts.ts'
import { ofProject } from '../member.ts'
import { action, named } from './action.ts'

/** Also lets the driver decide. */
const booleanOrAuto = words([...p.booleans, 'auto'], { type: ['boolean', 'string'] })

const liveBody = named(
  'os-migrateLive',
  object(
    {
      block_migration: [p.boolean.until('2.24'), booleanOrAuto.since('2.25')],
      disk_over_commit: p.boolean.until('2.24'),
      host: hostOrNull,
      force: p.boolean.since('2.30').until('2.67'),
    },
    { required: ['block_migration', 'disk_over_commit', 'host'] },
  ),
)

const evacuateBody = named(
  'evacuate',
  object(
    {
      host,
      onSharedStorage: p.boolean.until('2.13'),
      adminPass: p.adminPassword,
      force: p.boolean.since('2.29').until('2.67'),
    },
    { required: ['onSharedStorage'] },
  ),
)

/** Undefined before there was a choice. */
function forceOf(force: unknown, to: string | null | undefined): boolean {
  const forced = booleanFrom(force ?? false) === true
  if (forced && !to) throw new Fault('badRequest', "Can't force to a non-provided destination")
  return forced
}

/** From 2.14 on the computes find out themselves whether the disks are still to be reached. */
function passwordOf({ backends, at }: Call, adminPass: string | undefined, shared: boolean | null): string | null {
  if (adminPass === undefined) return shared && !at('2.14') ? null : generatePassword(backends.settings.compute.passwordLength)
  if (shared) throw new Fault('badRequest', "admin password can't be changed on existing disk")
  return adminPass
}

export const moveActions = resource({
  'POST /servers/:id/action os-migrateLive': action({
    body: liveBody,
    errors: [400, 403, 404, 409],
    run(call) {
      const { backends, context, member, body, at, authorize } = call
      const asked = body['os-migrateLive']
      const to = asked.host ?? null
      authorize(
        to ? 'os_compute_api:os-migrate-server:migrate_live:host' : 'os_compute_api:os-migrate-server:migrate_live',
        ofProject(call),
      )
      const force = at('2.30') ? forceOf(asked.force, to) : undefined
      return liveMigrate(backends, context, member, {
        host: to,
        blockMigration: asked.block_migration === 'auto' ? null : booleanFrom(asked.block_migration) === true,
        diskOverCommit: at('2.25') ? null : booleanFrom(asked.disk_over_commit) === true,
        force,
        later: at('2.34'),
      })
    },
  }),
  'POST /servers/:id/action evacuate': action({
    body: evacuateBody,
    rule: 'os_compute_api:os-evacuate',
    status: 200,
    errors: [400, 403, 404, 409],
    reply: plain(),
    async run(call) {
      const { backends, context, member, body, at } = call
      const asked = body.evacuate
      const to = asked.host
      const onSharedStorage = at('2.14') ? null : booleanFrom(asked.onSharedStorage) === true
      const force = at('2.29') ? forceOf(asked.force, to) : undefined
      const password = passwordOf(call, asked.adminPass, onSharedStorage)
      if (to !== undefined) await requireComputeHost(backends, to)
      // Of a server that is on no host, too. nova/api/openstack/compute/evacuate.py
      if ((to ?? null) === member.host) throw new Fault('badRequest', "The target host can't be the same one.")
      const targetState = at('2.95') ? 'stopped' : null
      await evacuate(backends, context, member, { host: to, onSharedStorage, password, force, targetState })
      return !at('2.14') && backends.settings.api.enableInstancePassword ? { adminPass: password } : undefined
    },
  }),
})
