/** What is done inside a running guest, or asked of it: passwords, crash dumps, diagnostics, the text on its console. */
import { Diagnostics } from '../../../stores/objects/diagnostics.ts'
import { power } from '../../drivers/hypervisor.ts'
import { nova } from '../errors.ts'
import type { Host } from '../parts.ts'
import { save } from '../server.ts'
import type { Job, Verb } from './method.ts'

/** nova/compute/manager.py ComputeManager.set_admin_password */
export const setAdminPassword: Verb = {
  async run(host, { server, args }) {
    const { hypervisor } = host
    const { uuid } = server
    const done = () => save(host, server, { taskState: null }, { expected: ['updating_password'] })
    if (hypervisor.powerOf(uuid) !== power.running) {
      await done()
      throw nova('InstancePasswordSetFailed', { instance: uuid, reason: `instance ${uuid} is not running` })
    }
    await hypervisor.setAdminPassword(uuid, args.new_pass as string)
    await done()
  },
}

export const triggerCrashDump: Verb = {
  keepsTask: true,
  run: (host, { server }) => host.hypervisor.triggerCrashDump(server.uuid),
}

/** Names of power states. nova/compute/power_state.py STATE_MAP */
export const powerNames: Readonly<Record<number, string>> = {
  [power.nostate]: 'pending',
  [power.running]: 'running',
  [power.paused]: 'paused',
  [power.shutdown]: 'shutdown',
  [power.crashed]: 'crashed',
  [power.suspended]: 'suspended',
}

function refuseIdle({ hypervisor }: Host, { server }: Job): void {
  if (hypervisor.powerOf(server.uuid) === power.running) return
  const state = powerNames[server.powerState ?? 0]
  throw nova('InstanceInvalidState', { attr: 'power state', instance_uuid: server.uuid, state, method: 'get_diagnostics' })
}

export const diagnostics: Verb = {
  event: null,
  keepsTask: true,
  atOnce: true,
  async run(host, job) {
    refuseIdle(host, job)
    return host.hypervisor.diagnostics(job.server.uuid)
  },
}

export const standardDiagnostics: Verb = {
  event: null,
  keepsTask: true,
  atOnce: true,
  async run(host, job) {
    refuseIdle(host, job)
    return Diagnostics.toWire(Diagnostics.make((await host.hypervisor.standardDiagnostics(job.server.uuid)) as Diagnostics))
  },
}

/** nova/compute/manager.py ComputeManager.get_console_output, _tail_log: what is no number of lines is none */
export const consoleOutput: Verb = {
  event: null,
  keepsTask: true,
  atOnce: true,
  expected: ['InstanceNotFound', 'NotImplementedError'],
  async run(host, { server, args }) {
    const output = await host.hypervisor.consoleOutput(server.uuid)
    if (args.tail_length === null || args.tail_length === undefined) return output
    const lines = Math.trunc(Number(args.tail_length))
    // Python's -n of a negative number drops lines from the beginning
    return lines ? output.split('\n').slice(-lines).join('\n') : ''
  },
}

export const quiesce: Verb = { event: null, keepsTask: true, atOnce: true, run: (host, { server }) => host.hypervisor.quiesce(server.uuid) }
export const unquiesce: Verb = {
  event: null,
  keepsTask: true,
  atOnce: true,
  run: (host, { server }) => host.hypervisor.unquiesce(server.uuid),
}
