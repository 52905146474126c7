/** In which states a server may be for each verb: one table for all of them (the decorators of nova/compute/api.py). */
import type { Server } from '../../stores/cell/servers.ts'
import { Fault } from '../faults.ts'

/** What a verb wants of a server. */
interface Rule {
  /** The verb in refusals; its own name when absent. */
  readonly says?: string
  /** Any when absent. */
  readonly vm?: readonly string[]
  /** Only an idle server when absent; null is any. */
  readonly task?: readonly (string | null)[] | null
  /** Tasks that are in the way; instead of `task`. */
  readonly notDuring?: readonly string[]
  /** Also one that never ran. */
  readonly unlaunched?: true
}

const running = ['active', 'stopped', 'paused', 'suspended']
const usable = ['active', 'paused', 'stopped']
const withVolumes = [...usable, 'resized', 'soft-delete', 'shelved', 'shelved_offloaded']
/** nova/compute/task_states.py ALLOW_REBOOT */
export const rebootable = [
  null,
  'rebooting',
  'reboot_pending',
  'reboot_started',
  'resuming',
  'rebooting_hard',
  'unpausing',
  'pausing',
  'suspending',
]
const console = { task: null, unlaunched: true, notDuring: ['deleting', 'migrating'] } as const

export const rules = {
  attachInterface: { says: 'attach_interface', vm: usable },
  attachVolume: { says: 'attach_volume', vm: withVolumes },
  changePassword: { vm: ['active'] },
  confirmResize: { vm: ['resized'] },
  console: { ...console, says: 'get_vnc_console' },
  createBackup: { vm: running },
  createImage: { vm: running },
  createShare: { says: 'create share', vm: ['stopped'], task: null, unlaunched: true },
  delete: { task: null, unlaunched: true },
  deleteMetadata: { says: 'delete metadata', vm: running, task: null },
  deleteShare: { says: 'delete share', vm: ['stopped', 'error'], task: null, unlaunched: true },
  detachInterface: { says: 'detach_interface', vm: usable },
  detachVolume: { says: 'detach_volume', vm: withVolumes },
  evacuate: { vm: ['active', 'stopped', 'error'], task: null },
  forceComplete: { says: 'force_complete', vm: ['active'], task: ['migrating'] },
  forceDelete: { task: null, unlaunched: true },
  hardReboot: { says: 'reboot', vm: ['active', 'stopped', 'paused', 'suspended', 'error'], task: rebootable },
  liveMigrate: { says: 'os-migrateLive', vm: ['active', 'paused'] },
  liveMigrateAbort: { says: 'abort live migration', task: ['migrating'] },
  migrate: { vm: ['active', 'stopped'] },
  pause: { vm: ['active'] },
  rebuild: { vm: ['active', 'stopped', 'error'] },
  rescue: { vm: ['active', 'stopped', 'error'] },
  resize: { vm: ['active', 'stopped'] },
  restore: { vm: ['soft-delete'] },
  resume: { vm: ['suspended'] },
  revertResize: { vm: ['resized'] },
  shelve: { vm: running },
  shelveOffload: { vm: ['shelved'] },
  softDelete: { says: 'delete', task: null },
  softReboot: { says: 'reboot', vm: ['active'] },
  start: { vm: ['stopped'] },
  stop: { vm: ['active', 'error'] },
  suspend: { vm: ['active'] },
  swapVolume: { says: 'swap_volume', vm: ['active', 'paused', 'resized'] },
  triggerCrashDump: { says: 'trigger_crash_dump', vm: ['active', 'paused', 'rescued', 'resized', 'error'] },
  unpause: { vm: ['paused'] },
  unrescue: { vm: ['rescued'] },
  unshelve: { vm: ['shelved', 'shelved_offloaded'] },
  updateMetadata: { says: 'update metadata', vm: running, task: null },
} satisfies Record<string, Rule>

export type Verb = keyof typeof rules

type Stated = Pick<Server, 'uuid' | 'vmState' | 'taskState' | 'launchedAt'>

/** Refuses a verb with `wrongState` or `unfitState`. */
export function checkState(server: Stated, verb: Verb): void {
  const { vm, task = [null], notDuring, unlaunched }: Rule = rules[verb]
  if (vm && !vm.includes(server.vmState ?? '')) throw wrongState(server, verb, 'vm_state')
  if (task && !task.includes(server.taskState)) throw wrongState(server, verb, 'task_state')
  if (notDuring?.includes(server.taskState ?? '')) throw wrongState(server, verb, 'task_state')
  if (!unlaunched && !server.launchedAt) throw unfit(server, verb)
}

/** The refusal for the state that a server is in. nova/api/openstack/common.py raise_http_conflict_for_instance_invalid_state */
export function wrongState(server: Stated, verb: Verb, attribute: 'vm_state' | 'task_state'): Fault {
  const state = attribute === 'vm_state' ? server.vmState : server.taskState
  return state === null ? unfit(server, verb) : new Fault('wrongState', wordFor(verb), server.uuid, attribute, state)
}

const unfit = ({ uuid }: Stated, verb: Verb): Fault => new Fault('unfitState', uuid, wordFor(verb))

/** How refusals call a verb. */
const wordFor = (verb: Verb): string => (rules[verb] as Rule).says ?? verb
