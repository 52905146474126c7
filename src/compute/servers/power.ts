/** Starting, stopping, rebooting and crashing servers. */
import type { RequestContext } from '../../oslo/context.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { Backends } from '../backends.ts'
import { refuseLocked, requireHost } from './checks.ts'
import { detailsOf } from './details.ts'
import { checkState, rebootable } from './states.ts'
import { startTask, toCompute } from './task.ts'
import { brief, detailed } from './to-wire.ts'

export async function start(backends: Backends, context: RequestContext, server: Server): Promise<void> {
  refuseLocked(context, server)
  requireHost(server)
  checkState(server, 'start')
  const details = detailsOf(backends, server)
  await startTask(backends, context, details, {
    verb: 'start',
    action: 'start',
    changes: { taskState: 'powering-on' },
    fields: brief,
    send: toCompute(backends, context, details, 'start_instance', {}),
  })
}

export async function stop(backends: Backends, context: RequestContext, server: Server): Promise<void> {
  refuseLocked(context, server)
  requireHost(server)
  checkState(server, 'stop')
  const details = detailsOf(backends, server)
  await startTask(backends, context, details, {
    verb: 'stop',
    action: 'stop',
    changes: { taskState: 'powering-off', progress: 0 },
    fields: brief,
    send: toCompute(backends, context, details, 'stop_instance', { clean_shutdown: true }),
  })
}

/** A hard one may interrupt another task. */
export async function reboot(backends: Backends, context: RequestContext, server: Server, type: 'SOFT' | 'HARD'): Promise<void> {
  const verb = type === 'SOFT' ? 'softReboot' : 'hardReboot'
  refuseLocked(context, server)
  checkState(server, verb)
  const details = detailsOf(backends, server)
  await startTask(backends, context, details, {
    verb,
    action: 'reboot',
    changes: { taskState: type === 'SOFT' ? 'rebooting' : 'rebooting_hard' },
    ...(type === 'HARD' && { expected: rebootable }),
    fields: detailed,
    send: toCompute(backends, context, details, 'reboot_instance', { block_device_info: null, reboot_type: type }),
  })
}

export async function triggerCrashDump(backends: Backends, context: RequestContext, server: Server): Promise<void> {
  refuseLocked(context, server)
  requireHost(server)
  checkState(server, 'triggerCrashDump')
  const details = detailsOf(backends, server)
  await startTask(backends, context, details, {
    verb: 'triggerCrashDump',
    action: 'trigger_crash_dump',
    fields: brief,
    send: toCompute(backends, context, details, 'trigger_crash_dump', {}),
  })
}
