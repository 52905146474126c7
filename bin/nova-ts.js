#!/usr/bin/env node
// Plain JavaScript for old Nodes: runs the command on a Node that is new enough, or says what is needed.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import module from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const needed = 24
const bin = fileURLToPath(import.meta.url)
const root = join(dirname(bin), '..')
const own = join(root, 'node_modules', '.bin', 'node')

if (Number(process.versions.node.split('.')[0]) >= needed) await run()
else if (process.env.NOVA_TS_HANDED_OVER === undefined && existsSync(own)) handOver()
else {
  process.stderr.write(`nova-ts needs Node ${needed} or later; this is Node ${process.versions.node}.\n`)
  process.stderr.write(
    'In the folder of the project, "npm ci --ignore-scripts" installs one beside the packages. Where the package was installed, "npm install node@24"\n',
  )
  process.stderr.write('puts one beside it, which npx finds; elsewhere install it first.\n')
  process.exitCode = 1
}

async function run() {
  keepCompiled()
  // whoever reads has read enough (`| head`): the end that SIGPIPE gives to others
  process.stdout.on('error', (error) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(141)
  })
  // the processes of a cloud run what started them, whatever happens to the sources meanwhile
  process.env.NOVA_TS_ENTRY ??= await entry()
  const { main } = await import(pathToFileURL(process.env.NOVA_TS_ENTRY).href)
  process.exitCode = await main(process.argv.slice(2), {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    env: process.env,
    self: [process.execPath, bin],
  })
}

/** What scripts/bundle.mjs has made of the sources loads in a third of the time; it counts only while it is what the sources are. */
async function entry() {
  const source = join(root, 'src', 'cli', 'main.ts')
  // what is published has no sources
  if (!existsSync(source)) return join(root, 'dist', 'cloud', 'main.js')
  const { bundleFolder } = await import('../scripts/stamp.mjs')
  const bundle = join(bundleFolder(root), 'main.js')
  return existsSync(bundle) ? bundle : source
}

/** Keeps compiled code between starts, where that can be written. */
function keepCompiled() {
  const folder = join(root, 'dist', 'cache')
  try {
    mkdirSync(folder, { recursive: true })
    module.enableCompileCache(folder)
  } catch {
    // it works without
  }
}

/** The same command under the Node of node_modules; signals go on to it, and its end is ours. */
function handOver() {
  // what was handed over once is not handed over again
  const child = spawn(own, process.argv.slice(1), { stdio: 'inherit', env: { ...process.env, NOVA_TS_HANDED_OVER: own } })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    process.stderr.write(`nova-ts: ${own}: ${error.message}\n`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exitCode = code
    else {
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    }
  })
}
