// Where the bundle of the sources as they are belongs. The name is made of name, size and time of every file, which costs a few milliseconds.
import { createHash } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'

/** `dist/cloud-<digest of the sources and of the packages they stand on>` */
export function bundleFolder(root) {
  const files = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
  const digest = createHash('sha256')
  for (const path of [...files.sort(), join(root, 'package.json'), join(root, 'package-lock.json')]) {
    const { size, mtimeMs } = statSync(path)
    digest.update(`${relative(root, path)}\0${size}\0${mtimeMs}\n`)
  }
  return join(root, 'dist', `cloud-${digest.digest('hex').slice(0, 16)}`)
}
