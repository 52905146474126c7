/** Every verb on a server in every state: it is done, with the right message, task and record, or refused in Nova's words and nothing happens. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Farm, farm, imageId } from '../../../../../tests/support/servers.ts'

const vmStates = [
  'active',
  'building',
  'paused',
  'suspended',
  'stopped',
  'rescued',
  'resized',
  'soft-delete',
  'deleted',
  'error',
  'shelved',
  'shelved_offloaded',
] as const
type VmState = (typeof vmStates)[number]

interface Verb {
  readonly body: object
  /** How refusals call it; the action's own name when absent. */
  readonly word?: string
  /** The states in which it may be done. */
  readonly vm: readonly VmState[]
  /** The task that the server then has; what it had when absent. */
  readonly task?: string | null
  /** The state that it then has, when another. */
  readonly becomes?: string
  readonly action?: string
  /** The receiver and the method; null when nothing is sent. */
  readonly message: readonly [to: string, method: string] | null
  readonly status?: number
  readonly version?: string
  /** A task that is in the way; null when none is. */
  readonly busy?: string | null
  /** Done although it is locked, by anybody. */
  readonly lockable?: false
  /** Of a lock refusals say no more than that the state does not fit. */
  readonly hidesLock?: true
  /** Without a host it is refused before its state is looked at. */
  readonly hostFirst?: true
}

const host = 'compute.host1'
const running: readonly VmState[] = ['active', 'stopped', 'paused', 'suspended']
const usable: readonly VmState[] = ['active', 'stopped', 'error']

const verbs: Record<string, Verb> = {
  'os-start': {
    body: { 'os-start': null },
    word: 'start',
    vm: ['stopped'],
    task: 'powering-on',
    action: 'start',
    message: [host, 'start_instance'],
    hostFirst: true,
  },
  'os-stop': {
    body: { 'os-stop': null },
    word: 'stop',
    vm: ['active', 'error'],
    task: 'powering-off',
    action: 'stop',
    message: [host, 'stop_instance'],
    hostFirst: true,
  },
  'soft reboot': {
    body: { reboot: { type: 'SOFT' } },
    word: 'reboot',
    vm: ['active'],
    task: 'rebooting',
    action: 'reboot',
    message: [host, 'reboot_instance'],
  },
  'hard reboot': {
    body: { reboot: { type: 'HARD' } },
    word: 'reboot',
    vm: [...running, 'error'],
    task: 'rebooting_hard',
    action: 'reboot',
    message: [host, 'reboot_instance'],
  },
  pause: { body: { pause: null }, vm: ['active'], task: 'pausing', action: 'pause', message: [host, 'pause_instance'] },
  unpause: { body: { unpause: null }, vm: ['paused'], task: 'unpausing', action: 'unpause', message: [host, 'unpause_instance'] },
  suspend: { body: { suspend: null }, vm: ['active'], task: 'suspending', action: 'suspend', message: [host, 'suspend_instance'] },
  resume: { body: { resume: null }, vm: ['suspended'], task: 'resuming', action: 'resume', message: [host, 'resume_instance'] },
  rescue: { body: { rescue: null }, vm: usable, task: 'rescuing', action: 'rescue', message: [host, 'rescue_instance'], status: 200 },
  unrescue: { body: { unrescue: null }, vm: ['rescued'], task: 'unrescuing', action: 'unrescue', message: [host, 'unrescue_instance'] },
  resize: {
    body: { resize: { flavorRef: 'big' } },
    vm: ['active', 'stopped'],
    task: 'resize_prep',
    action: 'resize',
    message: ['conductor', 'migrate_server'],
  },
  migrate: {
    body: { migrate: null },
    vm: ['active', 'stopped'],
    task: 'resize_prep',
    action: 'migrate',
    message: ['conductor', 'migrate_server'],
  },
  confirmResize: {
    body: { confirmResize: null },
    vm: ['resized'],
    action: 'confirmResize',
    message: ['compute.host2', 'confirm_resize'],
    status: 204,
  },
  revertResize: {
    body: { revertResize: null },
    vm: ['resized'],
    task: 'resize_reverting',
    action: 'revertResize',
    message: [host, 'revert_resize'],
  },
  rebuild: {
    body: { rebuild: { imageRef: imageId } },
    vm: usable,
    task: 'rebuilding',
    action: 'rebuild',
    message: ['conductor', 'rebuild_instance'],
  },
  shelve: { body: { shelve: null }, vm: running, task: 'shelving', action: 'shelve', message: [host, 'shelve_instance'] },
  shelveOffload: {
    body: { shelveOffload: null },
    vm: ['shelved'],
    task: 'shelving_offloading',
    action: 'shelveOffload',
    message: [host, 'shelve_offload_instance'],
  },
  unshelve: {
    body: { unshelve: null },
    vm: ['shelved', 'shelved_offloaded'],
    task: 'unshelving',
    action: 'unshelve',
    message: ['conductor', 'unshelve_instance'],
  },
  createImage: {
    body: { createImage: { name: 'i' } },
    vm: running,
    task: 'image_snapshot_pending',
    action: 'createImage',
    message: [host, 'snapshot_instance'],
    lockable: false,
  },
  createBackup: {
    body: { createBackup: { name: 'b', backup_type: 'daily', rotation: 1 } },
    vm: running,
    task: 'image_backup',
    action: 'createBackup',
    message: [host, 'backup_instance'],
    lockable: false,
  },
  changePassword: {
    body: { changePassword: { adminPass: 'p' } },
    vm: ['active'],
    task: 'updating_password',
    action: 'changePassword',
    message: [host, 'set_admin_password'],
    hidesLock: true,
  },
  trigger_crash_dump: {
    body: { trigger_crash_dump: null },
    vm: ['active', 'paused', 'rescued', 'resized', 'error'],
    action: 'trigger_crash_dump',
    message: [host, 'trigger_crash_dump'],
    hostFirst: true,
  },
  'os-migrateLive': {
    body: { 'os-migrateLive': { host: null, block_migration: 'auto' } },
    vm: ['active', 'paused'],
    task: 'migrating',
    action: 'live-migration',
    message: ['conductor', 'live_migrate_instance'],
  },
  restore: {
    body: { restore: null },
    vm: ['soft-delete'],
    task: 'restoring',
    action: 'restore',
    message: [host, 'restore_instance'],
    hidesLock: true,
  },
  // Whatever the state
  forceDelete: {
    body: { forceDelete: null },
    vm: vmStates,
    task: 'deleting',
    action: 'delete',
    message: [host, 'terminate_instance'],
    busy: null,
  },
  'os-resetState': {
    body: { 'os-resetState': { state: 'error' } },
    vm: vmStates,
    task: null,
    becomes: 'error',
    action: 'resetState',
    message: null,
    busy: null,
    lockable: false,
  },
  injectNetworkInfo: { body: { injectNetworkInfo: null }, vm: vmStates, message: [host, 'inject_network_info'], busy: null },
  lock: { body: { lock: null }, vm: vmStates, action: 'lock', message: null, busy: null, lockable: false },
  unlock: { body: { unlock: null }, vm: vmStates, action: 'unlock', message: null, busy: null, lockable: false },
}

let farmed: Farm
beforeAll(async () => {
  farmed = await farm()
  await farmed.api.call('2.1', 'POST /flavors', { flavor: { name: 'big', id: 'big', ram: 1024, vcpus: 2, disk: 2 } })
})
afterAll(async () => {
  expect(farmed.api.errors).toEqual([])
  await farmed.close()
})

/** A server as its state implies: one that was resized has its move, and one that was offloaded no host. */
async function serverIn(vmState: VmState): Promise<string> {
  const onHost = vmState !== 'shelved_offloaded'
  const resized = vmState === 'resized' ? { flavors: { old: { id: 9, name: 'old' } } } : {}
  const uuid = await farmed.server({ vmState, ...(!onHost && { host: null, node: null }), ...resized })
  if (vmState === 'resized')
    await farmed.cell.migrations.create({
      uuid: crypto.randomUUID(),
      instanceUuid: uuid,
      status: 'finished',
      sourceCompute: 'host2',
      destCompute: 'host1',
      migrationType: 'resize',
      crossCellMove: false,
      hidden: false,
    })
  return uuid
}

const call = (uuid: string, { body, version = '2.90' }: Verb, as: 'admin' | 'member' = 'admin') =>
  farmed.api.call(version, `POST /servers/${uuid}/action`, body, { as })

const lastAction = async (uuid: string) => (await farmed.cell.actions.latest(uuid))!.action

for (const [name, verb] of Object.entries(verbs)) {
  const word = verb.word ?? name
  describe(name, () => {
    test.each(vmStates)('%s', async (vmState) => {
      const uuid = await serverIn(vmState)
      // Confirming comes before deleting, and an offloaded server is deleted without a compute
      if (name === 'forceDelete' && (vmState === 'resized' || vmState === 'shelved_offloaded')) return
      if (name === 'injectNetworkInfo' && vmState === 'shelved_offloaded') return
      const answer = await call(uuid, verb)
      const row = await farmed.row(uuid)
      if (!verb.vm.includes(vmState)) {
        const state = `Cannot '${word}' instance ${uuid} while it is in vm_state ${vmState}`
        const message = verb.hostFirst && row.host === null ? `Instance ${uuid} is not ready` : state
        expect(answer.body).toEqual({ conflictingRequest: { code: 409, message } })
        expect([row.vmState, row.taskState, await lastAction(uuid)]).toEqual([vmState, null, 'create'])
        expect(farmed.messages).toEqual([])
        return
      }
      expect([answer.status, answer.body?.conflictingRequest]).toEqual([verb.status ?? 202, undefined])
      const messages = verb.message ? await farmed.heard() : farmed.messages
      expect(messages.map(({ to, method }) => [to, method])).toEqual(verb.message ? [verb.message] : [])
      expect([row.vmState, row.taskState]).toEqual([verb.becomes ?? vmState, verb.task === undefined ? null : verb.task])
      expect(await lastAction(uuid)).toBe(verb.action ?? 'create')
    })

    const fitting = verb.vm[0]!

    if (verb.busy !== null)
      test('while something else is done', async () => {
        const uuid = await serverIn(fitting)
        await farmed.set(uuid, { taskState: 'spawning' })
        const answer = await call(uuid, verb)
        const message = `Cannot '${word}' instance ${uuid} while it is in task_state spawning`
        expect(answer.body).toEqual({ conflictingRequest: { code: 409, message } })
        expect((await farmed.row(uuid)).taskState).toBe('spawning')
      })

    test('while it is locked', async () => {
      const uuid = await serverIn(fitting)
      await farmed.set(uuid, { locked: true, lockedBy: 'owner' })
      // Those that only admins may do are for the lock's other side alone
      const answer = await call(uuid, verb, 'member')
      if (answer.status === 403) return
      if (verb.lockable === false) expect(answer.status).toBe(verb.status ?? 202)
      else {
        const message = verb.hidesLock ? `Instance ${uuid} is in an invalid state for '${name}'` : `Instance ${uuid} is locked`
        expect(answer.body).toEqual({ conflictingRequest: { code: 409, message } })
      }
      await farmed.heard(verb.lockable === false && verb.message ? 1 : 0)
      await farmed.set(uuid, { taskState: null, vmState: fitting })
      expect((await call(uuid, verb, 'admin')).status).toBe(verb.status ?? 202)
      await farmed.heard(verb.message ? 1 : 0)
    })
  })
}
