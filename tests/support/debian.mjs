// Installs what tests need from Debian's archives.
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'

const policy = '/usr/sbin/policy-rc.d'

/**
 * Whether apt-get installed them. They start no service: a policy that forbids it stands in the way meanwhile. Waits for another apt-get, and
 * fetches the lists only when the packages cannot be had without.
 */
export function installPackages(...names) {
  const ours = !existsSync(policy)
  const apt = (...argv) =>
    spawnSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...argv], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).status === 0
  const wanted = ['install', '-y', '--no-install-recommends', ...names]
  try {
    if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
    return apt(...wanted) || (apt('update') && apt(...wanted))
  } catch (error) {
    process.stdout.write(`${error.message}\n`)
    return false
  } finally {
    if (ours) rmSync(policy, { force: true })
  }
}
