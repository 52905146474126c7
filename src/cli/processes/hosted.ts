/** Serves one of Nova's applications, once it has found its databases. */
import { setTimeout as delay } from 'node:timers/promises'
import { DatabaseUnavailable } from '../../oslo/database/errors.ts'
import type { ServedApplication } from '../../wsgi/application.ts'
import { type Listening, listen } from './listen.ts'

const retryMs = 40
const patienceMs = 60_000

/** Waits while the cell makes the databases. Rejects with whatever else keeps the application from starting. */
export async function hosted(application: ServedApplication, address: { host: string; port: number }): Promise<Listening> {
  const end = performance.now() + patienceMs
  for (;;) {
    try {
      await application.ready()
      return await listen(application.handle, address)
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable) || performance.now() > end) throw error
      await delay(retryMs)
    }
  }
}
