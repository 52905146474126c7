/** A cloud in a folder and on ports of its own, started by the command that people use. */
import { type SpawnOptions, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from './free-ports.ts'

export interface Outcome {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Process {
  readonly name: string
  readonly state: string
  readonly pid: number | null
}

export interface Cloud {
  readonly folder: string
  readonly state: string
  /** Rejects when it does not come up. */
  up(): Promise<Outcome>
  /** The arguments of Node that do it. */
  readonly upCommand: readonly string[]
  down(): Promise<Outcome>
  /** `nova-ts cloud VERB …` in its folder. */
  command(verb: string, ...argv: string[]): Promise<Outcome>
  /** Removes it; the next `up` makes a new one. */
  reset(): Promise<Outcome>
  processes(): Promise<{ supervisor: number | null; processes: Process[] }>
  /** What `cloud openrc` exports. */
  variables(cloud?: string): Promise<Record<string, string>>
  /** The ends of all logs. */
  logs(): string
}

const bin = join(import.meta.dirname, '..', '..', 'bin', 'nova-ts.js')

/** Runs a program to its end. */
export function run(program: string, argv: readonly string[], options: SpawnOptions = {}): Promise<Outcome> {
  const child = spawn(program, argv, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout!.on('data', (chunk) => (out += chunk))
  child.stderr!.on('data', (chunk) => (err += chunk))
  return new Promise((resolve, reject) => child.on('error', reject).on('close', (code) => resolve({ code, out, err })))
}

/** `more`: variables that the cloud is started with. */
export async function startCloud(tell: (text: string) => void, more: Readonly<Record<string, string>> = {}): Promise<Cloud> {
  const folder = mkdtempSync(join(tmpdir(), 'nova-ts-'))
  const state = join(folder, '.nova-ts')
  const ports = String(await freePorts(7))
  const clean = Object.entries(process.env).filter(([name]) => !/^(OS_|NOVA_TS_)/.test(name))
  const env = { ...Object.fromEntries(clean), ...more }
  const command = (verb: string, ...argv: string[]) => run(process.execPath, [bin, 'cloud', verb, ...argv], { cwd: folder, env })
  const cloud: Cloud = {
    folder,
    state,
    async up() {
      const outcome = await command('up', '--ports-from', ports)
      if (outcome.code !== 0) throw new Error(`the cloud did not come up: ${outcome.err}`)
      return outcome
    },
    upCommand: [bin, 'cloud', 'up', '--ports-from', ports],
    command,
    down: () => command('down'),
    reset: () => command('reset'),
    async processes() {
      const { out } = await command('status', '--json')
      return out === '' ? { supervisor: null, processes: [] } : JSON.parse(out)
    },
    async variables(name = 'devstack-admin') {
      const { out } = await command('openrc', '--cloud', name)
      return shellVariables(out, env)
    },
    logs() {
      const logs = join(state, 'logs')
      return readdirSync(logs)
        .map((name) => `[${name}]\n${readFileSync(join(logs, name), 'utf8').trimEnd().split('\n').slice(-12).join('\n')}`)
        .join('\n')
    },
  }
  tell('$ nova-ts cloud up')
  tell((await cloud.up()).out)
  return cloud
}

/** A shell's whole environment after it evaluated the text. */
async function shellVariables(text: string, env: Record<string, string | undefined>): Promise<Record<string, string>> {
  const { out } = await run('sh', ['-c', `${text}\nenv -0`], { env })
  return Object.fromEntries(
    out
      .split('\0')
      .filter((line) => line.includes('='))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
}
