/** What RPC needs of a message broker: topic queues, fan-outs, reply queues, confirms and acknowledgements. One implementation per `transport_url` scheme. */

/** Where a message goes, and where one listens. */
export type Address =
  /** One of those who listen gets it; with a server, that one. */
  | { readonly kind: 'topic'; readonly topic: string; readonly server?: string }
  /** Everybody who listens at this moment gets it. */
  | { readonly kind: 'fanout'; readonly topic: string }
  /** The queue of one process that awaits answers. */
  | { readonly kind: 'reply'; readonly queue: string }
  /** Notifications of a priority, such as `notifications.info`; they wait for whoever takes them. */
  | { readonly kind: 'notification'; readonly topic: string; readonly exchange?: string }

export interface Outgoing {
  /** Names the message, so that one sent twice can be told. */
  readonly id: string
  readonly body: string
  /** Outlives the broker until somebody has acknowledged it. For topics only. */
  readonly durable: boolean
  /** Dropped when nobody took it by then. */
  readonly expiresMs?: number
  /** How long to try; the driver's own bound (`publishTimeoutMs`) when absent. */
  readonly timeoutMs?: number
}

export interface Incoming {
  readonly body: string
  /** It may have been delivered before, to somebody who did not acknowledge it. */
  readonly redelivered: boolean
  /** The message is done with. Without it, it comes again when this consumer is gone. */
  acknowledge(): void
}

export interface Consumption {
  /** No more messages come. Those that came can still be acknowledged. */
  cancel(): Promise<void>
}

export interface Driver {
  /** Part of the name of a queue that this process alone has; random where absent. */
  ownName?(): string
  /** Resolves when the broker has it (and, if durable, has written it down). Rejects with a `MessageDeliveryFailure`. */
  publish(to: Address, message: Outgoing): Promise<void>
  /** At most `prefetch` messages are out unacknowledged. Resolves when the broker knows of the consumer, however long that takes; survives its restarts. */
  consume(from: Address, prefetch: number, deliver: (message: Incoming) => void): Promise<Consumption>
  /** Gives up what is not confirmed and who does not listen yet; what is not acknowledged goes back. */
  close(): Promise<void>
}

/** The name of the queue behind an address, as oslo.messaging names it. */
export function queueName(address: Address): string {
  if (address.kind === 'reply') return address.queue
  if (address.kind === 'fanout') return `${address.topic}_fanout`
  if (address.kind === 'notification') return address.topic
  return address.server === undefined ? address.topic : `${address.topic}.${address.server}`
}
