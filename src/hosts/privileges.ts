/** Becomes another user, once what only root may do is done. */
import { spawnSync } from 'node:child_process'
import type { HostSettings } from './settings.ts'

/** Names or numbers. Does nothing for who is no root, since a service is often started as its user already. Throws for a user that is not there. */
export function dropPrivileges({ user, group }: Pick<HostSettings, 'user' | 'group'>): void {
  if ((user === null && group === null) || process.getuid?.() !== 0) return
  const id = (text: string) => (/^\d+$/.test(text) ? Number(text) : text)
  // the group first: afterwards nobody may change it
  if (group !== null) process.setgid!(id(group))
  if (user === null) return
  const own = group === null ? process.getgid!() : id(group)
  if (/^\d+$/.test(user)) process.setgroups!([own])
  else (process as unknown as { initgroups(user: string, group: string | number): void }).initgroups(user, own)
  process.setuid!(id(user))
}

/** The numbers of `user:group`, `user` or `:group`, names or numbers; -1 for what it leaves open. Throws for who is not there. */
export function ownerOf(text: string): { uid: number; gid: number } {
  const [user = '', group = ''] = text.split(':')
  return { uid: numberOf('passwd', user), gid: numberOf('group', group) }
}

/** Node knows the way from names to numbers only for itself. */
function numberOf(database: 'passwd' | 'group', name: string): number {
  if (name === '') return -1
  if (/^\d+$/.test(name)) return Number(name)
  const { stdout } = spawnSync('getent', [database, name], { encoding: 'utf8' })
  const found = /^[^:]*:[^:]*:(\d+)/.exec(stdout ?? '')
  if (!found) throw new Error(`there is no ${database === 'passwd' ? 'user' : 'group'} ${name}`)
  return Number(found[1])
}
