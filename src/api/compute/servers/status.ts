/** The status that users see, made of Nova's own states (nova/api/openstack/common.py _STATE_MAP). */

const rebuilding = { rebuilding: 'REBUILD', rebuild_block_device_mapping: 'REBUILD', rebuild_spawning: 'REBUILD' }
const resizing = { resize_prep: 'RESIZE', resize_migrating: 'RESIZE', resize_migrated: 'RESIZE', resize_finish: 'RESIZE' }

/** By state of the machine, then by task; `default` is every other task. */
const map: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  active: {
    default: 'ACTIVE',
    rebooting: 'REBOOT',
    reboot_pending: 'REBOOT',
    reboot_started: 'REBOOT',
    rebooting_hard: 'HARD_REBOOT',
    reboot_pending_hard: 'HARD_REBOOT',
    reboot_started_hard: 'HARD_REBOOT',
    updating_password: 'PASSWORD',
    ...rebuilding,
    migrating: 'MIGRATING',
    ...resizing,
  },
  building: { default: 'BUILD' },
  stopped: { default: 'SHUTOFF', ...resizing, ...rebuilding },
  resized: { default: 'VERIFY_RESIZE', resize_reverting: 'REVERT_RESIZE' },
  paused: { default: 'PAUSED', migrating: 'MIGRATING' },
  suspended: { default: 'SUSPENDED' },
  rescued: { default: 'RESCUE' },
  error: { default: 'ERROR', ...rebuilding },
  deleted: { default: 'DELETED' },
  'soft-delete': { default: 'SOFT_DELETED' },
  shelved: { default: 'SHELVED' },
  shelved_offloaded: { default: 'SHELVED_OFFLOADED' },
}

export function statusOf({
  deleted,
  vmState,
  taskState,
}: {
  deleted: number | null
  vmState: string | null
  taskState: string | null
}): string {
  // What is deleted is in no other state
  if (deleted) return 'DELETED'
  const tasks = map[vmState ?? '']
  return tasks ? (tasks[taskState ?? 'default'] ?? tasks.default!) : 'UNKNOWN'
}

/** The states that statuses stand for; `default` among the tasks means any. */
export function statesOf(statuses: readonly string[]): { vmStates: string[]; taskStates: string[] } {
  const wanted = new Set(statuses.map((status) => status.toLowerCase()))
  const vmStates = new Set<string>()
  const taskStates = new Set<string>()
  for (const [vmState, tasks] of Object.entries(map))
    for (const [task, status] of Object.entries(tasks))
      if (wanted.has(status.toLowerCase())) {
        vmStates.add(vmState)
        taskStates.add(task)
      }
  return { vmStates: [...vmStates].sort(), taskStates: [...taskStates].sort() }
}
