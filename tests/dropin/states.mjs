#!/usr/bin/env node
// Asks Nova's own API and ours, on demand, for each action on a server in each state that a server can be brought into; compares the answers, and what both servers have
// come to afterwards: states, task, flavor, image, lock, the names and results of their actions and of the events in them, the fault.
// In the environment: see twins.mjs. Arguments: --only PATTERN (of `STATE ACTION`), --write FILE (the differences, a JSON text a line).
import { appendFileSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { ask, buildServer, plain, settled, sides, sure, withTwins } from './twins.mjs'

const { values } = parseArgs({ options: { only: { type: 'string', default: '' }, write: { type: 'string' } } })
const only = new RegExp(values.only)
const version = '2.96'
/** A compute notes the end of an action after the state; what the API does alone has no events. */
const patienceMs = 1500
const counts = { asked: 0, alike: 0 }
if (values.write) writeFileSync(values.write, '')

const is = (status) => (server) => server.status === status
const act = (who, body, then) => ({ who, body, then })

/** How a server comes into a state: actions, and what it shows when each is done. */
const states = {
  active: [],
  locked: [act('member', { lock: null }, ({ locked }) => locked)],
  stopped: [act('member', { 'os-stop': null }, is('SHUTOFF'))],
  paused: [act('member', { pause: null }, is('PAUSED'))],
  suspended: [act('member', { suspend: null }, is('SUSPENDED'))],
  rescued: [act('member', { rescue: {} }, is('RESCUE'))],
  resized: [act('member', { resize: { flavorRef: '2' } }, is('VERIFY_RESIZE'))],
  shelved: [act('member', { shelve: null }, is('SHELVED_OFFLOADED'))],
  error: [act('admin', { 'os-resetState': { state: 'error' } }, is('ERROR'))],
}

const actions = {
  addFixedIp: ['admin', { addFixedIp: { networkId: '8d5a1a3e-0b3e-4f0f-9d39-0d2f0e5ad6b1' } }, '2.43'],
  addSecurityGroup: ['member', { addSecurityGroup: { name: 'default' } }],
  changePassword: ['member', { changePassword: { adminPass: 'secret' } }],
  confirmResize: ['member', { confirmResize: null }],
  createBackup: ['member', { createBackup: { name: 'backup', backup_type: 'daily', rotation: 1 } }],
  createImage: ['member', { createImage: { name: 'image' } }],
  evacuate: ['admin', { evacuate: {} }],
  forceDelete: ['admin', { forceDelete: null }],
  lock: ['member', { lock: { locked_reason: 'why' } }],
  migrate: ['admin', { migrate: null }],
  'os-getConsoleOutput': ['member', { 'os-getConsoleOutput': { length: 3 } }],
  'os-migrateLive': ['admin', { 'os-migrateLive': { host: null, block_migration: 'auto' } }],
  'os-resetState': ['admin', { 'os-resetState': { state: 'active' } }],
  'os-start': ['member', { 'os-start': null }],
  'os-stop': ['member', { 'os-stop': null }],
  pause: ['member', { pause: null }],
  'reboot SOFT': ['member', { reboot: { type: 'SOFT' } }],
  'reboot HARD': ['member', { reboot: { type: 'HARD' } }],
  rebuild: ['member', { rebuild: { imageRef: 'IMAGE' } }],
  removeFixedIp: ['admin', { removeFixedIp: { address: '192.0.2.1' } }, '2.43'],
  removeSecurityGroup: ['member', { removeSecurityGroup: { name: 'none' } }],
  rescue: ['member', { rescue: {} }],
  resize: ['member', { resize: { flavorRef: '2' } }],
  'resize to its own': ['member', { resize: { flavorRef: '1' } }],
  restore: ['admin', { restore: null }],
  resume: ['member', { resume: null }],
  revertResize: ['member', { revertResize: null }],
  shelve: ['member', { shelve: null }],
  shelveOffload: ['admin', { shelveOffload: null }],
  suspend: ['member', { suspend: null }],
  trigger_crash_dump: ['member', { trigger_crash_dump: null }],
  unlock: ['member', { unlock: null }],
  unpause: ['member', { unpause: null }],
  unrescue: ['member', { unrescue: null }],
  unshelve: ['member', { unshelve: null }],
}

/** What is asked of a server beside its actions: method, path below it, body. */
const others = {
  'metadata set': ['member', 'POST', '/metadata', { metadata: { a: 'b' } }],
  'metadata removed': ['member', 'DELETE', '/metadata/key1'],
  tags: ['member', 'PUT', '/tags', { tags: ['x'] }],
  'name changed': ['member', 'PUT', '', { server: { name: 'other', description: 'd' } }],
  diagnostics: ['admin', 'GET', '/diagnostics'],
  topology: ['admin', 'GET', '/topology'],
  console: ['member', 'POST', '/remote-consoles', { remote_console: { protocol: 'vnc', type: 'novnc' } }],
  'interface attached': ['member', 'POST', '/os-interface', {}],
  'interface detached': ['member', 'DELETE', '/os-interface/PORT'],
  'volume attached': ['member', 'POST', '/os-volume_attachments', { volumeAttachment: { volumeId: 'VOLUME' } }],
  'volume that is not there detached': ['member', 'DELETE', '/os-volume_attachments/VOLUME'],
  deleted: ['member', 'DELETE', ''],
}

/** Both sides' servers in a state, made anew. */
async function bring(steps) {
  await Promise.all(
    sides.map(async (side) => {
      await ask(side, 'admin', `POST /v2.1/servers/${side.things.server}/action`, { text: '{"forceDelete":null}', version })
      await settled(side, is('GONE'))
      await buildServer(side)
      for (const { who, body, then } of steps) {
        await sure(side, who, `POST /servers/${side.things.server}/action`, body)
        await settled(side, then)
      }
    }),
  )
}

/** Whether it has changed the servers. */
async function compare({ name, who, method, path, body, at = version }) {
  const answers = await Promise.all(
    sides.map((side) => {
      const { server, port, volume, image } = side.things
      const text = body === undefined ? undefined : JSON.stringify(body).replace('VOLUME', volume).replace('IMAGE', image)
      const below = path.replace('PORT', port).replace('VOLUME', volume)
      return ask(side, who, `${method} /v2.1/servers/${server}${below}`, { text, version: at })
    }),
  )
  const changed = method !== 'GET' && answers.some(({ status }) => status < 300)
  const [nova, ours] = answers.map((answer) => plain(answer))
  const [novaLeft, oursLeft] = changed ? await Promise.all(sides.map(outcome)) : []
  counts.asked++
  if (nova === ours && novaLeft === oursLeft) counts.alike++
  else tell(name, { nova, ours, novaLeft, oursLeft })
  return changed
}

function tell(name, difference) {
  if (values.write) appendFileSync(values.write, `${JSON.stringify({ name, ...difference })}\n`)
  const lines = Object.entries(difference).map(([key, text]) => `  ${key} ${text}\n`)
  process.stdout.write(`\n${name}\n${lines.join('')}`)
}

/** What a server shows that is the same for its twin. */
const kept = [
  'status',
  'OS-EXT-STS:vm_state',
  'OS-EXT-STS:task_state',
  'OS-EXT-STS:power_state',
  'flavor',
  'image',
  'locked',
  'locked_reason',
  'name',
  'metadata',
  'tags',
  'progress',
  'fault',
  'host_status',
  'OS-EXT-AZ:availability_zone',
  'OS-SRV-USG:terminated_at',
]

/** What has become of a side's server, without what differs from server to server. */
async function outcome(side) {
  const { status } = await settled(side, () => true)
  const { actions, migrations } = await endOfWork(side)
  const now = await settled(side, () => true)
  const state = {
    stuck: status === 'STUCK',
    ...Object.fromEntries(kept.map((key) => [key, now[key]])),
    placed: Boolean(now['OS-EXT-SRV-ATTR:host']),
    addresses: Object.values(now.addresses ?? {}).flat().length,
    volumes: now['os-extended-volumes:volumes_attached']?.length,
    events: actions.map(({ action, message, events }) => ({
      action,
      message,
      events: events.map(({ event, result }) => `${event} ${result}`).sort(),
    })),
    migrations: migrations.map(({ status, migration_type }) => `${migration_type} ${status}`),
  }
  return plain({ status: '', headers: {}, text: JSON.stringify(state) })
}

/** What is noted of a side's server when its last action has events, and neither an event nor a migration is under way, or else when patience ends. */
async function endOfWork(side) {
  const end = performance.now() + patienceMs
  for (;;) {
    const actions = await actionsOf(side)
    const { migrations = [] } = await sure(side, 'admin', `GET /os-migrations?instance_uuid=${side.things.server}`)
    const isOver =
      actions[0]?.events.length > 0 &&
      actions.every(({ events }) => events.every(({ result }) => result !== null)) &&
      migrations.every(({ status }) => !/ing$|^(queued|accepted)$/.test(status))
    if (isOver || performance.now() > end) return { actions, migrations }
    await delay(100)
  }
}

/** None of a server that is gone where it cannot be asked. */
async function actionsOf(side) {
  const path = `/servers/${side.things.server}/os-instance-actions`
  const { instanceActions = [] } = await sure(side, 'admin', `GET ${path}`).catch(() => ({}))
  return Promise.all(instanceActions.map(async ({ request_id }) => (await sure(side, 'admin', `GET ${path}/${request_id}`)).instanceAction))
}

await withTwins(async () => {
  for (const [state, steps] of Object.entries(states)) {
    let fresh = false
    const asked = [
      ...Object.entries(actions).map(([name, [who, body, at]]) => ({
        name: `${state}: ${name}`,
        who,
        method: 'POST',
        path: '/action',
        body,
        at,
      })),
      ...Object.entries(others).map(([name, [who, method, path, body]]) => ({ name: `${state}: ${name}`, who, method, path, body })),
    ].filter(({ name }) => only.test(name))
    for (const each of asked) {
      if (!fresh) await bring(steps)
      fresh = !(await compare(each))
    }
  }
})
process.stdout.write(`\n${counts.alike} passed, ${counts.asked - counts.alike} failed, 0 skipped\n`)
process.exit(counts.alike === counts.asked ? 0 : 1)
