/**
 * kill -9 of the cell at any moment, with or without the broker in it, while an API goes on: nothing that was accepted is lost, nothing stays half
 * done. `KILL_ROUNDS` makes it longer.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Application } from '../../src/app/contract.ts'
import { ask } from '../../src/cloud/ask.ts'
import { computeTask } from '../../src/cloud/cell/targets.ts'
import { instanceToWire } from '../../src/cloud/cell/wire.ts'
import { image } from '../../src/cloud/image/index.ts'
import { network } from '../../src/cloud/network/index.ts'
import { placement } from '../../src/cloud/placement/index.ts'
import { openShelf } from '../../src/cloud/shelf.ts'
import { volume } from '../../src/cloud/volume/index.ts'
import { toNodeListener } from '../../src/hosts/node.ts'
import { localDriver } from '../../src/oslo/messaging/local/driver.ts'
import { type LocalBroker, listenLocal } from '../../src/oslo/messaging/local/listen.ts'
import { rpcClient } from '../../src/oslo/messaging/rpc-client.ts'
import type { Server } from '../../src/stores/cell/servers.ts'
import { acts } from '../support/cell/acts.ts'
import { openStores } from '../support/cell/databases.ts'
import { authenticate } from '../support/cell/people.ts'
import { flavorOf } from '../support/cell/requests.ts'

const rounds = Number(process.env.KILL_ROUNDS ?? 4)
// shorter than the cell's grace, as in the cloud: a request whose message may still come must not be given up
const sendTimeoutMs = 8000
const script = new URL('./cell-process.ts', import.meta.url).pathname
const big = flavorOf({ id: 8, name: 'm1.big', flavorid: 'big', memory_mb: 256 })

/** The same sequence each time. mulberry32 */
function dice(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

let folder: string
let socketPath: string
let child: ChildProcess | undefined
let broker: LocalBroker | undefined
let servers: HttpServer[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kill-'))
  mkdirSync(join(folder, 'images'))
  socketPath = join(folder, 'm.sock')
})
afterEach(async () => {
  await kill()
  await broker?.close()
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
  rmSync(folder, { recursive: true, force: true })
})

async function serve(application: Application): Promise<string> {
  const server = createServer(toNodeListener(application))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  servers = [...servers, server]
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function start(args: readonly string[]): Promise<void> {
  const mine = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  child = mine
  await new Promise((resolve, reject) => mine.stdout!.once('data', resolve) && mine.once('exit', reject))
}

async function kill(): Promise<void> {
  const mine = child
  if (!mine) return
  child = undefined
  const gone = new Promise((resolve) => mine.once('exit', resolve))
  mine.kill('SIGKILL')
  await gone
}

async function scene(withBroker: boolean, seed: number) {
  const roll = dice(seed)
  const clock = { now: () => Date.now() }
  const ids = { uuid: () => crypto.randomUUID() as string }
  const parts = { authenticate, clock, ids, report: (error: unknown) => process.stderr.write(`${error}\n`) }
  const net = network({ shelf: openShelf(':memory:'), ...parts }).application
  const images = image({ shelf: openShelf(':memory:'), folder: join(folder, 'images'), ...parts }).application
  const disks = volume({ shelf: openShelf(':memory:'), ...parts })
  disks.seed()
  const cinder = (route: string, body?: unknown, who = 'ann') =>
    ask(disks.application, route.replace(' ', ' /v3'), { token: who, body, headers: { 'openstack-api-version': 'volume 3.44' } })
  await cinder('PUT /os-quota-sets/one', { quota_set: { volumes: -1 } }, 'root')
  const spares = await Promise.all(
    [1, 2, 3].map(async () => (await cinder('POST /volumes', { volume: { size: 1, name: 'spare' } })).body.volume.id as string),
  )
  const resources = placement({ shelf: openShelf(':memory:'), ...parts }).application
  const made = await ask(net, 'POST /v2.0/networks', {
    token: 'nova',
    body: { network: { name: 'shared', shared: true, tenant_id: 'services' } },
  })
  const networkId = made.body.network.id as string
  const subnet = { network_id: networkId, cidr: '10.10.0.0/16', ip_version: 4, tenant_id: 'services' }
  await ask(net, 'POST /v2.0/subnets', { token: 'nova', body: { subnet } })
  const stores = await openStores(folder, clock.now)
  if (!withBroker) broker = await listenLocal({ socketPath, report: () => {} })
  const urls = await Promise.all([net, images, disks.application, resources].map(serve))
  const args = [folder, socketPath, ...urls, ...(withBroker ? ['broker'] : [])]
  await start(args)
  const driver = localDriver({ socketPath, publishTimeoutMs: sendTimeoutMs })
  const rpc = rpcClient(driver, { sendTimeoutMs })
  const all = await stores.cells.all()
  const cell = all.find(({ name }) => name === 'cell1')!
  const cell0 = all.find(({ name }) => name === 'cell0')!
  const api = acts({ stores, cell, cell0, rpc, clock })
  const newImage = async () => (await ask(images, 'POST /v2/images', { token: 'ann', body: { name: 'i' } })).body.id as string
  return { roll, stores, cell, cell0, api, rpc, driver, net, resources, cinder, spares, networkId, newImage, restart: () => start(args) }
}

type Scene = Awaited<ReturnType<typeof scene>>

/** Something that a user may do with a server in this state. */
async function anything(s: Scene, server: Server): Promise<void> {
  const { api, roll, newImage } = s
  const { uuid, vmState } = server
  const verbs: Record<string, (() => Promise<unknown>)[]> = {
    active: [
      () => api.act(uuid, 'powering-off', 'stop_instance', { clean_shutdown: true }),
      () => api.act(uuid, 'rebooting', 'reboot_instance', { reboot_type: 'SOFT' }),
      () => api.act(uuid, 'suspending', 'suspend_instance'),
      () => api.act(uuid, 'pausing', 'pause_instance'),
      () => api.resize(uuid, big),
      () => api.task(uuid, 'migrating', 'live_migrate_instance', { scheduler_hint: { host: null } }),
      async () => api.act(uuid, 'image_snapshot_pending', 'snapshot_instance', { image_id: await newImage() }),
      async () => api.act(uuid, 'shelving', 'shelve_instance', { image_id: await newImage() }),
      () => attachOrDetach(s, server),
      () => attachOrDetach(s, server),
    ],
    stopped: [
      () => api.act(uuid, 'powering-on', 'start_instance'),
      () => api.act(uuid, 'rebooting_hard', 'reboot_instance', { reboot_type: 'HARD' }),
      () => attachOrDetach(s, server),
    ],
    paused: [() => api.act(uuid, 'unpausing', 'unpause_instance')],
    suspended: [() => api.act(uuid, 'resuming', 'resume_instance')],
    resized: [() => api.answerResize(uuid, 'confirm'), () => api.answerResize(uuid, 'revert')],
    shelved_offloaded: [() => api.task(uuid, 'unshelving', 'unshelve_instance')],
  }
  const choices = verbs[vmState ?? ''] ?? []
  await choices[Math.floor(roll() * choices.length)]?.()
}

/** As the API does from 2.101 on. */
async function attachOrDetach({ api, cell, rpc, cinder, spares, roll }: Scene, server: Server): Promise<void> {
  const { uuid } = server
  const devices = (await cell.blockDevices.of([uuid])).get(uuid) ?? []
  const extra = devices.find(({ volumeId }) => volumeId !== null && spares.includes(volumeId))?.volumeId
  if (extra) {
    const { status } = await cinder(`POST /volumes/${extra}/action`, { 'os-begin_detaching': null })
    if (status === 202) await api.act(uuid, null, 'detach_volume', { volume_id: extra, attachment_id: null })
    return
  }
  const id = spares[Math.floor(roll() * spares.length)]!
  const volume = (await cinder(`GET /volumes/${id}`)).body.volume
  if (volume.status !== 'available') return
  const { context } = await api.request({ count: 0 })
  const wish = { device: null, disk_bus: null, device_type: null, tag: null, delete_on_termination: false }
  await rpc.cast(computeTask('1.26'), context, 'attach_volume', {
    instance: instanceToWire(server),
    volume: { id, multiattach: false },
    ...wish,
  })
}

const device = { no_device: false, guest_format: null, device_type: 'disk', delete_on_termination: true } as const

/** Half of the servers have one. */
const withVolume = () =>
  [
    { ...device, source_type: 'image', destination_type: 'local', boot_index: 0, image_id: crypto.randomUUID() },
    { ...device, source_type: 'blank', destination_type: 'volume', boot_index: null, volume_size: 1 },
  ] as const

for (const [where, withBroker, seed] of [
  ['the cell', false, 1],
  ['the cell and the broker in it', true, 2],
] as const)
  describe(`kill -9 of ${where}`, () => {
    test('in the middle of everything', { timeout: 60_000 + rounds * 6000 }, async () => {
      const s = await scene(withBroker, seed + Number(process.env.KILL_SEED ?? 0))
      const { api, stores, cell, cell0, roll } = s
      const accepted = new Set<string>()
      const doomed = new Set<string>()
      const unsent = new Set<string>()
      const uncertain = new Set<string>()
      for (let round = 0; round < rounds; round++) {
        const busy: Promise<unknown>[] = []
        const wanted = await api.request({
          count: 1 + Math.floor(roll() * 3),
          networks: [{ network_id: s.networkId }],
          ...(roll() < 0.5 && { devices: withVolume() }),
        })
        if (roll() < 0.15) for (const uuid of wanted.uuids) unsent.add(uuid)
        else
          busy.push(
            wanted
              .send()
              .then(
                () => accepted,
                () => uncertain,
              )
              .then((book) => {
                for (const uuid of wanted.uuids) book.add(uuid)
              }),
          )
        for (const uuid of accepted) {
          const server = await cell.servers.find(uuid)
          if (!server || doomed.has(uuid)) continue
          const isBuilding = server.vmState === 'building'
          // one that a host has may be deleted while it is built
          if (isBuilding ? server.host === null : server.taskState !== null) continue
          const chance = roll()
          if (chance < (isBuilding ? 0.5 : 0.2)) {
            doomed.add(uuid)
            const host = server.host ?? 'fake1'
            busy.push(api.act(uuid, 'deleting', 'terminate_instance', { bdms: null }, { host }))
          } else if (chance < 0.8 && !isBuilding) busy.push(anything(s, server))
        }
        // from here on: on a busy machine some fail before the cell is back
        const settled = Promise.allSettled(busy)
        await pause(roll() * 250)
        await kill()
        await pause(roll() * 50)
        await s.restart()
        await settled
        await pause(roll() * 300)
      }
      await expect.poll(() => stores.api.requests.list(null), { timeout: 30_000, interval: 200 }).toEqual([])
      for (const uuid of uncertain) if (await cell.servers.find(uuid)) accepted.add(uuid)
      await quiet(s, [...accepted], doomed)
      await expect.poll(() => volumeTrouble(s, { accepted, doomed, unsent }), { timeout: 40_000, interval: 500 }).toEqual([])
      await sound(s, { accepted, doomed, unsent })
      await s.rpc.close()
      await s.driver.close()
      await Promise.all(
        [stores, cell, cell0].map((each) => ('database' in each ? each.database.integrity() : stores.api.database.integrity())),
      ).then((found) => expect(found.flat()).toEqual([]))
      await stores.close()
    })
  })

/** Waits until nothing is under way any more. */
async function quiet({ cell, stores }: Scene, accepted: readonly string[], doomed: ReadonlySet<string>): Promise<void> {
  const unsettled = async () => {
    const out: string[] = []
    for (const uuid of accepted) {
      const server = await cell.servers.find(uuid)
      if (server ? server.taskState !== null || server.vmState === 'building' || doomed.has(uuid) : !doomed.has(uuid))
        out.push(`${uuid} ${server?.vmState} ${server?.taskState} ${server?.host}`)
    }
    const requests = await stores.api.requests.list(null)
    return [...out, ...requests.map(({ instanceUuid }) => `request ${instanceUuid}`)]
  }
  await expect.poll(unsettled, { timeout: 40_000, interval: 200 }).toEqual([])
}

interface Book {
  readonly accepted: ReadonlySet<string>
  readonly doomed: ReadonlySet<string>
  readonly unsent: ReadonlySet<string>
}

async function sound(s: Scene, { accepted, doomed, unsent }: Book): Promise<void> {
  const { cell, cell0, net } = s
  const kept = await Promise.all([...accepted].filter((uuid) => !doomed.has(uuid)).map((uuid) => cell.servers.find(uuid)))
  const faults = await cell.faults.latestOf(kept.map((server) => server!.uuid))
  expect([...faults.values()].map(({ message, details }) => `${message} ${details}`)).toEqual([])
  const stable = ['active', 'stopped', 'paused', 'suspended', 'resized', 'shelved_offloaded']
  expect(kept.map((server) => server!.vmState).filter((state) => !stable.includes(state!))).toEqual([])
  for (const uuid of unsent) {
    const server = (await cell0.servers.find(uuid)) ?? (await cell.servers.find(uuid))
    expect(server?.vmState).toBe('error')
  }
  // each server has its one port, and nobody else has any
  const { ports } = (await ask(net, 'GET /v2.0/ports', { token: 'nova' })).body as {
    ports: { device_id: string; device_owner: string; 'binding:host_id': string }[]
  }
  const owned = ports.filter(({ device_owner }) => !device_owner.startsWith('network:'))
  expect(owned.map(({ device_id }) => device_id).sort()).toEqual(kept.map((server) => server!.uuid).sort())
  for (const server of kept) expect(owned.find(({ device_id }) => device_id === server!.uuid)!['binding:host_id']).toBe(server!.host ?? '')
  // moves are over, or wait for an answer; what a kill has left of one that had arrived already is cleared up after the grace
  const moving = async () =>
    (await cell.migrations.otherThan(['confirmed', 'reverted', 'completed', 'error', 'cancelled']))
      .map(({ status, instanceUuid }) => [status, kept.find((server) => server!.uuid === instanceUuid)?.vmState])
      .filter(([status, state]) => status !== 'finished' || state !== 'resized')
  await expect.poll(moving, { timeout: 40_000, interval: 500 }).toEqual([])
  // every step that began has ended
  const open = await cell.database.rows<{ event: string }>('SELECT event, host FROM instance_actions_events WHERE finish_time IS NULL')
  expect(open).toEqual([])
  await expect.poll(() => used(s), { timeout: 5000 }).toEqual(await taken(s))
  // Placement knows who is where
  const homes = kept.flatMap((server) => (server!.host ? [`${server!.host} ${server!.uuid}`] : []))
  await expect.poll(() => serversIn(s, accepted), { timeout: 5000 }).toEqual(homes.sort())
}

/** Whom of these Placement has on which host. */
async function serversIn({ cell, resources }: Scene, servers: ReadonlySet<string>): Promise<string[]> {
  const all = (await cell.computeNodes.list()).map(async ({ host, uuid }) => {
    const { allocations } = (await ask(resources, `GET /resource_providers/${uuid}/allocations`, { token: 'nova' })).body
    return Object.keys(allocations)
      .filter((consumer) => servers.has(consumer))
      .map((consumer) => `${host} ${consumer}`)
  })
  return (await Promise.all(all)).flat().sort()
}

/** What of volumes is not as it should be: each is free, or connected to the one server that knows it, or gone with its server. */
async function volumeTrouble({ cell, cinder }: Scene, { accepted, doomed }: Book): Promise<string[]> {
  const trouble: string[] = []
  const kept = [...accepted].filter((uuid) => !doomed.has(uuid))
  const devices = [...(await cell.blockDevices.of(kept)).values()].flat().filter(({ destinationType }) => destinationType === 'volume')
  const { attachments } = (await cinder('GET /attachments?all_tenants=1', undefined, 'root')).body as {
    attachments: { id: string; instance: string; volume_id: string; status: string }[]
  }
  for (const { id, volume_id, status } of attachments)
    if (!devices.some((device) => device.attachmentId === id && device.volumeId === volume_id))
      trouble.push(`attachment ${status} ${volume_id}`)
  for (const { attachmentId, volumeId, instanceUuid } of devices) {
    const found = attachments.find(({ id }) => id === attachmentId)
    const wanted = (await cell.servers.find(instanceUuid!))!.host === null ? 'reserved' : 'attached'
    if (found?.status !== wanted) trouble.push(`device ${volumeId} ${found?.status ?? 'without attachment'} instead of ${wanted}`)
  }
  const { volumes } = (await cinder('GET /volumes/detail', undefined)).body as { volumes: { id: string; name: string; status: string }[] }
  for (const { id, name, status } of volumes) {
    const owned = devices.some(({ volumeId }) => volumeId === id)
    if (!owned && (name !== 'spare' || status !== 'available')) trouble.push(`volume ${name} ${status}`)
  }
  return trouble
}

const used = async ({ cell }: Scene) =>
  Object.fromEntries((await cell.computeNodes.list()).map(({ host, memoryMbUsed }) => [host, memoryMbUsed - 512]))

async function taken({ cell }: Scene): Promise<Record<string, number>> {
  const out: Record<string, number> = { fake1: 0, fake2: 0 }
  for (const { host, memoryMb } of await cell.occupancy.list()) out[host]! += memoryMb
  // a resize that waits for its answer holds what it had as well
  for (const move of await cell.occupancy.moves()) {
    const { old } = JSON.parse(move.flavor!) as { old: { 'nova_object.data': { memory_mb: number } } | null }
    if (move.sourceCompute !== move.host) out[move.sourceCompute!]! += old!['nova_object.data'].memory_mb
  }
  return out
}
