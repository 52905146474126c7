// Debian's cloud-init, unpacked into a folder: it must not be installed on a machine that is no guest, it would take it over at the next start.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { installPackages } from '../support/debian.mjs'

const python = '/usr/bin/python3'

/**
 * How read.py is run with it, a `CloudInit`; undefined, with the reason told, where it cannot be had. `folder` is kept for the next run.
 */
export function installedCloudInit(folder, tell) {
  try {
    const mayInstall = process.getuid() === 0
    if (!existsSync(python) && mayInstall) installPackages('python3')
    if (!existsSync(folder)) unpack(folder, mayInstall)
    const env = { PYTHONPATH: join(folder, 'usr', 'lib', 'python3', 'dist-packages'), PYTHONDONTWRITEBYTECODE: '1' }
    execFileSync(python, ['-c', 'import cloudinit.sources.DataSourceEc2'], { env: { ...process.env, ...env }, stdio: 'pipe' })
    return { command: [python, join(import.meta.dirname, 'read.py')], env }
  } catch (error) {
    tell(`cloud-init cannot be had: ${error.message}`)
    return undefined
  }
}

/** It and the Python modules that it needs, in one piece or not at all. */
function unpack(folder, mayUpdate) {
  const place = mkdtempSync(`${folder}-`)
  try {
    const archives = join(place, 'archives')
    mkdirSync(archives)
    const quiet = { cwd: archives, stdio: ['ignore', 'ignore', 'pipe'] }
    const download = () => execFileSync('apt-get', ['-qq', 'download', ...needed()], quiet)
    try {
      download()
    } catch (error) {
      if (!mayUpdate) throw error
      execFileSync('apt-get', ['-qq', 'update'], quiet)
      download()
    }
    for (const name of readdirSync(archives)) execFileSync('dpkg', ['-x', join(archives, name), place])
    rmSync(archives, { recursive: true })
    renameSync(place, folder)
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}

/** Names of packages; Python itself and the C library are there. */
function needed() {
  const without = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map((kind) => `--no-${kind}`)
  const names = execFileSync('apt-cache', ['depends', '--recurse', ...without, 'cloud-init'], { encoding: 'utf8', stdio: 'pipe' })
  const found = names.split('\n').filter((name) => /^(cloud-init|python3-(?!minimal)[a-z0-9.+-]+)$/.test(name))
  return [...new Set(found)]
}
