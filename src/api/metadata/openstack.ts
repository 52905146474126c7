/** OpenStack's tree: documents under dated versions (nova/api/metadata/base.py RouteConfiguration). */
import { randomUUID } from 'node:crypto'
import type { MetadataBackends } from '../../compute/metadata/backends.ts'
import { networkConfigOf } from '../../compute/metadata/content.ts'
import { dedicatedCpus, devicesOf } from '../../compute/metadata/devices.ts'
import { type Guest, hostnameOf, keyPairOf, userDataOf } from '../../compute/metadata/guest.ts'
import { networkData } from '../../compute/metadata/network-data.ts'
import { allVendorData, staticVendorData } from '../../compute/metadata/vendor-data.ts'
import { dumps } from '../../oslo/python-json.ts'
import { type OpenstackVersion, openstackVersion } from './versions.ts'

export interface Document {
  readonly type: 'text/plain; charset=UTF-8' | 'application/json'
  readonly body: string | Uint8Array
}

/** Random bytes, as the guest's own source of randomness may start with. */
export type RandomBytes = (count: number) => Buffer

export interface OpenstackParts {
  readonly backends: MetadataBackends
  readonly randomBytes: RandomBytes
}

/** The document at a path below `/openstack/`, `password` where the password is, undefined where there is nothing. */
export async function openstackAt(
  guest: Guest,
  segments: readonly string[],
  parts: OpenstackParts,
): Promise<Document | 'password' | undefined> {
  const [first, ...rest] = segments
  if (first === 'content') return contentAt(guest, rest, parts)
  const version = openstackVersion(first)
  if (!version) return undefined
  const name = rest.join('/')
  return Object.hasOwn(documents, name) ? documents[name]!({ ...parts, guest, version, has: (since) => version >= since }) : undefined
}

interface Asked extends OpenstackParts {
  readonly guest: Guest
  readonly version: OpenstackVersion
  /** Whether what came with a version is there in the one that is asked for. */
  readonly has: (since: OpenstackVersion) => boolean
}

type Answer = Document | 'password' | undefined | Promise<Document | undefined>

const plain = (body: string | Uint8Array): Document => ({ type: 'text/plain; charset=UTF-8', body })
const json = (value: unknown): Document => ({ type: 'application/json', body: dumps(value) })

const documents: Readonly<Record<string, (asked: Asked) => Answer>> = {
  '': listing,
  version: listing,
  'meta_data.json': (asked) => ({ type: 'application/json', body: metaDataText(asked) }),
  user_data: ({ guest }) => {
    const data = userDataOf(guest)
    return data ? plain(data) : undefined
  },
  password: ({ has }) => (has('2013-04-04') ? 'password' : undefined),
  'vendor_data.json': async ({ backends, has }) => {
    if (!has('2013-10-17') || !backends.settings.api.vendordataProviders.includes('StaticJSON')) return undefined
    return json(await staticVendorData(backends))
  },
  'vendor_data2.json': async ({ backends, guest, has }) => (has('2016-10-06') ? json(await allVendorData(backends, guest)) : undefined),
  // Plain text in every version, those that do not list it included: Nova names no type and looks at no version
  'network_data.json': ({ guest }) => plain(piecesOf(guest, 'network', () => dumps(networkData(guest.networkInfo) ?? {}))[0]!),
}

function listing({ guest, has }: Asked): Document {
  const names = [
    'meta_data.json',
    ...(guest.userData === null ? [] : ['user_data']),
    ...(has('2013-04-04') ? ['password'] : []),
    ...(has('2013-10-17') ? ['vendor_data.json'] : []),
    ...(has('2015-10-15') ? ['network_data.json'] : []),
    ...(has('2016-10-06') ? ['vendor_data2.json'] : []),
  ]
  return plain(names.join('\n'))
}

/** Texts of what is known of a guest, for as long as that is kept, in pieces: between them stands what is new for each answer. */
const texts = new WeakMap<Guest, Map<string, readonly string[]>>()

function piecesOf(guest: Guest, name: string, make: () => string): readonly string[] {
  let known = texts.get(guest)
  if (!known) texts.set(guest, (known = new Map()))
  let pieces = known.get(name)
  if (pieces === undefined) known.set(name, (pieces = make().split(seedPlace)))
  return pieces
}

/** Stands where a seed, new for each answer, belongs; no guest can know it. */
const seedPlace = randomUUID()

function metaDataText(asked: Asked): string {
  const [before, after] = piecesOf(asked.guest, asked.version, () => dumps(metaData(asked)))
  return after === undefined ? before! : before! + asked.randomBytes(512).toString('base64') + after
}

function metaData({ guest, backends, has }: Asked): object {
  const keyPair = keyPairOf(guest)
  return {
    uuid: guest.uuid,
    ...(Object.keys(guest.metadata).length > 0 && { meta: guest.metadata }),
    ...(networkConfigOf(backends, guest) !== null && { network_config: { name: 'network_config', content_path: '/content/0000' } }),
    ...(keyPair && {
      public_keys: { [keyPair.name]: keyPair.publicKey },
      keys: [{ name: keyPair.name, type: keyPair.type, data: keyPair.publicKey }],
    }),
    hostname: hostnameOf(guest, backends.settings.api.dhcpDomain),
    name: guest.displayName,
    launch_index: guest.launchIndex,
    availability_zone: guest.availabilityZone,
    ...(has('2013-04-04') && { random_seed: seedPlace }),
    ...(has('2015-10-15') && { project_id: guest.projectId }),
    ...(has('2016-06-30') && {
      devices: devicesOf(guest.deviceMetadata, { vlan: has('2017-02-22'), trusted: has('2018-08-27'), shares: has('2025-04-04') }),
    }),
    ...(has('2020-10-14') && { dedicated_cpus: dedicatedCpus(guest.numaTopology) }),
  }
}

function contentAt(guest: Guest, names: readonly string[], { backends }: OpenstackParts): Document | undefined {
  const config = names.join('/') === '0000' ? networkConfigOf(backends, guest) : null
  return config === null ? undefined : plain(config)
}
