/** What happens by the clock: signs of life, and looking after what was left. */
import type { CellParts } from './parts.ts'
import { reportHosts } from './providers.ts'
import { signOfLife } from './services.ts'
import { sweep } from './sweep/index.ts'
import { healer } from './sweep/periodic.ts'

export interface Timers {
  /** Resolves when nothing of it is under way any more. */
  stop(): Promise<void>
}

export function keepTime(parts: CellParts): Timers {
  const { settings, log } = parts
  const timers: NodeJS.Timeout[] = []
  const running = new Map<string, Promise<void>>()

  /** Not while the last one still runs. */
  function run(what: string, work: () => Promise<void>): void {
    if (running.has(what)) return
    const ended = work()
      .catch((error) => log.error(`${what} failed`, { error }))
      .finally(() => running.delete(what))
    running.set(what, ended)
  }

  const every = (seconds: number, what: string, work: () => Promise<void>) => {
    if (seconds > 0) timers.push(setInterval(() => run(what, work), seconds * 1000))
  }

  const clearUp = () => sweep(parts)
  every(settings.heartbeatSeconds, 'A sign of life', () => signOfLife({ ...parts, isDown: parts.faults.isDown }))
  every(settings.sweepSeconds, 'Clearing up', clearUp)
  every(settings.healSeconds, 'Looking at networks', healer(parts))
  every(settings.reportSeconds, 'Telling of hosts', () => reportHosts(parts))
  // what a crash has left is old enough a moment after the start
  for (const seconds of [0, settings.graceSeconds + 1]) timers.push(setTimeout(() => run('Clearing up', clearUp), seconds * 1000))
  return {
    async stop() {
      for (const timer of timers) clearInterval(timer)
      await Promise.all(running.values())
    },
  }
}
