/** Waiting for what another process does, in bounded time. */
import { setTimeout as delay } from 'node:timers/promises'

/** The first answer that is one, of a question that is asked again and again. Rejects after `ms`, with what was waited for. */
export async function until<T>(
  what: string | (() => string),
  ask: () => T | false | undefined | Promise<T | false | undefined>,
  ms = 10_000,
): Promise<T> {
  const end = performance.now() + ms
  for (;;) {
    const found = await ask()
    if (found) return found
    if (performance.now() > end) throw new Error(`gave up waiting until ${typeof what === 'string' ? what : what()}`)
    await delay(20)
  }
}
