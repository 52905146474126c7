/** A driver for who lives in the broker's own process, and for tests: no socket, the same rules. */
import type { Driver } from '../driver.ts'
import { MessageDeliveryFailure } from '../errors.ts'
import { type Broker, createBroker } from './broker.ts'
import { maxBodyBytes } from './frames.ts'

/** Attaches to a broker. Closing the driver leaves the broker open. */
export function inProcessDriver(broker: Broker): Driver {
  const session = broker.attach()
  let tags = 0
  let closed = false
  return {
    publish: (to, { id, body, durable, expiresMs }) =>
      new Promise((resolve, reject) => {
        const bytes = Buffer.from(body)
        const refuse = (why: string) => reject(new MessageDeliveryFailure(`refused: ${why}`))
        if (closed) return refuse('the driver is closed')
        if (bytes.length > maxBodyBytes) return refuse(`${bytes.length} bytes are more than a message may have`)
        session.publish(to, { id, body: bytes, durable, ...(expiresMs === undefined ? {} : { expiresMs }) }, (refusal) =>
          refusal === undefined ? resolve() : refuse(refusal),
        )
      }),
    async consume(from, prefetch, deliver) {
      if (closed) throw new MessageDeliveryFailure('the driver is closed')
      const tag = ++tags
      session.consume(tag, from, prefetch, (delivery, body, redelivered) => {
        const acknowledge = () => session.acknowledge(tag, [delivery])
        // never from inside the publisher's own call
        setImmediate(() => !closed && deliver({ body: body.toString(), redelivered, acknowledge }))
      })
      return { cancel: async () => session.cancel(tag) }
    },
    async close() {
      if (closed) return
      closed = true
      session.close()
    },
  }
}

/** A driver with a broker of its own, which keeps nothing: `transport_url = memory:`. */
export function memoryDriver(): Driver {
  const broker = createBroker()
  const driver = inProcessDriver(broker)
  return {
    ...driver,
    async close() {
      await driver.close()
      broker.close()
    },
  }
}
