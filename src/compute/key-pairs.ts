/** Key pairs: a user's public keys, given or made here. Private keys are told once and kept nowhere. */
import type { RequestContext } from '../oslo/context.ts'
import type { KeyPair } from '../stores/api/key-pairs.ts'
import type { Backends } from './backends.ts'
import { Fault } from './faults.ts'
import type { NewKey } from './keys/new-key.ts'
import { generateSsh, sshFingerprint } from './keys/ssh.ts'
import { generateX509, x509Fingerprint } from './keys/x509.ts'
import { tellingFailure } from './notifications/exceptions.ts'
import { type KeyPairFacts, keyPairPayload } from './notifications/payloads.ts'
import { chargedTo, limitSet } from './quotas.ts'
import { enforceLocal } from './unified-limits.ts'

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
export function importKeyPair(
  backends: Backends,
  context: RequestContext,
  userId: string,
  wanted: Wanted,
  publicKey: string,
): Promise<KeyPair> {
  const args = { user_id: userId, key_name: wanted.name, public_key: publicKey, key_type: wanted.type }
  const run = () => takeIn(backends, context, userId, wanted, publicKey)
  return tellingFailure(backends, context, { service: 'api', name: 'import_key_pair', args }, run)
}

async function takeIn(backends: Backends, context: RequestContext, userId: string, wanted: Wanted, publicKey: string): Promise<KeyPair> {
  await checkQuota(backends, context, userId, 1)
  await tellName(backends, context, 'import.start', wanted.name)
  const fingerprint = wanted.type === 'ssh' ? sshFingerprint(publicKey) : x509Fingerprint(publicKey)
  const key = { ...wanted, userId, publicKey, fingerprint }
  await tell(backends, context, 'import', 'start', key)
  const kept = await keep(backends, userId, wanted, key)
  await tell(backends, context, 'import', 'end', key)
  await tellName(backends, context, 'import.end', wanted.name)
  return kept
}

/** Throws `keyPairLimitExceeded` or `keyPairExists`. */
export function generateKeyPair(
  backends: Backends,
  context: RequestContext,
  userId: string,
  wanted: Wanted,
): Promise<KeyPair & { privateKey: string }> {
  const args = { user_id: userId, key_name: wanted.name, key_type: wanted.type }
  return tellingFailure(backends, context, { service: 'api', name: 'create_key_pair', args }, () =>
    generate(backends, context, userId, wanted),
  )
}

async function generate(
  backends: Backends,
  context: RequestContext,
  userId: string,
  wanted: Wanted,
): Promise<KeyPair & { privateKey: string }> {
  await checkQuota(backends, context, userId, 1)
  await tellName(backends, context, 'create.start', wanted.name)
  await tell(backends, context, 'create', 'start', { ...wanted, userId })
  const made = await (wanted.type === 'ssh' ? generateSsh() : generateX509(userId, backends.clock.now()))
  const kept = await keep(backends, userId, wanted, made)
  if (backends.settings.quota.recheckQuota) await recheck(backends, context, kept)
  await tell(backends, context, 'create', 'end', kept)
  await tellName(backends, context, 'create.end', wanted.name)
  return { ...kept, privateKey: made.privateKey }
}

/** The limit is that of the caller in the caller's project, whosever key pair it is to be. Throws `keyPairLimitExceeded`. */
async function checkQuota(backends: Backends, context: RequestContext, userId: string, more: number): Promise<void> {
  const [{ project, user }, has] = await Promise.all([
    limitSet(backends, ...chargedTo(context)),
    backends.stores.api.keyPairs.count(userId),
  ])
  // nova/quota.py limit_check_project_and_user: of what is counted for users alone, the lower limit counts, and none is lower than any
  const limit = Math.min(project.key_pairs, user.key_pairs)
  if (limit >= 0 && has + more > limit) throw new Fault('keyPairLimitExceeded')
  await enforceLocal(backends, 'server_key_pairs', more, has)
}

/** Requests that came together may have passed the check together. */
async function recheck(backends: Backends, context: RequestContext, { userId, name }: KeyPair): Promise<void> {
  try {
    await checkQuota(backends, context, userId, 0)
  } catch (error) {
    await backends.stores.api.keyPairs.remove(userId, name)
    throw error
  }
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
export const deleteKeyPair = (backends: Backends, context: RequestContext, userId: string, name: string): Promise<void> =>
  tellingFailure(backends, context, { service: 'api', name: 'delete_key_pair', args: { user_id: userId, key_name: name } }, () =>
    remove(backends, context, userId, name),
  )

async function remove(backends: Backends, context: RequestContext, userId: string, name: string): Promise<void> {
  await tellName(backends, context, 'delete.start', name)
  const found = await findKeyPair(backends, userId, name)
  await tell(backends, context, 'delete', 'start', found)
  if (!(await backends.stores.api.keyPairs.remove(userId, name))) throw new Fault('keyPairNotFound', name, userId)
  await tell(backends, context, 'delete', 'end', found)
  await tellName(backends, context, 'delete.end', name)
}

const tellName = ({ notifications }: Backends, context: RequestContext, event: string, name: string): Promise<void> =>
  notifications.unversioned(context, () => ({
    service: 'api',
    event: `keypair.${event}`,
    payload: { tenant_id: context.projectId, user_id: context.userId, key_name: name },
  }))

const tell = (
  { notifications }: Backends,
  context: RequestContext,
  action: 'create' | 'import' | 'delete',
  phase: 'start' | 'end',
  key: KeyPairFacts,
): Promise<void> => notifications.versioned(context, () => ({ object: 'keypair', action, phase, payload: keyPairPayload(key) }))
