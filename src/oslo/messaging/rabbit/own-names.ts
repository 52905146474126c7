/**
 * Names for queues that one process alone has. With `use_queue_manager` they stay over restarts, so that a service that restarts often leaves no trail of
 * unused queues: `<host>:<program>:<number>`, where the number is held, for the life of the process, by a file in shared memory.
 */
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, join } from 'node:path'
import type { RabbitSettings } from './options.ts'

/** `directory` is where the numbers are held; oslo.messaging counts in the same place, with files of other names. */
export function ownNames(settings: RabbitSettings, directory = '/dev/shm'): () => string {
  if (!settings.useQueueManager) return () => randomUUID().replaceAll('-', '')
  const host = settings.hostname ?? hostname()
  const program = settings.processname ?? basename(process.argv[1] ?? 'nova-ts')
  return () => `${host}:${program}:${claim(join(directory, `${host}_${program}_queue`.replaceAll('/', '-')))}`
}

/** The lowest number that no living process holds. */
function claim(stem: string): number {
  return locked(`${stem}.lock`, () => {
    for (let number = 1; ; number++) {
      const file = `${stem}.${number}`
      if (isHeld(file)) continue
      writeFileSync(file, `${process.pid} ${startOf(process.pid)}`)
      return number
    }
  })
}

const lockPatienceMs = 5_000

/** Workers that start together claim one after the other. A lock that is older than it can take was left by one that died. */
function locked<T>(lock: string, work: () => T): T {
  const start = performance.now()
  while (!tryMake(lock)) {
    if (performance.now() - start > lockPatienceMs) rmSync(lock, { recursive: true, force: true })
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2)
  }
  try {
    return work()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

function tryMake(directory: string): boolean {
  try {
    mkdirSync(directory)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function isHeld(file: string): boolean {
  try {
    const [pid, start] = readFileSync(file, 'utf8').split(' ')
    return start !== '' && startOf(Number(pid)) === start
  } catch {
    return existsSync(file)
  }
}

/** When a process began, in ticks since the machine did; tells it from a later one with its number. Empty when there is none. */
function startOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
