/** What the kernel says of a process. */
import { readdirSync, readFileSync } from 'node:fs'

/** CPU time of all threads so far, in milliseconds, to the nanosecond. */
export function cpuMs(pid: number): number {
  let nanoseconds = 0
  for (const thread of readdirSync(`/proc/${pid}/task`))
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0])
  return nanoseconds / 1e6
}

/** Resident memory in MB (10⁶ bytes). */
export function residentMb(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? []
  return (Number(kilobytes) * 1024) / 1e6
}
