/** Tells the compute API what has become of the ports of its servers, those of a moment together (neutron/notifiers/nova.py). */
import type { NetworkEvent } from './network/index.ts'

export interface ComputeEventsParts {
  /** The compute API, with its version: `http://127.0.0.1:8774/v2.1`. */
  readonly url: string
  /** Of somebody who may tell. */
  readonly token: () => Promise<string>
  /** Told when events could not be handed over; they are not sent again. */
  readonly warn: (message: string) => void
  readonly delayMs?: number
}

export interface ComputeEvents {
  notify(event: NetworkEvent): void
  /** Forgets what waits, and resolves when nothing is under way. */
  close(): Promise<void>
}

const timeoutMs = 10_000

export function computeEvents({ url, token, warn, delayMs = 100 }: ComputeEventsParts): ComputeEvents {
  let waiting: NetworkEvent[] = []
  let timer: NodeJS.Timeout | undefined
  let sending: Promise<void> = Promise.resolve()

  async function send(events: readonly NetworkEvent[]): Promise<void> {
    const told = events.map(({ name, serverId, portId }) => ({ name, server_uuid: serverId, tag: portId, status: 'completed' }))
    try {
      const answer = await fetch(`${url}/os-server-external-events`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-auth-token': await token() },
        body: JSON.stringify({ events: told }),
        signal: AbortSignal.timeout(timeoutMs),
      })
      await answer.arrayBuffer()
      // 404 when Nova knows none of the servers, 207 when it knows some: both are as they should be
      if (answer.status !== 404 && answer.status > 299) warn(`The compute API does not take events: ${answer.status}`)
    } catch (error) {
      warn(`The compute API could not be told of events: ${error instanceof Error ? error.message : error}`)
    }
  }

  return {
    notify(event) {
      waiting.push(event)
      timer ??= setTimeout(() => {
        const events = waiting
        waiting = []
        timer = undefined
        sending = sending.then(() => send(events))
      }, delayMs)
    },
    close() {
      clearTimeout(timer)
      return sending
    },
  }
}
