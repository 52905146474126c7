/** Serves methods to other services: listens on a topic, on the topic of its own host and on the fan-out, runs the method, answers calls. */
import { randomUUID } from 'node:crypto'
import type { RequestContext } from '../context.ts'
import { contextFromWire } from './context.ts'
import type { Address, Consumption, Driver, Incoming } from './driver.ts'
import { type Message, seal, unseal } from './envelope.ts'
import { failureToWire, noSuchMethod, RemoteError, unsupportedVersion } from './failure.ts'
import { recentIds } from './recent-ids.ts'
import { isCompatible } from './version.ts'

export interface MethodCall {
  readonly method: string
  /** The version that was asked for. */
  readonly version: string
  /** The message may have been here before a crash: what the method does must bear being done again. */
  readonly redelivered: boolean
}

/** A method. What it returns goes to the caller as JSON; what it throws, as a failure (a `RemoteError` under its own class). */
export type Method = (context: RequestContext, args: Readonly<Record<string, unknown>>, call: MethodCall) => unknown

export interface Endpoint {
  readonly namespace?: string
  /** Names that the namespace had before. */
  readonly legacyNamespaces?: readonly string[]
  /** The latest version that it serves; 1.0 when absent. */
  readonly version?: string
  /** Those whose names begin with an underscore cannot be reached. */
  readonly methods: Readonly<Record<string, Method>>
  /** By method: classes of remote errors that are no surprise, and not reported. */
  readonly expected?: Readonly<Record<string, readonly string[]>>
}

export interface RpcServerOptions {
  readonly driver: Driver
  readonly topic: string
  /** The host. */
  readonly server: string
  readonly endpoints: readonly Endpoint[]
  /** Told of what methods throw and of messages that cannot be read. */
  readonly report: (error: unknown, method: string) => void
  /**
   * Most messages in work at once. A cast stays in work until its method is done, so methods that run for minutes need room beside them;
   * oslo.messaging's 64 would not do.
   */
  readonly atOnce?: number
  readonly newId?: () => string
}

export interface RpcServer {
  /** Takes no more messages; resolves when those in work are done. */
  stop(): Promise<void>
}

/** Resolves when the broker knows of the server. */
export async function rpcServer(options: RpcServerOptions): Promise<RpcServer> {
  const { driver, topic, server, endpoints, report, atOnce = 1000, newId = () => randomUUID().replaceAll('-', '') } = options
  const seen = recentIds()
  /** In work, by unique id: one that is delivered again meanwhile waits for the first to end. */
  const running = new Map<string, Promise<void>>()

  async function run(message: Message, redelivered: boolean): Promise<void> {
    const stopBeating = beat(message)
    const answer = await outcome(message, redelivered)
    stopBeating()
    if (message._reply_q && message._msg_id) await reply(message, answer, true)
  }

  async function outcome(message: Message, redelivered: boolean): Promise<{ result?: unknown; failure?: string }> {
    const { method = '', version = '1.0' } = message
    let endpoint: Endpoint | undefined
    try {
      endpoint = findEndpoint(endpoints, message)
      const result = await endpoint.methods[method]!(contextFromWire(message), message.args ?? {}, { method, version, redelivered })
      return { result }
    } catch (error) {
      const expected = error instanceof RemoteError && endpoint?.expected?.[method]?.includes(error.className)
      if (!expected) report(error, method)
      return { failure: failureToWire(error) }
    }
  }

  async function reply(
    message: Message,
    { result = null, failure = null }: { result?: unknown; failure?: string | null },
    ending: boolean,
  ) {
    const id = newId()
    const body = sealReply({ result, failure, ending, _msg_id: message._msg_id!, _unique_id: id })
    try {
      await driver.publish({ kind: 'reply', queue: message._reply_q! }, { id, body, durable: false, expiresMs: 60_000 })
    } catch (error) {
      report(error, String(message.method))
    }
  }

  /** A result that is no JSON is a failure of the method. */
  function sealReply(message: Message): string {
    try {
      return seal(message)
    } catch (error) {
      return seal({ ...message, result: null, failure: failureToWire(error) })
    }
  }

  /** Signs of life while a call runs, twice in each span that the caller waits. oslo_messaging/rpc/dispatcher.py RPCDispatcher._watchdog */
  function beat(message: Message): () => void {
    const everySeconds = Math.trunc(Number(message._timeout ?? 0)) / 2
    if (!message._reply_q || !(everySeconds >= 1)) return () => {}
    const timer = setInterval(() => void reply(message, {}, false), everySeconds * 1000)
    return () => clearInterval(timer)
  }

  function take(incoming: Incoming): void {
    const message = read(incoming)
    if (!message) {
      incoming.acknowledge()
      return
    }
    const id = message._unique_id
    if (id !== undefined && !seen.add(id)) {
      // acknowledged with the first: if this process dies before that one is done, it must come again
      void (running.get(id) ?? Promise.resolve()).then(() => incoming.acknowledge())
      return
    }
    const key = id ?? newId()
    const work = run(message, incoming.redelivered).finally(() => {
      running.delete(key)
      incoming.acknowledge()
    })
    running.set(key, work)
  }

  function read(incoming: Incoming): Message | undefined {
    try {
      return unseal(incoming.body)
    } catch (error) {
      report(error, '')
      return undefined
    }
  }

  const addresses: Address[] = [
    { kind: 'topic', topic },
    { kind: 'topic', topic, server },
    { kind: 'fanout', topic },
  ]
  const consumptions: Consumption[] = await Promise.all(addresses.map((address) => driver.consume(address, atOnce, take)))
  return {
    async stop() {
      await Promise.all(consumptions.map((consumption) => consumption.cancel()))
      await Promise.all(running.values())
    },
  }
}

/** What answers operators' pings where `rpc_ping_enabled` is set. oslo_messaging/rpc/dispatcher.py PingEndpoint */
export const pingEndpoint: Endpoint = { methods: { oslo_rpc_server_ping: () => 'pong' } }

/** Throws what oslo_messaging/rpc/dispatcher.py RPCDispatcher.dispatch throws. */
function findEndpoint(endpoints: readonly Endpoint[], message: Message): Endpoint {
  const { method = '', namespace = null, version = '1.0' } = message
  const compatible = endpoints.filter((endpoint) => inNamespace(endpoint, namespace) && isCompatible(endpoint.version ?? '1.0', version))
  const found = compatible.find(({ methods }) => Object.hasOwn(methods, method) && !method.startsWith('_'))
  if (found) return found
  throw compatible.length > 0 ? noSuchMethod(method) : unsupportedVersion(version, method)
}

const inNamespace = (endpoint: Endpoint, namespace: string | null): boolean =>
  (endpoint.namespace ?? null) === namespace || (namespace !== null && (endpoint.legacyNamespaces?.includes(namespace) ?? false))
