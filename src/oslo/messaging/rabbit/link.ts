/** A connection to one of several brokers that is made again, there or at the next, for as long as somebody needs it. */
import type { ChannelModel } from 'amqplib'
import { type Broker, connectionName, connectOptions, shownBroker } from './brokers.ts'
import type { RabbitSettings } from './options.ts'

export interface Link {
  /** Connects, or tries again soon when brokers were away. */
  wake(): void
  /** Undefined while there is none. */
  connection(): ChannelModel | undefined
  /** The last thing that went wrong, for an error message; empty when nothing did. */
  trouble(): string
  /** Lets what was written go out, within a second. */
  close(): Promise<void>
}

export interface LinkOptions {
  readonly brokers: readonly Broker[]
  readonly settings: RabbitSettings
  /** Shown in the broker's list of connections. */
  readonly purpose: string
  /** Whether the connection is worth making again. */
  readonly needed: () => boolean
  readonly onOpen: (connection: ChannelModel) => void
  readonly onLost: () => void
  readonly report: (error: unknown) => void
}

const connectTimeoutMs = 4_000
const closeTimeoutMs = 1_000
/** After a loss, before the first try: brokers that stop cut connections a moment before they stop to listen. */
const firstRetryMs = 100

export function link({ brokers, settings, purpose, needed, onOpen, onLost, report }: LinkOptions): Link {
  // oslo_messaging/_drivers/impl_rabbit.py Connection.__init__: clients spread over the brokers
  let order = shuffled(brokers)
  let next = 0
  let connection: ChannelModel | undefined
  let connecting = false
  let closed = false
  let retry: NodeJS.Timeout | undefined
  /** Rounds over all brokers without success. */
  let rounds = 0
  let lastTry = Number.NEGATIVE_INFINITY
  let trouble = ''

  async function open(): Promise<void> {
    if (connection || connecting || closed) return
    clearTimeout(retry)
    retry = undefined
    connecting = true
    lastTry = performance.now()
    const broker = order[next]!
    try {
      const made = await connect(broker, settings, purpose)
      connecting = false
      if (closed) return void made.close().catch(() => {})
      adopt(made, broker)
    } catch (error) {
      connecting = false
      trouble = `${shownBroker(broker)}: ${said(error as Error, broker)}`
      if (!closed) failed()
    }
  }

  function adopt(made: ChannelModel, broker: Broker): void {
    const back = rounds > 0
    rounds = 0
    trouble = ''
    connection = made
    made.on('error', (error) => {
      trouble = `${shownBroker(broker)}: ${error.message}`
    })
    made.on('blocked', (reason) => report(new Error(`${shownBroker(broker)} takes no messages: ${reason}`)))
    made.on('close', (error) => made === connection && lost(broker, error))
    if (back) report(new Error(`connected to ${shownBroker(broker)} again`))
    onOpen(made)
  }

  function lost(broker: Broker, error: Error | undefined): void {
    connection = undefined
    trouble ||= `${shownBroker(broker)}: ${error?.message ?? 'the connection was closed'}`
    report(new Error(`the connection to ${trouble} was lost`))
    advance()
    onLost()
    if (!closed && needed()) later(firstRetryMs)
  }

  function failed(): void {
    advance()
    if (next > 0) return void open()
    rounds++
    if (rounds === 1) report(new Error(`no broker can be reached: ${trouble}`))
    if (needed())
      later(1000 * Math.min(settings.rabbitIntervalMax, settings.rabbitRetryInterval + (rounds - 1) * settings.rabbitRetryBackoff))
  }

  function advance(): void {
    next = (next + 1) % order.length
    if (next === 0 && settings.kombuFailoverStrategy === 'shuffle') order = shuffled(brokers)
  }

  function later(delayMs: number): void {
    clearTimeout(retry)
    retry = setTimeout(open, delayMs)
  }

  return {
    wake() {
      if (connection || connecting || closed) return
      // somebody waits: the pause that grew while nobody did is cut short
      const soonest = lastTry + settings.rabbitRetryInterval * 1000 - performance.now()
      if (rounds === 0 && !retry) void open()
      else if (rounds > 0) later(Math.max(0, soonest))
    },
    connection: () => connection,
    trouble: () => trouble,
    async close() {
      closed = true
      clearTimeout(retry)
      const last = connection
      connection = undefined
      if (!last) return
      let impatience: NodeJS.Timeout | undefined
      const gaveUp = new Promise<void>((resolve) => {
        impatience = setTimeout(resolve, closeTimeoutMs)
      })
      await Promise.race([last.close().catch(() => {}), gaveUp])
      clearTimeout(impatience)
    },
  }
}

/** amqplib is loaded here, when the first connection is made: clouds without RabbitMQ do without it. */
async function connect(broker: Broker, settings: RabbitSettings, purpose: string): Promise<ChannelModel> {
  const { connect, credentials } = await import('amqplib')
  const [url, socket] = connectOptions(broker, settings)
  const methods = { PLAIN: credentials.plain, AMQPLAIN: credentials.amqplain, EXTERNAL: credentials.external }
  const connection = await connect(url, {
    ...socket,
    credentials: methods[settings.rabbitLoginMethod as keyof typeof methods](broker.username, broker.password),
    // with Nagle's algorithm each call takes 40 ms more
    noDelay: true,
    keepAlive: true,
    timeout: connectTimeoutMs,
    clientProperties: { connection_name: connectionName(purpose) },
  })
  return connection
}

/** amqplib names the frame that came; the only thing that is refused at that point is the virtual host. */
const said = ({ message }: Error, { virtualHost }: Broker): string =>
  message.startsWith('Expected ConnectionOpenOk') ? `there is no virtual host '${virtualHost}' for this user` : message

function shuffled<T>(items: readonly T[]): T[] {
  const rest = [...items]
  return items.map(() => rest.splice(Math.floor(Math.random() * rest.length), 1)[0]!)
}
