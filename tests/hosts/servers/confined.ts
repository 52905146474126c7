/** The compute API as containers run it: an unprivileged user, a root file system that cannot be written, 512 MiB; and what it needs of them. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { load, loadRow } from '../load.ts'
import { root } from '../own.ts'
import { start } from './processes.ts'
import { configurationOf, type RealCheck, withCloud } from './real.ts'

/** Of the images of kolla and its heirs. */
const user = 42_424
const limitBytes = 512 * 1024 * 1024

/** Binds the state writable, everything else not, joins the group that limits memory, and becomes the user for good. */
const confine = `set -e
mount --bind "$STATE" "$STATE"
cd /
mount -o remount,bind,ro /
[ -z "$GROUP" ] || echo $$ > "$GROUP/cgroup.procs"
exec setpriv --reuid=${user} --regid=${user} --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all "$@"`

interface Limit {
  /** The directory of the group; empty when memory cannot be limited here. */
  readonly group: string
  peakBytes(): number
  remove(): void
}

/** A group of version 1 or 2 of cgroups. */
function memoryLimit(): Limit {
  for (const [base, limit, peak] of [
    ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes', 'memory.max_usage_in_bytes'],
    ['/sys/fs/cgroup', 'memory.max', 'memory.peak'],
  ] as const) {
    const group = join(base, `nova-ts-${process.pid}`)
    try {
      mkdirSync(group)
      writeFileSync(join(group, limit), String(limitBytes))
      return { group, peakBytes: () => Number(readFileSync(join(group, peak), 'utf8')), remove: () => rmdirSync(group) }
    } catch {
      try {
        rmdirSync(group)
      } catch {
        // it was not made
      }
    }
  }
  return { group: '', peakBytes: () => 0, remove: () => undefined }
}

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)

/** Pages that processes share are counted once. */
const megabytesOf = (pid: number): number => Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))![1]) / 1024

function confinement(pid: number): string | null {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const uid = /^Uid:\s+(\d+)\s+(\d+)/m.exec(status)!.slice(1).map(Number)
  if (uid.some((id) => id !== user)) return `it runs as ${uid}`
  if (!/^CapEff:\s+0+$/m.test(status)) return 'it has capabilities'
  const mount = readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
    .split('\n')
    .findLast((line) => line.split(' ')[4] === '/')
  return mount?.split(' ')[5]?.split(',').includes('ro') ? null : 'its root can be written'
}

/** Thirty ports from `ports` on. */
export async function checkConfined(folder: string, ports: number): Promise<RealCheck | { readonly name: string; readonly skipped: true }> {
  const name = 'nova.wsgi.osapi_compute as an unprivileged user, on a read-only root, within 512 MiB'
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/setpriv') || !existsSync('/usr/bin/unshare')) return { name, skipped: true }
  const limit = memoryLimit()
  try {
    const problem = await withCloud(folder, ports, async (state, token) => {
      const port = ports + 25
      const command = [process.execPath, join(root, 'bin', 'nova-ts.js'), 'host', 'nova.wsgi.osapi_compute']
      const flags = ['--listen', `http://127.0.0.1:${port}`, '--workers', '2', '--metrics', `127.0.0.1:${port + 1}`]
      const env = { ...configurationOf(state), STATE: state, GROUP: limit.group }
      const words = ['/usr/bin/unshare', '--mount', '--propagation', 'private', 'sh', '-c', confine, 'sh', ...command, ...flags]
      const host = await start(words, { port }, { folder, name: 'confined', env })
      try {
        const headers = { 'x-auth-token': token, 'openstack-api-version': 'compute 2.61' }
        const first = await fetch(`http://127.0.0.1:${port}/v2.1/flavors/detail`, { headers })
        if (first.status !== 200) return `GET /v2.1/flavors/detail: ${first.status}`
        const result = await load({ port, clients: 8, seconds: 5, keepAlive: true, path: '/v2.1/flavors/detail', headers })
        await delay(200)
        const pids = [host.pid, ...childrenOf(host.pid)]
        const sizes = pids.map((pid) => megabytesOf(pid).toFixed(0))
        const peak = (limit.peakBytes() / 1024 / 1024).toFixed(0)
        process.stdout.write(`${loadRow('confined, GET /v2.1/flavors/detail', result)}\n`)
        process.stdout.write(
          `memory: supervisor ${sizes[0]} MiB, workers ${sizes.slice(1).join(' and ')} MiB${limit.group ? `; the group's peak ${peak} of 512 MiB` : ''}\n`,
        )
        if (result.failed > 0) return `${result.failed} of ${result.requests} requests failed: ${result.reasons.join('; ')}`
        if (pids.length !== 3) return `${pids.length} processes`
        return pids.map(confinement).find((text) => text !== null) ?? null
      } finally {
        await host.stop()
      }
    })
    return { name, problem }
  } catch (error) {
    return { name, problem: (error as Error).message }
  } finally {
    limit.remove()
  }
}
