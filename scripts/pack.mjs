// Run by npm around `npm pack`: a package holds emitted JavaScript with types, since Node refuses TypeScript under node_modules; the project itself runs
// from its sources, and so its package.json leads there. `prepack` builds, and puts what a package says in its place; `postpack` puts ours back.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const manifest = join(root, 'package.json')
const ours = join(root, 'dist', 'package.json.kept')

const [phase] = process.argv.slice(2)
// what a run that was killed has left
restore()
if (phase === 'prepack') {
  build()
  mkdirSync(dirname(ours), { recursive: true })
  const text = readFileSync(manifest, 'utf8')
  writeFileSync(ours, text)
  writeFileSync(manifest, `${JSON.stringify(published(JSON.parse(text)), null, 2)}\n`)
}

function restore() {
  if (existsSync(ours)) renameSync(ours, manifest)
}

function build() {
  for (const folder of ['lib', 'cloud']) rmSync(join(root, 'dist', folder), { recursive: true, force: true })
  run(join(root, 'node_modules', '.bin', 'tsc'), '-p', join(root, 'tsconfig.build.json'))
  run(process.execPath, join(root, 'scripts', 'bundle.mjs'), join(root, 'dist', 'cloud'))
}

function run(program, ...argv) {
  const { status, error } = spawnSync(program, argv, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  if (status === 0) return
  process.stderr.write(`${program} did not succeed${error ? `: ${error.message}` : ''}\n`)
  process.exit(1)
}

/** `./src/x.ts` becomes `./dist/lib/x.js` with its types; what only developers need goes. */
function published({ private: _private, scripts: _scripts, devDependencies: _dev, optionalDependencies: _nodes, exports, ...rest }) {
  const emitted = Object.entries(exports).map(([name, target]) => {
    const [, module] = /^\.\/src\/(.+)\.ts$/.exec(target) ?? []
    return [name, module ? { types: `./dist/lib/${module}.d.ts`, default: `./dist/lib/${module}.js` } : target]
  })
  // bin/nova-ts.js finds a newer Node in the project's own packages, and a package has none
  return { ...rest, engines: { node: '>=24' }, exports: Object.fromEntries(emitted) }
}
