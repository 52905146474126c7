/** Tells a client how long its request took, in the header that browsers and tracing proxies show. */
import type { Filter } from '../app/contract.ts'

/** `elapsed` is a clock in milliseconds that never goes back. */
export const serverTiming =
  (elapsed: () => number = () => performance.now()): Filter =>
  (app) =>
    async function serverTiming(request) {
      const start = elapsed()
      const response = await app(request)
      return { ...response, headers: [...response.headers, ['Server-Timing', `app;dur=${(elapsed() - start).toFixed(1)}`]] }
    }
