/**
 * How long does a cloud take from the command until it is ready, and how much work is that? `node bench/start.ts [runs]`: new clouds, from the sources
 * and from the bundle, with and without Node's compile cache. Makes the bundle when there is none.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../tests/support/free-ports.ts'

const root = join(import.meta.dirname, '..')
const { bundleFolder } = (await import(join(root, 'scripts', 'stamp.mjs'))) as { bundleFolder(root: string): string }
const runs = Number(process.argv[2] ?? 5)
/** Of the kernel's clock, in which /proc counts. */
const ticksPerSecond = 100

const nova = (argv: readonly string[], env: NodeJS.ProcessEnv) =>
  spawnSync(process.execPath, [join(root, 'bin', 'nova-ts.js'), 'cloud', ...argv], { encoding: 'utf8', env: { ...process.env, ...env } })

/** CPU seconds of a process so far. */
function work(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

async function start(env: NodeJS.ProcessEnv): Promise<{ elapsed: number; cpu: number }> {
  const state = mkdtempSync(join(tmpdir(), 'start-'))
  const ports = String(await freePorts(7))
  const begin = performance.now()
  const { status, stderr } = nova(['up', '--state', state, '--ports-from', ports], env)
  const elapsed = (performance.now() - begin) / 1000
  if (status !== 0) throw new Error(stderr)
  const { supervisor, programs } = JSON.parse(readFileSync(join(state, 'run', 'roster.json'), 'utf8'))
  const pids: number[] = [supervisor.pid, ...programs.map((one: { process: { pid: number } }) => one.process.pid)]
  const children = pids.reduce((sum, pid) => sum + work(pid), 0)
  nova(['down', '--state', state], env)
  rmSync(state, { recursive: true, force: true })
  return { elapsed, cpu: children }
}

const median = (values: readonly number[]): string => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!.toFixed(2)

spawnSync(process.execPath, [join(root, 'scripts', 'bundle.mjs')], { stdio: 'inherit' })
const entries = { sources: join(root, 'src', 'cli', 'main.ts'), bundle: join(bundleFolder(root), 'main.js') }
process.stdout.write(
  `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.versions.node}, load ${loadavg()[0]!.toFixed(1)}; medians of ${runs}\n\n`,
)
process.stdout.write(`${'from'.padEnd(10)}${'compile cache'.padEnd(16)}${'ready after'.padEnd(14)}CPU of the five processes\n`)
for (const [name, entry] of Object.entries(entries))
  for (const cache of ['empty', 'filled']) {
    const results = []
    for (let run = 0; run < runs; run++) {
      if (cache === 'empty') rmSync(join(root, 'dist', 'cache'), { recursive: true, force: true })
      results.push(await start({ NOVA_TS_ENTRY: entry }))
    }
    const [elapsed, cpu] = [results.map((one) => one.elapsed), results.map((one) => one.cpu)]
    process.stdout.write(`${name.padEnd(10)}${cache.padEnd(16)}${`${median(elapsed)} s`.padEnd(14)}${median(cpu)} s\n`)
  }
