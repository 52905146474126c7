/** nova-compute on one host: its methods by Nova's names (nova/compute/rpcapi.py, version 6). */
import type { Endpoint } from '../../../oslo/messaging/rpc-server.ts'
import type { Host } from '../parts.ts'
import { build } from './build.ts'
import * as consoles from './consoles.ts'
import { terminate } from './delete.ts'
import { externalEvents } from './external-events.ts'
import * as guest from './guest.ts'
import { hostMethods } from './host.ts'
import { backup, snapshot } from './images.ts'
import * as interfaces from './interfaces.ts'
import * as live from './live-migration.ts'
import { method, type Verb } from './method.ts'
import * as power from './power.ts'
import { rebuild } from './rebuild.ts'
import { rescue, unrescue } from './rescue.ts'
import * as resize from './resize.ts'
import { confirm, finishRevert, revert } from './settle.ts'
import { offload, shelve, unshelve } from './shelve.ts'
import * as volumes from './volumes.ts'

export const verbs = {
  build_and_run_instance: build,
  terminate_instance: terminate,
  start_instance: power.start,
  stop_instance: power.stop,
  reboot_instance: power.reboot,
  pause_instance: power.pause,
  unpause_instance: power.unpause,
  suspend_instance: power.suspend,
  resume_instance: power.resume,
  soft_delete_instance: power.softDelete,
  restore_instance: power.restore,
  rebuild_instance: rebuild,
  rescue_instance: rescue,
  unrescue_instance: unrescue,
  snapshot_instance: snapshot,
  backup_instance: backup,
  shelve_instance: shelve,
  shelve_offload_instance: offload,
  unshelve_instance: unshelve,
  prep_resize: resize.prepare,
  resize_instance: resize.letGo,
  finish_resize: resize.finish,
  confirm_resize: confirm,
  revert_resize: revert,
  finish_revert_resize: finishRevert,
  live_migration: live.liveMigrate,
  live_migration_abort: live.abort,
  live_migration_force_complete: live.forceComplete,
  attach_interface: interfaces.attach,
  detach_interface: interfaces.detach,
  add_fixed_ip_to_instance: interfaces.addFixedIp,
  remove_fixed_ip_from_instance: interfaces.removeFixedIp,
  inject_network_info: interfaces.injectNetworkInfo,
  set_admin_password: guest.setAdminPassword,
  trigger_crash_dump: guest.triggerCrashDump,
  get_diagnostics: guest.diagnostics,
  get_instance_diagnostics: guest.standardDiagnostics,
  get_console_output: guest.consoleOutput,
  get_vnc_console: consoles.vnc,
  get_spice_console: consoles.spice,
  get_serial_console: consoles.serial,
  get_mks_console: consoles.mks,
  quiesce_instance: guest.quiesce,
  unquiesce_instance: guest.unquiesce,
  reserve_block_device_name: volumes.reserveDevice,
  attach_volume: volumes.attachVolume,
  detach_volume: volumes.detachVolume,
  swap_volume: volumes.swapVolume,
  volume_snapshot_create: volumes.assistedSnapshot,
  volume_snapshot_delete: volumes.assistedSnapshot,
} satisfies Record<string, Verb>

export type VerbName = keyof typeof verbs

export function computeEndpoints(host: Host): Endpoint[] {
  const named: [string, Verb][] = Object.entries(verbs)
  return [
    {
      version: '6.5',
      methods: {
        ...Object.fromEntries(named.map(([name, verb]) => [name, method(host, name, verb)])),
        ...hostMethods(host),
        external_instance_event: externalEvents(host),
      },
      expected: {
        ...Object.fromEntries(named.flatMap(([name, { expected }]) => (expected ? [[name, expected]] : []))),
        get_host_uptime: ['NotImplementedError'],
      },
    },
  ]
}
