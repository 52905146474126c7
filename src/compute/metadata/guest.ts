/** Finds a server for its guest: what its cell remembers, and what EC2's names for it need, which is asked for only when somebody wants it. */
import type { CachePlace } from '../../oslo/memcached/cache.ts'
import type { Memcached } from '../../oslo/memcached/client.ts'
import type { GuestRow } from '../../stores/cell/guests.ts'
import type { CellStore } from '../../stores/cells.ts'
import { KeyPairList } from '../../stores/objects/key-pair.ts'
import { fixedIps, floatingIps } from '../../stores/objects/network-info.ts'
import type { MetadataBackends } from './backends.ts'
import { type Ec2Facts, ec2Facts } from './ec2.ts'
import { storedPassword } from './password.ts'
import { type Shared, sharedIn } from './shared.ts'

/** What is known of it at once: plain values. */
export interface GuestRecord extends GuestRow {
  /** The admin password as the guest has stored it, encrypted; empty when it has not. */
  readonly password: string
  /** When this was read, in milliseconds since 1970. */
  readonly readAt: number
}

/** Nobody may change it: requests share it while it is kept. */
export interface Guest extends GuestRecord {
  /** Asked for once, again only after it failed. Rejects with a `PeerError` when Neutron does not tell. */
  ec2(): Promise<Ec2Facts>
}

/** Undefined when there is no such server. Throws what its cell or nova_api throws. */
export async function findGuest(backends: MetadataBackends, id: string): Promise<Guest | undefined> {
  // MySQL, which most databases of Nova are, does not tell letters of a UUID in capitals from small ones
  const uuid = id.toLowerCase()
  return inCellOf(backends, uuid, async (cell) => {
    const row = await cell.guests.find(uuid)
    if (!row) return undefined
    const record: GuestRecord = { ...row, password: storedPassword(row.systemMetadata), readAt: backends.clock.now() }
    return guestOf(backends, record, () => ec2Facts(backends, cell, row))
  })
}

/** Where other processes find the servers that this one has found, and the other way round; undefined when they share nothing. */
export const sharedGuests = (backends: MetadataBackends): Shared<Guest> | undefined =>
  isShared(backends.cache)
    ? sharedIn<Guest>(backends.cache, 'guest', backends.clock, (record: GuestRecord) =>
        guestOf(backends, record, () => inCellOf(backends, record.uuid, (cell) => ec2Facts(backends, cell, record))),
      )
    : undefined

const isShared = (cache: CachePlace): cache is Memcached => typeof cache === 'object'

/** Asks the cell that holds a server; the main database when none is known to (nova/api/metadata/base.py get_metadata_by_instance_id). */
export async function inCellOf<T>({ global, main, log }: MetadataBackends, uuid: string, ask: (cell: CellStore) => Promise<T>): Promise<T> {
  if (!global) return ask(await main())
  const cellId = await global.mappings.cellOf(uuid)
  if (cellId === undefined) log.warning(`Instance mapping for ${shown(uuid)} not found; cell setup is incomplete`)
  if (cellId === undefined || cellId === null) return ask(await main())
  const [answer] = await global.cells.gather(ask, [cellId])
  if (!answer) throw new Error(`there is no cell ${cellId}`)
  if ('error' in answer) throw answer.error
  return answer.value
}

/** What somebody sent, short enough for a log. */
export const shown = (text: string): string => (text.length > 100 ? `${text.slice(0, 100)}…` : text)

/** Its host name with the domain that [api] dhcp_domain sets, as far as it has one. */
export const hostnameOf = ({ hostname }: Guest, domain: string): string | null =>
  domain && hostname !== null ? `${hostname}.${domain}` : hostname

/** What its user has given it; null when nothing. */
export const userDataOf = ({ userData }: Guest): Uint8Array | null => (userData === null ? null : Buffer.from(userData, 'base64'))

/** Its first fixed address of version 4; null or empty when it has none. */
export const fixedAddressOf = ({ networkInfo }: Guest): string | null =>
  networkInfo.flatMap(fixedIps).find(({ version }) => version === 4)?.address ?? null

/** Its first floating address. */
export const floatingAddressOf = ({ networkInfo }: Guest): string | null => networkInfo.flatMap(floatingIps)[0]?.address ?? null

/** The name of its flavor. */
export const flavorNameOf = ({ flavor }: Guest): string | null => (flavor?.cur['nova_object.data'].name as string | undefined) ?? null

/** The key that it was made with. */
export function keyPairOf({ keyName, keyPairs }: Guest): { name: string; type: string; publicKey: string | null } | null {
  if (!keyName || !keyPairs) return null
  const [pair] = KeyPairList.fromWire(keyPairs).objects ?? []
  return pair ? { name: pair.name!, type: pair.type!, publicKey: pair.public_key ?? null } : null
}

/** `find` is asked once, unless it fails or another process has shared what it found for this very record. */
function guestOf(backends: MetadataBackends, record: GuestRecord, find: () => Promise<Ec2Facts>): Guest {
  let facts: Promise<Ec2Facts> | undefined
  return {
    ...record,
    ec2() {
      if (!facts) {
        facts = isShared(backends.cache) ? sharedFacts(backends, backends.cache, record, find) : find()
        facts.catch(() => {
          facts = undefined
        })
      }
      return facts
    },
  }
}

async function sharedFacts(
  { clock, settings }: MetadataBackends,
  cache: Memcached,
  { uuid, readAt }: GuestRecord,
  find: () => Promise<Ec2Facts>,
): Promise<Ec2Facts> {
  const shared = sharedIn<Ec2Facts>(cache, 'ec2', clock, (facts) => facts)
  // Of this record alone: what follows it asks anew
  const key = `${uuid} ${readAt}`
  const found = await shared.get(key)
  if (found) return found.value
  const value = await find()
  shared.set(key, { value, until: readAt + settings.api.metadataCacheExpiration * 1000 })
  return value
}
