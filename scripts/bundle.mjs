// Makes a few files of the command and the processes of the embedded cloud, so that a cold start loads a dozen of them instead of a thousand.
// `node scripts/bundle.mjs [folder]`: without a folder into the one where bin/nova-ts.js looks. The sources run as well without it.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
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
      logLevel: 'warn',
    })
    // flat, since a worker is looked for beside who starts it
    await bundle.write({ dir: draft, format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' })
    await bundle.close()
    rmSync(folder, { recursive: true, force: true })
    renameSync(draft, folder)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
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
