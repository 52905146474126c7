/** What `npm pack` makes of the project, installed into an empty folder: its command, a cloud, both applications and their types. */
import { execFile, execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root } from '../own.ts'
import { start } from './processes.ts'
import { configurationOf, type RealCheck } from './real.ts'

const run = promisify(execFile)

/** Nothing is fetched: what the package stands on is linked. Thirty ports from `ports` on. */
export async function checkPackage(folder: string, ports: number): Promise<readonly RealCheck[]> {
  const checks: RealCheck[] = []
  const check = async (name: string, act: () => Promise<void>) => {
    const problem = await act().then(
      () => null,
      (error: Error & { stderr?: string }) => `${error.message.split('\n')[0]} ${(error.stderr ?? '').slice(-500)}`.trim(),
    )
    checks.push({ name: `the package: ${name}`, problem })
  }
  const place = join(folder, 'installed')
  const state = join(place, 'state')
  const command = (...argv: string[]) =>
    run(process.execPath, [join(place, 'node_modules', 'nova-ts', 'bin', 'nova-ts.js'), ...argv], { cwd: place })
  await check('packs, and holds no source', async () => install(pack(folder), place))
  await check('--help', async () => expectText((await command('--help')).stdout, 'nova-ts cloud up'))
  await check('cloud up', async () =>
    expectText((await command('cloud', 'up', '--state', state, '--ports-from', String(ports))).stdout, 'Ready in'),
  )
  try {
    for (const [index, module] of ['osapi_compute', 'metadata'].entries())
      await check(`import of nova-ts/wsgi/${module}`, () => importAnswers(place, module, configurationOf(state), ports + 20 + index))
    await check('host nova.wsgi.osapi_compute with a worker', () => hostAnswers(place, configurationOf(state), ports + 22))
    await check('types', async () => typeCheck(place))
  } finally {
    await check('cloud down', async () => void (await command('cloud', 'down', '--state', state)))
  }
  return checks
}

/** In a copy, since packing changes package.json for a moment. Returns the tarball. */
function pack(folder: string): string {
  const copy = join(folder, 'to-pack')
  const left = new Set(['.git', 'node_modules', 'dist', 'tests', 'coverage', '.nova-ts'])
  for (const name of readdirSync(root)) if (!left.has(name)) cpSync(join(root, name), join(copy, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  const before = readFileSync(join(copy, 'package.json'), 'utf8')
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: copy, stdio: ['ignore', 'ignore', 'inherit'] })
  if (readFileSync(join(copy, 'package.json'), 'utf8') !== before) throw new Error('package.json is not what it was before')
  return join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz'))!)
}

function install(tarball: string, place: string): void {
  const own = join(place, 'node_modules', 'nova-ts')
  mkdirSync(own, { recursive: true })
  execFileSync('tar', ['xzf', tarball, '--strip-components=1', '-C', own])
  for (const name of readdirSync(join(root, 'node_modules')))
    if (!name.startsWith('.') && !name.startsWith('node-linux'))
      symlinkSync(join(root, 'node_modules', name), join(place, 'node_modules', name))
  writeFileSync(join(place, 'package.json'), '{"type":"module"}')
  const sources = readdirSync(own, { recursive: true, encoding: 'utf8' }).filter(
    (name) => /(?<!\.d)\.ts$/.test(name) && !name.startsWith('examples'),
  )
  if (sources.length > 0 || !existsSync(join(own, 'LICENSE'))) throw new Error(`it holds ${sources.slice(0, 3)}, or lacks its licence`)
}

/** As the README shows it, in a process of its own. */
async function importAnswers(place: string, module: string, env: NodeJS.ProcessEnv, port: number): Promise<void> {
  const file = join(place, `${module}.js`)
  writeFileSync(
    file,
    `import { createServer } from 'node:http'
import { application } from 'nova-ts/wsgi/${module}'
const server = createServer(application).listen(${port}, '127.0.0.1')
server.on('listening', async () => {
  const answer = await fetch('http://127.0.0.1:${port}/')
  process.stdout.write(answer.status + ' ' + (await answer.text()))
  process.exit(0)
})
`,
  )
  const { stdout } = await run(process.execPath, [file], { cwd: place, env: { ...process.env, ...env }, timeout: 60_000 })
  expectText(stdout, module === 'metadata' ? '200 1.0' : '200 {"versions"')
}

async function hostAnswers(place: string, env: NodeJS.ProcessEnv, port: number): Promise<void> {
  const words = [process.execPath, join(place, 'node_modules', 'nova-ts', 'bin', 'nova-ts.js'), 'host', 'nova.wsgi.osapi_compute']
  const flags = ['--listen', `http://127.0.0.1:${port}`, '--workers', '1']
  const host = await start([...words, ...flags], { port }, { folder: place, name: 'package', env, cwd: place })
  try {
    expectText(await (await fetch(`http://127.0.0.1:${port}/`)).text(), '{"versions"')
  } finally {
    await host.stop()
  }
}

/** What a user of the package writes in TypeScript. */
function typeCheck(place: string): void {
  const file = join(place, 'mount.ts')
  writeFileSync(
    file,
    `import { createServer } from 'node:http'
import whole, { application } from 'nova-ts/wsgi/osapi_compute'
createServer(application)
export const answer: Promise<Response> = Promise.resolve(whole.fetch(new Request('http://h/')))
// @ts-expect-error there is no such thing
application.nothing
`,
  )
  const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2024', '--types', 'node']
  execFileSync(join(root, 'node_modules', '.bin', 'tsc'), [...flags, file], { cwd: place, stdio: ['ignore', 'inherit', 'inherit'] })
}

function expectText(text: string, part: string): void {
  if (!text.includes(part)) throw new Error(`"${part}" is not in "${text.slice(0, 300)}"`)
}
