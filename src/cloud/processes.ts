/** Processes by number and start time: a number alone may have passed to somebody else's process since it was written down. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

export interface ProcessId {
  readonly pid: number
  /** Tells this process from earlier and later ones with its number. */
  readonly since: string
}

/** The process that has this number now; undefined when there is none. */
export function identify(pid: number): ProcessId | undefined {
  const since = process.platform === 'linux' ? linuxStart(pid) : otherStart(pid)
  return since === undefined ? undefined : { pid, since }
}

/** Whether it still runs. */
export const isAlive = ({ pid, since }: ProcessId): boolean => identify(pid)?.since === since

/** proc(5): state and start time in ticks since boot are fields 3 and 22 of `stat`; the name before them may hold anything. */
function linuxStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined
    return `${fields[19]}@${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()}`
  } catch {
    return undefined
  }
}

function otherStart(pid: number): string | undefined {
  try {
    return (
      execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim() ||
      undefined
    )
  } catch {
    return undefined
  }
}

/** Asks a process to end, and ends it when it has not within `patienceMs`. Resolves when it is gone; other processes with its number are left alone. */
export async function stopProcess(
  target: ProcessId,
  { patienceMs = 5000 }: { patienceMs?: number } = {},
): Promise<'gone' | 'ended' | 'killed'> {
  if (!isAlive(target)) return 'gone'
  signal(target, 'SIGTERM')
  if (await goneWithin(target, patienceMs)) return 'ended'
  signal(target, 'SIGKILL')
  if (await goneWithin(target, 5000)) return 'killed'
  throw new Error(`the process ${target.pid} does not end`)
}

function signal({ pid }: ProcessId, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Whether it ends in time. */
async function goneWithin(target: ProcessId, ms: number): Promise<boolean> {
  const end = performance.now() + ms
  while (isAlive(target)) {
    if (performance.now() > end) return false
    await delay(10)
  }
  return true
}
