/** Each message that nova-api sends, as it was recorded from Nova 33.0.2: what our senders put on the wire has to be the same. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ConsumeMessage } from 'amqplib'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Backends } from '../../src/compute/backends.ts'
import { castBuild } from '../../src/compute/rpc/build.ts'
import { callCompute, castToCompute } from '../../src/compute/rpc/compute.ts'
import { callConductor, castToConductor, longCall } from '../../src/compute/rpc/conductor.ts'
import { callHost } from '../../src/compute/rpc/host.ts'
import type { Placed } from '../../src/compute/services/find.ts'
import type { RequestContext } from '../../src/oslo/context.ts'
import { type RpcClient, rpcClient } from '../../src/oslo/messaging/rpc-client.ts'
import type { ObjectType } from '../../src/oslo/objects/object.ts'
import { Aggregate } from '../../src/stores/objects/aggregate.ts'
import { BlockDeviceMappingList } from '../../src/stores/objects/block-device-mapping.ts'
import { BuildRequest } from '../../src/stores/objects/build-request.ts'
import { InstanceExternalEvent } from '../../src/stores/objects/external-event.ts'
import { Flavor } from '../../src/stores/objects/flavor.ts'
import { Instance } from '../../src/stores/objects/instance.ts'
import { Migration } from '../../src/stores/objects/migration.ts'
import { NetworkRequestList } from '../../src/stores/objects/network-request.ts'
import { RequestSpec } from '../../src/stores/objects/request-spec.ts'
import { TagList } from '../../src/stores/objects/tag.ts'
import { closeAll, driverAt, tap } from './support.ts'

interface Recorded {
  readonly method: string
  readonly kind: 'call' | 'cast'
  readonly exchange: string
  readonly key: string
  readonly namespace?: string
  readonly version: string
  readonly expiration?: string
  readonly timeout?: number | null
  /** Of the message, in order; those of the context follow. */
  readonly keys: readonly string[]
  /** An object is `{ object, version }`. */
  readonly args: Readonly<Record<string, unknown>>
}

const recorded = JSON.parse(readFileSync(join(import.meta.dirname, 'recorded.json'), 'utf8')) as Recorded[]

const context: RequestContext = {
  userId: 'a1',
  userName: 'ann',
  projectId: 'b2',
  projectName: 'shop',
  domainId: null,
  domainName: null,
  userDomainId: 'default',
  projectDomainId: 'default',
  systemScope: null,
  roles: ['member'],
  isAdmin: false,
  isAdminProject: true,
  token: 'gAAA',
  serviceToken: null,
  serviceUserId: null,
  serviceProjectId: null,
  serviceRoles: [],
  catalog: [],
  requestId: 'req-1',
  globalRequestId: null,
  remoteAddress: '127.0.0.1',
  timestamp: '2026-03-01T10:00:00.25',
  readDeleted: 'no',
}

const contextKeys = [
  ...['user', 'project_id', 'system_scope', 'project', 'domain', 'user_domain', 'project_domain', 'is_admin', 'read_only', 'show_deleted'],
  ...[
    'auth_token',
    'request_id',
    'global_request_id',
    'resource_uuid',
    'roles',
    'user_identity',
    'is_admin_project',
    'user_id',
    'read_deleted',
  ],
  ...['remote_address', 'timestamp', 'quota_class', 'user_name', 'service_catalog', 'project_name'],
].map((name) => `_context_${name}`)

const uuid = '00000000-0000-4000-8000-000000000001'
const types = [
  Aggregate,
  BlockDeviceMappingList,
  BuildRequest,
  InstanceExternalEvent,
  Flavor,
  Instance,
  Migration,
  NetworkRequestList,
  RequestSpec,
  TagList,
]
const lists = new Set(['BlockDeviceMappingList', 'NetworkRequestList', 'TagList'])
const typeOf = (name: string) => {
  const found = types.find((type) => type.name === name)
  if (!found) throw new Error(`${name} is not among the types of this test`)
  return found as unknown as ObjectType<never>
}
const newObject = (name: string) => typeOf(name).make((lists.has(name) ? { objects: [] } : {}) as never)

/** Objects where the recording names one; `wire`: as they travel. */
function made(value: unknown, wire: boolean): unknown {
  if (value === '<uuid>') return uuid
  if (Array.isArray(value)) return value.map((each) => made(each, wire))
  if (typeof value !== 'object' || value === null) return value
  const { object } = value as { object?: string }
  if (object === undefined) return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, made(each, wire)]))
  return wire ? typeOf(object).toWire(newObject(object)) : newObject(object)
}

/** As the recordings have it. */
function shown(value: unknown): unknown {
  if (value === uuid) return '<uuid>'
  if (Array.isArray(value)) return value.map(shown)
  if (typeof value !== 'object' || value === null) return value
  const { 'nova_object.name': object, 'nova_object.version': version } = value as Record<string, unknown>
  if (object !== undefined) return { object, version }
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, shown(each)]))
}

const hostCalls = new Set(['get_host_uptime', 'host_maintenance_mode', 'host_power_action', 'set_host_enabled'])

let client: RpcClient
let toTopics: ConsumeMessage[]
let toSchedulers: ConsumeMessage[]

beforeAll(async () => {
  const driver = driverAt()
  client = rpcClient(driver)
  toTopics = await tap('nova', 'topic')
  toSchedulers = await tap('scheduler_fanout', 'fanout')
})
afterAll(async () => {
  await client.close()
  await closeAll()
})

/** Sends it the way the API does. The answer of a call never comes. */
function send({ method, kind, key, namespace, version, args }: Recorded): Promise<unknown> {
  const backends = {
    rpc: { top: client, cell: async () => client },
    settings: { compute: { rpcResponseTimeout: 60, longRpcTimeout: 1800 } },
  } as unknown as Backends
  if (method === 'schedule_and_build_instances') return castBuild(backends, context, made(args, true) as never)
  if (key === '') return client.fanout({ topic: 'scheduler', version }, context, method, made(args, true) as never)
  if (hostCalls.has(method)) {
    const placed = { cell: { id: 1 }, service: { host: 'h1' } } as unknown as Placed
    return callHost(backends, context, placed, method as 'get_host_uptime', args)
  }
  // these two have senders of their own, which need stores
  if (method === 'external_instance_event')
    return client.cast({ topic: 'compute-alt', server: 'h1', version }, context, method, made(args, true) as never)
  if (method === 'cache_images')
    return client.cast({ topic: 'conductor', namespace: namespace!, version }, context, method, made(args, true) as never)
  if (key === 'conductor') {
    const plain = made(args, false) as never
    return kind === 'cast'
      ? castToConductor(backends, context, method as 'unshelve_instance', plain)
      : callConductor(backends, context, method as 'unshelve_instance', plain, longCall(backends))
  }
  const { instance, ...rest } = made(args, false) as { instance: Instance }
  const place = { cellId: 1, host: 'h1' }
  return kind === 'cast'
    ? castToCompute(backends, context, place, method as 'stop_instance', instance, rest as never)
    : callCompute(backends, context, place, method as 'get_diagnostics', instance, rest as never)
}

describe('messages as Nova sends them', () => {
  for (const one of recorded)
    test(`${one.kind} ${one.method}`, async () => {
      const box = one.exchange === 'nova' ? toTopics : toSchedulers
      box.length = 0
      send(one).catch(() => {})
      await vi.waitFor(() => expect(box).toHaveLength(1), { timeout: 5_000, interval: 5 })
      const { fields, properties, content } = box[0]!
      expect([fields.exchange, fields.routingKey]).toEqual([one.exchange, one.key])
      const set = Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined))
      expect(set).toEqual({
        contentType: 'application/json',
        contentEncoding: 'utf-8',
        deliveryMode: 2,
        priority: 0,
        headers: {},
        ...(one.expiration ? { expiration: one.expiration } : {}),
      })
      const envelope = JSON.parse(content.toString())
      expect(Object.keys(envelope)).toEqual(['oslo.version', 'oslo.message'])
      expect(envelope['oslo.version']).toBe('2.0')
      const message = JSON.parse(envelope['oslo.message'])
      expect(Object.keys(message)).toEqual([...one.keys, ...contextKeys])
      expect([message.method, message.namespace, message.version, message._timeout]).toEqual([
        one.method,
        one.namespace,
        one.version,
        one.timeout,
      ])
      expect(message._unique_id).toMatch(/^[0-9a-f]{32}$/)
      expect(Object.keys(message.args)).toEqual(Object.keys(one.args))
      expect(shown(message.args)).toEqual(one.args)
    })
})
