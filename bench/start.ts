/**
 * How long does a cloud take from the command until it is ready, and how much work is that? How long does each of Nova's two services take, as an operator
 * starts it over the databases of a cloud, until it answers? `node bench/start.ts [runs] [clouds|services]`: new clouds, from the sources and from the bundle,
 * and services from the bundle, with and without Node's compile cache. Makes the bundle when there is none.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../tests/support/free-ports.ts'
import { firstAnswer } from './first-answer.ts'
import { cpuMs } from './process.ts'

const root = join(import.meta.dirname, '..')
const { bundleFolder } = (await import(join(root, 'scripts', 'stamp.mjs'))) as { bundleFolder(root: string): string }
const runs = Number(process.argv[2] ?? 5)
const only = process.argv[3]

const nova = (argv: readonly string[], env: NodeJS.ProcessEnv) =>
  spawnSync(process.execPath, [join(root, 'bin', 'nova-ts.js'), 'cloud', ...argv], { encoding: 'utf8', env: { ...process.env, ...env } })

async function start(env: NodeJS.ProcessEnv): Promise<{ elapsed: number; cpu: number }> {
  const state = mkdtempSync(join(tmpdir(), 'start-'))
  const ports = String(await freePorts(7))
  const begin = performance.now()
  const { status, stderr } = nova(['up', '--state', state, '--ports-from', ports], env)
  const elapsed = (performance.now() - begin) / 1000
  if (status !== 0) throw new Error(stderr)
  const { supervisor, programs } = JSON.parse(readFileSync(join(state, 'run', 'roster.json'), 'utf8'))
  const pids: number[] = [supervisor.pid, ...programs.map((one: { process: { pid: number } }) => one.process.pid)]
  const cpu = pids.reduce((sum, pid) => sum + cpuMs(pid), 0) / 1000
  nova(['down', '--state', state], env)
  rmSync(state, { recursive: true, force: true })
  return { elapsed, cpu }
}

const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b)
const median = (values: readonly number[]): string => sorted(values)[Math.floor(values.length / 2)]!.toFixed(2)
const worst = (values: readonly number[]): string => sorted(values).at(-1)!.toFixed(2)
const emptyCache = (): void => rmSync(join(root, 'dist', 'cache'), { recursive: true, force: true })

spawnSync(process.execPath, [join(root, 'scripts', 'bundle.mjs')], { stdio: 'inherit' })
const entries = { sources: join(root, 'src', 'cli', 'main.ts'), bundle: join(bundleFolder(root), 'main.js') }
process.stdout.write(
  `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.versions.node}, load ${loadavg()[0]!.toFixed(1)}; medians of ${runs}\n\n`,
)
if (only !== 'services') await clouds()
if (only !== 'clouds') await services()

async function clouds(): Promise<void> {
  process.stdout.write(`${'from'.padEnd(10)}${'compile cache'.padEnd(16)}${'ready after'.padEnd(14)}CPU of the five processes\n`)
  for (const [name, entry] of Object.entries(entries))
    for (const cache of ['empty', 'filled']) {
      const results = []
      for (let run = 0; run < runs; run++) {
        if (cache === 'empty') emptyCache()
        results.push(await start({ NOVA_TS_ENTRY: entry }))
      }
      const [elapsed, cpu] = [results.map((one) => one.elapsed), results.map((one) => one.cpu)]
      process.stdout.write(`${name.padEnd(10)}${cache.padEnd(16)}${`${median(elapsed)} s`.padEnd(14)}${median(cpu)} s\n`)
    }
  process.stdout.write('\n')
}

async function services(): Promise<void> {
  const state = mkdtempSync(join(tmpdir(), 'start-'))
  const { status, stderr } = nova(['up', '--state', state, '--ports-from', String(await freePorts(7))], {})
  if (status !== 0) throw new Error(stderr)
  try {
    process.stdout.write(`${'service'.padEnd(26)}${'compile cache'.padEnd(16)}${'first 200 after'.padEnd(18)}${'worst'.padEnd(10)}CPU\n`)
    for (const module of ['nova.wsgi.osapi_compute', 'nova.wsgi.metadata'])
      for (const cache of ['empty', 'filled']) {
        const results = []
        for (let run = 0; run < runs; run++) {
          if (cache === 'empty') emptyCache()
          results.push(await firstAnswer(module, { NOVA_TS_ENTRY: entries.bundle, OS_NOVA_CONFIG_DIR: join(state, 'etc') }))
        }
        const [elapsed, cpu] = [results.map((one) => one.elapsed), results.map((one) => one.cpu)]
        process.stdout.write(
          `${module.padEnd(26)}${cache.padEnd(16)}${`${median(elapsed)} s`.padEnd(18)}${`${worst(elapsed)} s`.padEnd(10)}${median(cpu)} s\n`,
        )
      }
  } finally {
    nova(['down', '--state', state], {})
    rmSync(state, { recursive: true, force: true })
  }
}
