/** What a worker may use up before it gives way: time for a request, memory, its own age. */
import { type Filter, text } from '../app/contract.ts'
import type { Watcher } from './exchange.ts'

export type GiveWay = (reason: string) => void

/**
 * A request that is not answered in time is answered 504 and left to itself, and its worker is told to give way, as uWSGI ends a worker at its
 * harakiri. An answer that has begun may take as long as it does.
 */
export const requestLimit = (seconds: number, late: GiveWay): Filter =>
  seconds === 0
    ? (app) => app
    : (app) =>
        async function requestLimit(request) {
          const { promise: over, resolve } = Promise.withResolvers<void>()
          const timer = setTimeout(resolve, seconds * 1000)
          const answered = app(request)
          const response = await Promise.race([answered, over]).finally(() => clearTimeout(timer))
          if (response) return response
          // nobody waits for it any more
          answered.catch(() => undefined)
          late(`${request.method} ${request.path} has not been answered for ${seconds} s`)
          return text(504, 'The request took too long.\n')
        }

const mib = 1024 * 1024
/** Reading it costs more than a small answer. */
const memoryEveryMs = 500

/** Tells once, after a request, that the process holds more. */
export function memoryLimit(mostMib: number, exceeded: GiveWay, resident = () => process.memoryUsage.rss()): Watcher {
  let next = Number.NEGATIVE_INFINITY
  return {
    ended() {
      const now = performance.now()
      if (now < next) return
      next = now + memoryEveryMs
      const held = Math.round(resident() / mib)
      if (held <= mostMib) return
      next = Number.POSITIVE_INFINITY
      exceeded(`it holds ${held} MiB of memory, more than ${mostMib}`)
    },
  }
}

/** Tells once, after a request, that so many have been answered. */
export function countLimit(requests: number, exhausted: GiveWay): Watcher {
  let left = requests
  return {
    ended() {
      if (--left === 0) exhausted(`${requests} requests are answered`)
    },
  }
}

/** Tells when the worker is so old. */
export function ageLimit(seconds: number, old: GiveWay): void {
  if (seconds > 0) setTimeout(() => old(`it has served for ${seconds} s`), seconds * 1000).unref()
}
