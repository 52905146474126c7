/**
 * Where the clients are: on this machine, or behind the words of `NOVA_TS_CLIENT_PREFIX`, such as `chroot /srv/sid` or `docker exec -i clients`.
 * What is behind them must reach this machine's 127.0.0.1.
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { run } from '../support/cloud.ts'

const prefix = (process.env.NOVA_TS_CLIENT_PREFIX ?? '').split(' ').filter((word) => word !== '')

/** A folder there, for the files of one run. */
export interface Workspace {
  readonly folder: string
  write(name: string, text: string): Promise<void>
  /** Runs it in the folder and gives each line of its output; the end of its errors when it has ended. */
  run(command: string, env: Readonly<Record<string, string>>, line: (text: string) => void): Promise<{ code: number | null; err: string }>
  remove(): Promise<void>
}

/** The output of a short command there; undefined when it failed. */
export async function ask(command: string): Promise<string | undefined> {
  const [program, ...argv] = there(command)
  const { code, out } = await run(program!, argv).catch(() => ({ code: 1, out: '' }))
  return code === 0 ? out.trim() : undefined
}

export async function openWorkspace(): Promise<Workspace> {
  const folder = await ask('mktemp -d')
  if (!folder) throw new Error(`${there('mktemp -d').join(' ')} did not succeed`)
  return {
    folder,
    async write(name, text) {
      const [program, ...argv] = there(`umask 077; mkdir -p "$(dirname ${folder}/${name})" && cat > ${folder}/${name}`)
      const child = spawn(program!, argv, { stdio: ['pipe', 'ignore', 'inherit'] })
      child.stdin.end(text)
      const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
      if (code !== 0) throw new Error(`${name} could not be written into ${folder}`)
    },
    run: (command, env, line) => runThere(`cd ${folder} && ${command}`, env, line),
    remove: async () => void (await ask(`rm -rf ${folder}`)),
  }
}

function runThere(
  command: string,
  env: Readonly<Record<string, string>>,
  line: (text: string) => void,
): Promise<{ code: number | null; err: string }> {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const [program, ...argv] = there(command, ['env', ...variables])
  const child = spawn(program!, argv, { stdio: ['ignore', 'pipe', 'pipe'] })
  let err = ''
  child.stderr.on('data', (chunk) => (err = (err + chunk).slice(-4000)))
  const lines = createInterface({ input: child.stdout })
  lines.on('line', line)
  const read = new Promise((resolve) => lines.on('close', resolve))
  return new Promise((resolve, reject) => child.on('error', reject).on('close', (code) => void read.then(() => resolve({ code, err }))))
}

const there = (command: string, first: readonly string[] = []): string[] => [...prefix, ...first, 'sh', '-c', command]
