/** Calls methods of other services: `call` waits for the answer, `cast` for the broker alone, `fanout` reaches everybody on a topic. */
import { randomUUID } from 'node:crypto'
import type { RequestContext } from '../context.ts'
import { contextToWire } from './context.ts'
import type { Address, Consumption, Driver, Incoming } from './driver.ts'
import { type Message, seal, unseal } from './envelope.ts'
import { MessageDeliveryFailure, MessagingTimeout } from './errors.ts'
import { failureFromWire } from './failure.ts'
import { recentIds } from './recent-ids.ts'

export interface Target {
  /** `conductor`, `compute`, `scheduler` … */
  readonly topic: string
  /** The host, where one certain server is meant. */
  readonly server?: string
  /** Of the methods: `compute_task`; absent for the main ones of a topic. */
  readonly namespace?: string
  /** The version that the other side must understand; 1.0 when absent. */
  readonly version?: string
}

export interface CastOptions {
  /** Instead of the target's. */
  readonly version?: string
  readonly namespace?: string
}

export interface CallOptions extends CastOptions {
  /** The most that the answer may take; the client's own when absent. */
  readonly timeoutMs?: number
  /** The most between two signs of life of a method that runs long; no signs are asked for when absent. Whole seconds from 2 on. */
  readonly monitorMs?: number
}

export type Arguments = Readonly<Record<string, unknown>>

export interface RpcClient {
  /**
   * The method's result. Rejects with a `RemoteError` when it failed, a `MessagingTimeout` when no answer came, a `MessageDeliveryFailure`
   * when the message could not be sent.
   */
  call<T = unknown>(target: Target, context: RequestContext, method: string, args: Arguments, options?: CallOptions): Promise<T>
  /** Resolves when the broker has the message; whatever the method does later is not told. Rejects with a `MessageDeliveryFailure`. */
  cast(target: Target, context: RequestContext, method: string, args: Arguments, options?: CastOptions): Promise<void>
  /** A cast to everybody who listens on the topic. */
  fanout(target: Omit<Target, 'server'>, context: RequestContext, method: string, args: Arguments, options?: CastOptions): Promise<void>
  /** Waiting calls reject. The driver stays open. */
  close(): Promise<void>
}

export interface RpcClientOptions {
  /** `rpc_response_timeout`. */
  readonly responseTimeoutMs?: number
  /** How long a broker may take to take a message, however long the answer may take then. */
  readonly sendTimeoutMs?: number
  /** 32 hexadecimal digits, another at each call. */
  readonly newId?: () => string
  /** Told of answers that cannot be read. */
  readonly report?: (error: unknown) => void
}

interface Waiter {
  answer(message: Message): void
  fail(error: Error): void
}

/** A client with a reply queue of its own, made at the first call. */
export function rpcClient(driver: Driver, options: RpcClientOptions = {}): RpcClient {
  const { responseTimeoutMs = 60_000, sendTimeoutMs = 10_000, newId = () => randomUUID().replaceAll('-', ''), report = () => {} } = options
  const replyQueue = `reply_${driver.ownName?.() ?? newId()}`
  const waiters = new Map<string, Waiter>()
  const seen = recentIds()
  let replies: Promise<Consumption> | undefined
  let listening: Consumption | undefined
  let closed = false

  function onReply(incoming: Incoming): void {
    incoming.acknowledge()
    try {
      const message = unseal(incoming.body)
      const id = message._unique_id
      if (id !== undefined && !seen.add(id)) return
      // an answer that nobody waits for any more came too late
      waiters.get(String(message._msg_id))?.answer(message)
    } catch (error) {
      report(error)
    }
  }

  function listen(): Promise<Consumption> {
    replies ??= driver.consume({ kind: 'reply', queue: replyQueue }, 1000, onReply)
    replies.then(
      (consumption) => {
        listening = consumption
      },
      () => {
        replies = undefined
      },
    )
    return replies
  }

  const send = (to: Address, context: RequestContext, message: Message, limits: { expiresMs?: number; timeoutMs: number }) => {
    const id = newId()
    const body = seal({ ...message, _unique_id: id, ...contextToWire(context) })
    return driver.publish(to, { id, body, durable: to.kind === 'topic' && message._msg_id === undefined, ...limits })
  }

  function call<T>(target: Target, context: RequestContext, method: string, args: Arguments, options: CallOptions = {}): Promise<T> {
    const { timeoutMs = responseTimeoutMs, monitorMs } = options
    const sendMs = Math.min(timeoutMs, sendTimeoutMs)
    const msgId = newId()
    return new Promise<T>((resolve, reject) => {
      let sent = false
      const late = () =>
        sent
          ? new MessagingTimeout(`Timed out waiting for a reply to message ID ${msgId} (${method})`)
          : new MessageDeliveryFailure(`${method} could not be sent within ${sendMs} ms`)
      const deadline = setTimeout(() => waiter.fail(late()), timeoutMs)
      const sending = setTimeout(() => waiter.fail(late()), sendMs)
      let silence: NodeJS.Timeout | undefined
      const done = () => {
        clearTimeout(deadline)
        clearTimeout(sending)
        clearTimeout(silence)
        waiters.delete(msgId)
      }
      const waiter: Waiter = {
        answer(reply) {
          if (!reply.ending && !reply.failure) {
            silence?.refresh()
            return
          }
          done()
          if (reply.failure) reject(failureFromWire(reply.failure))
          else resolve((reply.result ?? null) as T)
        },
        fail(error) {
          done()
          reject(error)
        },
      }
      waiters.set(msgId, waiter)
      const message = {
        ...messageOf(target, method, args, options),
        _msg_id: msgId,
        _reply_q: replyQueue,
        _timeout: monitorMs === undefined ? null : Math.floor(monitorMs / 1000),
      }
      const begin = async () => {
        await listen()
        if (!waiters.has(msgId)) return
        await send(topicOf(target), context, message, { expiresMs: timeoutMs, timeoutMs: sendMs })
        clearTimeout(sending)
        sent = true
        if (monitorMs !== undefined && waiters.has(msgId)) silence = setTimeout(() => waiter.fail(late()), monitorMs)
      }
      begin().catch((error) => waiter.fail(error))
    })
  }

  const open = <A extends unknown[], R>(ask: (...args: A) => Promise<R>) =>
    async function ifOpen(...args: A): Promise<R> {
      if (closed) throw new MessageDeliveryFailure('the RPC client is closed')
      return ask(...args)
    }

  return {
    call: open(call) as RpcClient['call'],
    cast: open((target, context, method, args, options) =>
      send(topicOf(target), context, messageOf(target, method, args, options), { timeoutMs: sendTimeoutMs }),
    ),
    fanout: open((target, context, method, args, options) =>
      send({ kind: 'fanout', topic: target.topic }, context, messageOf(target, method, args, options), { timeoutMs: sendTimeoutMs }),
    ),
    async close() {
      if (closed) return
      closed = true
      for (const waiter of [...waiters.values()]) waiter.fail(new MessageDeliveryFailure('the RPC client was closed'))
      // where no broker was there yet, this ends with the driver
      await listening?.cancel()
    },
  }
}

function messageOf(target: Target, method: string, args: Arguments, { version, namespace }: CastOptions = {}): Message {
  const space = namespace ?? target.namespace
  const least = version ?? target.version
  return { method, args, ...(space === undefined ? {} : { namespace: space }), ...(least === undefined ? {} : { version: least }) }
}

const topicOf = ({ topic, server }: Target): Address => ({ kind: 'topic', topic, ...(server === undefined ? {} : { server }) })
