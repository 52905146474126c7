/** Becomes another user, once what only root may do is done. */
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
