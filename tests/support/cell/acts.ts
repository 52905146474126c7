/** What an API does with servers of a cell: it writes what it has accepted, and sends the message. */
import type { TaskState } from '../../../src/cloud/cell/states.ts'
import { compute, computeAlt, computeTask } from '../../../src/cloud/cell/targets.ts'
import { instanceToWire, migrationToWire } from '../../../src/cloud/cell/wire.ts'
import type { RequestContext } from '../../../src/oslo/context.ts'
import { toDateTime } from '../../../src/oslo/database/datetime.ts'
import type { Arguments, RpcClient } from '../../../src/oslo/messaging/rpc-client.ts'
import type { Server } from '../../../src/stores/cell/servers.ts'
import type { Cell } from '../../../src/stores/cells.ts'
import { Flavor } from '../../../src/stores/objects/flavor.ts'
import type { Stores } from '../../../src/stores/stores.ts'
import { contextOf } from './people.ts'
import { type Wish, writeRequests } from './requests.ts'

interface Ground {
  readonly stores: Stores
  readonly cell: Cell
  readonly cell0: Cell
  readonly rpc: RpcClient
  readonly clock: { now(): number }
}

export function acts({ stores, cell, cell0, rpc, clock }: Ground) {
  const { api } = stores
  async function find(uuid: string): Promise<Server | undefined> {
    for (const each of [cell, ...(await stores.cells.all())]) {
      const server = await each.servers.find(uuid)
      if (server) return server
    }
    return undefined
  }

  /** Writes requests for servers and resolves with the message that would follow. */
  async function request(wish?: Wish) {
    const { uuids, context, args } = await writeRequests(api, wish)
    return { uuids, context, args, send: () => rpc.cast(computeTask('1.17'), context, 'schedule_and_build_instances', args) }
  }

  async function until(uuid: string, wanted: (server: Server | undefined) => boolean, what: string): Promise<Server | undefined> {
    for (const end = Date.now() + 5000; ; ) {
      const server = await find(uuid)
      if (wanted(server)) return server
      if (Date.now() > end) throw new Error(`${what}: ${server ? `${server.vmState}, ${server.taskState}` : 'gone'}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  /** Waits until nothing is done with it. */
  const settled = async (uuid: string): Promise<Server> =>
    (await until(uuid, (server) => server !== undefined && server.taskState === null && server.vmState !== 'building', 'never settled'))!

  const gone = (uuid: string): Promise<unknown> => until(uuid, (server) => server === undefined, 'never gone')

  async function create(wish?: Wish): Promise<Server[]> {
    const { uuids, send } = await request(wish)
    await send()
    return Promise.all(uuids.map(settled))
  }

  const note = (instanceUuid: string, action: string, { requestId, userId, projectId }: RequestContext) =>
    cell.actions.start({ action, instanceUuid, requestId, userId, projectId })

  /** Notes the task and the action, then sends the message to the server's host. */
  async function act(
    uuid: string,
    taskState: TaskState | null,
    name: string,
    args: Arguments = {},
    more: { host?: string; as?: string } = {},
  ) {
    const context = contextOf(more.as ?? 'ann')
    const server = (await cell.servers.find(uuid))!
    if (taskState !== null) await cell.servers.update(uuid, { taskState })
    await note(uuid, name, context)
    const host = more.host ?? server.host!
    await rpc.cast(compute(host), context, name, { instance: instanceToWire({ ...server, taskState }), ...args })
    return context.requestId
  }

  /** The same for what the conductor does. */
  async function task(uuid: string, taskState: TaskState, name: string, args: Arguments = {}, as = 'ann') {
    const context = contextOf(as)
    await cell.servers.update(uuid, { taskState })
    const server = (await cell.servers.find(uuid))!
    await note(uuid, name, context)
    const spec = await api.requestSpecs.find(uuid)
    const message = { instance: instanceToWire(server), request_spec: spec, ...args }
    await rpc.cast(computeTask('1.25'), context, name, message)
    return context.requestId
  }

  const call = (server: Server, name: string, args: Arguments = {}) =>
    rpc.call(compute(server.host!), contextOf('ann'), name, { instance: instanceToWire(server), ...args })

  /** `event host result` of each, in their order. */
  async function events(uuid: string, requestId?: string): Promise<string[]> {
    const found = (await cell.actions.list(uuid)) ?? (await cell0.actions.list(uuid)) ?? []
    const actions = requestId === undefined ? found : found.filter((action) => action.requestId === requestId)
    const all = await Promise.all(actions.map(({ id }) => cell.actions.events(id)))
    return all
      .flat()
      .sort((a, b) => a.id - b.id)
      .map(({ event, host, result }) => `${event} ${host} ${result}`)
  }

  const resize = (uuid: string, flavor: Flavor, more: Arguments = {}) =>
    task(uuid, 'resize_prep', 'migrate_server', {
      scheduler_hint: { filter_properties: {} },
      live: false,
      rebuild: false,
      flavor: Flavor.toWire(flavor),
      block_migration: null,
      disk_over_commit: null,
      clean_shutdown: true,
      host_list: null,
      ...more,
    })

  /** Answers to a finished resize, as the API gives them; it refuses one that was answered before. */
  async function answerResize(uuid: string, answer: 'confirm' | 'revert') {
    const migration = await cell.migrations.inStatus(uuid, 'finished')
    if (!migration) return undefined
    await cell.migrations.update(migration.id, { status: answer === 'confirm' ? 'confirming' : 'reverting' })
    const args = { migration: migrationToWire(migration), request_spec: await api.requestSpecs.find(uuid) }
    if (answer === 'confirm') return act(uuid, null, 'confirm_resize', args, { host: migration.sourceCompute! })
    return act(uuid, 'resize_reverting', 'revert_resize', args, { host: migration.destCompute! })
  }

  const event = (server: Server, name: string, tag: string | null) =>
    rpc.cast(computeAlt(server.host!), contextOf('root'), 'external_instance_event', {
      instances: [instanceToWire(server)],
      events: [
        {
          'nova_object.name': 'InstanceExternalEvent',
          'nova_object.namespace': 'nova',
          'nova_object.version': '1.5',
          'nova_object.data': { instance_uuid: server.uuid, name, status: 'completed', tag, data: {} },
        },
      ],
    })

  return {
    find,
    request,
    create,
    settled,
    until,
    gone,
    act,
    task,
    call,
    events,
    resize,
    answerResize,
    event,
    now: () => toDateTime(clock.now()),
  }
}
