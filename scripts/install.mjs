// Run before `npm start` and `npm test`, by whatever Node there is: installs the packages when they are missing or older than the lock file,
// among them the Node that the project runs on, and then makes the bundle that lets the cloud start fast.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const lock = join(root, 'package-lock.json')
const modules = join(root, 'node_modules')
/** npm writes it when it has installed everything. */
const installed = join(modules, '.package-lock.json')
/** What was installed from; a checkout gives the lock file a new time without changing it. */
const digestFile = join(modules, '.nova-ts-lock')
const node = join(modules, '.bin', 'node')

const digest = createHash('sha256').update(readFileSync(lock)).digest('hex')
if (!isInstalled()) {
  process.stderr.write('Installing packages …\n')
  install()
}
if (!existsSync(node)) refuseNode()
// without it the cloud starts from the sources, only slower
const bundled = spawnSync(node, [join(root, 'scripts', 'bundle.mjs')], { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' })
if (bundled.status !== 0) process.stderr.write(`No bundle was made; the cloud starts from the sources.\n${bundled.stderr ?? ''}`)

function isInstalled() {
  if (!existsSync(installed)) return false
  if (existsSync(digestFile)) return readFileSync(digestFile, 'utf8') === digest
  return statSync(installed).mtimeMs >= statSync(lock).mtimeMs
}

function install() {
  // under npm, the npm that runs; its Node too
  const npm = process.env.npm_execpath
  const [program, ...first] = npm?.endsWith('.js') ? [process.execPath, npm] : ['npm']
  // better-sqlite3 brings what it would build, which npm does not see in a lock file: it would look for a compiler, Python and Node's headers
  const argv = [...first, 'ci', '--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error']
  const { status, error } = spawnSync(program, argv, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  if (error || status !== 0) {
    process.stderr.write(`npm ci did not succeed${error ? `: ${error.message}` : ''}\n`)
    process.exit(1)
  }
  writeFileSync(digestFile, digest)
}

/** The packages hold a Node for Linux on x64 and arm64; elsewhere the system has to have one. */
function refuseNode() {
  if (Number(process.versions.node.split('.')[0]) >= 24) process.exit(0)
  process.stderr.write(
    `Node 24 or later is needed, and there is no package of it for ${process.platform} ${process.arch}: install it first.\n`,
  )
  process.exit(1)
}
