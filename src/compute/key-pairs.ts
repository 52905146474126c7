/** Key pairs: a user's public keys, given or made here. Private keys are told once and kept nowhere. */
import type { KeyPair } from '../stores/api/key-pairs.ts'
import type { Backends } from './backends.ts'
import { Fault } from './faults.ts'
import type { NewKey } from './keys/new-key.ts'
import { generateSsh, sshFingerprint } from './keys/ssh.ts'
import { generateX509, x509Fingerprint } from './keys/x509.ts'

export type KeyType = 'ssh' | 'x509'

/** Throws `keyPairNotFound`. */
export async function findKeyPair({ stores }: Backends, userId: string, name: string): Promise<KeyPair> {
  const found = await stores.api.keyPairs.find(userId, name)
  if (!found) throw new Fault('keyPairNotFound', name, userId)
  return found
}

/** A user's key pairs by name. Throws `markerMissing`. */
export async function listKeyPairs(
  { stores }: Backends,
  userId: string,
  page: { limit?: number | undefined; marker?: string | undefined },
): Promise<KeyPair[]> {
  const found = await stores.api.keyPairs.list(userId, page)
  if (!found) throw new Fault('markerMissing', page.marker)
  return found
}

export interface Wanted {
  readonly name: string
  readonly type: KeyType
}

/** Throws `keyPairLimitExceeded`, `invalidKeyPair` or `keyPairExists`, whichever comes first. */
export async function importKeyPair(backends: Backends, userId: string, wanted: Wanted, publicKey: string): Promise<KeyPair> {
  const fingerprint = wanted.type === 'ssh' ? sshFingerprint(publicKey) : x509Fingerprint(publicKey)
  return keep(backends, userId, wanted, { publicKey, fingerprint })
}

/** Throws `keyPairLimitExceeded` or `keyPairExists`. */
export async function generateKeyPair(backends: Backends, userId: string, wanted: Wanted): Promise<KeyPair & { privateKey: string }> {
  const made = await (wanted.type === 'ssh' ? generateSsh() : generateX509(userId, backends.clock.now()))
  const kept = await keep(backends, userId, wanted, made)
  return { ...kept, privateKey: made.privateKey }
}

async function keep(
  { stores }: Backends,
  userId: string,
  { name, type }: Wanted,
  { publicKey, fingerprint }: Omit<NewKey, 'privateKey'>,
): Promise<KeyPair> {
  const kept = await stores.api.keyPairs.create({ userId, name, type, publicKey, fingerprint })
  if (!kept) throw new Fault('keyPairExists', name)
  return kept
}

/** Throws `keyPairNotFound`. */
export async function deleteKeyPair({ stores }: Backends, userId: string, name: string): Promise<void> {
  if (!(await stores.api.keyPairs.remove(userId, name))) throw new Fault('keyPairNotFound', name, userId)
}
