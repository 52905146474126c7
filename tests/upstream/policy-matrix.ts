/** Who may ask for what: every operation, asked for by callers of every kind, of things that are there and of things that are not. */
import { readFileSync } from 'node:fs'
import { resources } from '../../src/api/compute/index.ts'
import { verdictOf } from '../../src/api/serve/validate.ts'
import { type Minor, newest } from '../../src/api/spec/history.ts'
import { type Upstream, upstream } from './operations.ts'
import { sampleOf } from './sample.ts'

/** `other` is a member of another project, `nobody` has a role that means nothing; the last two have a token that is not for a project. */
export const callers = ['admin', 'manager', 'member', 'reader', 'other', 'nobody', 'service', 'system', 'domain'] as const
export type Caller = (typeof callers)[number]

export interface Asked {
  readonly method: string
  readonly path: string
  readonly minor: Minor
  readonly body: unknown
}

export interface Answered {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: answers of all kinds
  readonly body: any
}

export type Ask = (caller: Caller, asked: Asked) => Promise<Answered>

/** The things that are there; all but the service, the hypervisor, the image and the network belong to the callers' project, the key to `member`. */
export interface Things {
  readonly project: string
  readonly user: string
  /** An active server with metadata `k`, the tag `t` and a port. */
  readonly server: string
  readonly port: string
  /** A request of the server's actions. */
  readonly request: string
  /** A server that found no host. */
  readonly failed: string
  readonly group: string
  readonly aggregate: string
  readonly aggregateName: string
  /** Both the id and the name of a public flavor that has the extra spec `hw:cpu_policy`. */
  readonly flavor: string
  /** A flavor without a disk. */
  readonly diskless: string
  readonly key: string
  readonly host: string
  readonly service: string
  readonly serviceNumber: string
  readonly hypervisor: string
  readonly hypervisorNumber: string
  readonly hypervisorName: string
  readonly image: string
  readonly network: string
  readonly securityGroup: string
}

/** `there`, `failed` (of the server that found no host), `gone`, `bad` (a body that no schema lets through), `plain` (no thing is named). */
export type Variant = 'there' | 'failed' | 'gone' | 'bad' | 'plain'

/** What callers were told: `200`, or `403 servers:show` with the rule that was broken; by it, who was. */
export type Row = Readonly<Record<string, string>>
/** By `VERSION OPERATION`, then by variant. */
export type Matrix = Record<string, Partial<Record<string, Row>>>

const facts = JSON.parse(readFileSync(new URL('./facts/policies.json', import.meta.url), 'utf8')) as Record<
  string,
  [check: string, at: string[]]
>

const granted: Readonly<Record<string, readonly Caller[]>> = {
  'rule:context_is_admin': ['admin'],
  'rule:project_manager_or_admin': ['admin', 'manager'],
  'rule:project_member_or_admin': ['admin', 'manager', 'member'],
  'rule:project_reader_or_admin': ['admin', 'manager', 'member', 'reader'],
  'rule:service_or_admin': ['admin', 'service'],
  '!': [],
}

/** Those who are certainly refused: nothing comes of what they ask for. Nobody where no rule says so. */
function refusedBy(at: string): readonly Caller[] {
  const documented = at.replace('/os-volumes_boot', '/servers')
  const rules = Object.values(facts).filter(([, guarded]) => guarded.includes(documented))
  if (rules.length === 0) return []
  const may = new Set(rules.flatMap(([check]) => granted[check] ?? callers))
  const refused = callers.filter((caller) => !may.has(caller))
  return isOwned(at) || refused.includes('member') ? refused : refused.filter((caller) => caller !== 'other')
}

const isOwned = (at: string): boolean => /^\w+ \/(servers|os-volumes_boot|os-server-groups|os-quota-sets)\/:/.test(at)

/** These change nothing that matters, whoever asks. */
const harmless =
  /^(GET (?!\/os-hosts\/:id\/)|PUT \/servers\/:id$|(POST|PUT) \/servers\/:server_id\/(metadata|tags)|DELETE \/servers\/:server_id\/os-server-password|(POST|PUT) \/flavors\/:flavor_id\/os-extra_specs)/

/** Of the server that found no host, all but these. */
const ends = /^DELETE \/(servers|os-volumes_boot)\/:id$|forceDelete$/

const absent = '8d5a1a3e-0b3e-4f0f-9d39-0d2f0e5ad6b1'
const absentProject = absent.replaceAll('-', '')

/** The things that a route names, in its order. */
function namesOf(at: string, things: Things, minor: Minor, variant: Variant): string[] {
  const [, route] = at.split(' ') as [string, string]
  const gone = variant === 'gone'
  const [, collection, , inner] = route.split('/') as string[]
  const first = (): string => {
    switch (collection) {
      case 'servers':
      case 'os-volumes_boot':
        return gone ? absent : variant === 'failed' ? things.failed : things.server
      case 'os-server-groups':
        return gone ? absent : things.group
      case 'os-aggregates':
        return gone ? '4711' : things.aggregate
      case 'flavors':
        return gone ? absent : things.flavor
      case 'os-keypairs':
        return gone ? 'absent' : things.key
      case 'os-services':
        if (at.startsWith('PUT') && minor < 53) return 'enable'
        return gone ? (minor < 53 ? '4711' : absent) : minor < 53 ? things.serviceNumber : things.service
      case 'os-hypervisors':
        if (inner === 'search' || inner === 'servers') return gone ? 'absent' : things.hypervisorName
        return gone ? (minor < 53 ? '4711' : absent) : minor < 53 ? things.hypervisorNumber : things.hypervisor
      case 'os-hosts':
        return gone ? 'absent' : things.host
      case 'images':
        return gone ? absent : things.image
      case 'os-networks':
      case 'os-tenant-networks':
        return gone ? absent : things.network
      case 'os-security-groups':
        return gone ? absent : things.securityGroup
      case 'os-quota-sets':
      case 'os-simple-tenant-usage':
        return gone ? absentProject : things.project
      case 'os-quota-class-sets':
        return 'default'
      case 'os-instance_usage_audit_log':
        return '2026-01-01 00:00:00'
      case 'extensions':
        return gone ? 'absent' : 'os-agents'
      case 'versions':
        return gone ? 'absent' : 'v2.1'
      default:
        return absent
    }
  }
  const second = (): string => {
    if (collection === 'flavors') return gone ? 'absent' : 'hw:cpu_policy'
    switch (inner) {
      case 'metadata':
        return gone ? 'absent' : 'k'
      case 'tags':
        return gone ? 'absent' : 't'
      case 'os-interface':
        return gone ? absent : things.port
      case 'os-instance-actions':
        return gone ? `req-${absent}` : things.request
      case 'migrations':
        return '4711'
      case 'ips':
        return gone ? 'absent' : 'shared'
      default:
        return absent
    }
  }
  return [first(), second()]
}

function pathOf(at: string, things: Things, minor: Minor, variant: Variant): string {
  const names = namesOf(at, things, minor, variant)
  return at.split(' ')[1]!.replace(/:\w+/g, () => encodeURIComponent(names.shift()!))
}

/** Bodies that do no harm when they are let through, where a sample of the schema would. */
function bodyFor(at: string, things: Things, minor: Minor): unknown {
  switch (at) {
    case 'POST /flavors':
      return { flavor: { name: things.flavor, id: things.flavor, ram: 64, vcpus: 1, disk: 1 } }
    case 'POST /os-aggregates':
      return { aggregate: { name: things.aggregateName } }
    case 'POST /os-server-groups':
      return { server_group: { name: 'made', ...(minor < 64 ? { policies: ['affinity'] } : { policy: 'affinity' }) } }
    case 'POST /os-keypairs':
      return { keypair: { name: 'made', public_key: 'no key' } }
    case 'POST /servers':
    case 'POST /os-volumes_boot':
      return { server: { name: 'made', imageRef: absent, flavorRef: things.flavor, ...(minor > 36 && { networks: 'none' }) } }
    case 'POST /os-volumes':
      return { volume: { size: 1, snapshot_id: absent } }
    case 'POST /os-security-groups':
      return { security_group: { name: 'default', description: 'd' } }
    case 'PUT /os-security-groups/:id':
      return { security_group: { name: 'made', description: 'd' } }
    case 'POST /os-security-group-rules':
      return { security_group_rule: { parent_group_id: absent, ip_protocol: 'tcp', from_port: 1, to_port: 2, cidr: '10.0.0.0/8' } }
    case 'POST /os-floating-ips':
      return { pool: 'absent' }
    case 'PUT /os-quota-sets/:id':
      return { quota_set: {} }
    case 'PUT /os-quota-class-sets/:id':
      return { quota_class_set: {} }
    case 'PUT /os-services/:id':
      return minor < 53 ? { host: 'absent', binary: 'nova-compute' } : { status: 'enabled' }
    case 'POST /servers/:id/action os-resetState':
      return { 'os-resetState': { state: 'error' } }
    case 'POST /servers/:id/action os-migrateLive':
      return {
        'os-migrateLive': { host: null, block_migration: minor < 25 ? false : 'auto', ...(minor < 25 && { disk_over_commit: false }) },
      }
    case 'POST /servers/:id/action addSecurityGroup':
      return { addSecurityGroup: { name: 'absent' } }
    case 'POST /servers/:server_id/metadata':
    case 'PUT /servers/:server_id/metadata':
      return { metadata: { k: 'v' } }
    case 'PUT /servers/:server_id/metadata/:id':
      return undefined
    case 'PUT /servers/:server_id/tags':
      return { tags: ['t'] }
    case 'POST /flavors/:flavor_id/os-extra_specs':
      return { extra_specs: { 'hw:cpu_policy': 'shared' } }
    case 'PUT /servers/:id':
    case 'PUT /os-volumes_boot/:id':
      return { server: { name: 'policies' } }
    case 'POST /os-server-external-events':
      return { events: [{ name: 'network-changed', server_uuid: absent }] }
    case 'POST /os-aggregates/:id/action add_host':
      return { add_host: { host: 'absent' } }
    default:
      return undefined
  }
}

function goodBody({ at, body }: Upstream, things: Things, minor: Minor, variant: Variant): unknown {
  const [method, , action] = at.split(' ')
  const ours = bodyFor(at, things, minor)
  if (ours !== undefined) return ours
  const names = namesOf(at, things, minor, variant)
  if (at === 'PUT /servers/:server_id/metadata/:id') return { meta: { [names[1]!]: 'v' } }
  if (at === 'PUT /flavors/:flavor_id/os-extra_specs/:id') return { [names[1]!]: 'shared' }
  const schema = body(minor)
  const value = schema && sampleOf(schema)
  if (!action) return value ?? (method === 'POST' || method === 'PUT' ? {} : undefined)
  return Object.keys((value ?? {}) as object).includes(action) ? value : { [action]: null }
}

/** Refused by the schema, so that it is certain that nothing comes of it. */
function badBody({ at, body }: Upstream, minor: Minor): unknown {
  const schema = body(minor)
  const [, , action] = at.split(' ')
  const value = action ? { [action]: { nothing: [1] } } : { nothing: 1 }
  return schema && !verdictOf(schema)(structuredClone(value)) ? value : undefined
}

export interface Question extends Asked {
  /** The version and the operation. */
  readonly at: string
  readonly variant: Variant
  readonly callers: readonly Caller[]
  /** Whether the fields of what is shown count, too. */
  readonly shows?: boolean
}

const minorsOf = ({ since, until }: Upstream): Minor[] => [...new Set([until, since])]

/** Every question at the newest and the oldest version of each operation. */
export function questions(things: Things): Question[] {
  const ours = new Set(resources.flatMap((resource) => Object.keys(resource)))
  return upstream
    .filter(({ at, removed }) => ours.has(at) && !removed)
    .flatMap((operation) => minorsOf(operation).flatMap((minor) => variantsOf(operation, things, minor)))
}

function variantsOf(operation: Upstream, things: Things, minor: Minor): Question[] {
  const { at } = operation
  const method = at.split(' ')[0]!
  const question = (variant: Variant, who: readonly Caller[], body = goodBody(operation, things, minor, variant)): Question => ({
    at: `2.${minor} ${at}`,
    variant,
    callers: who,
    method,
    path: pathOf(at, things, minor, variant),
    minor,
    body,
  })
  const bad = badBody(operation, minor)
  const malformed = bad === undefined ? [] : [question('bad', callers, bad)]
  if (!at.includes('/:')) return [question('plain', callers), ...malformed]
  const there = harmless.test(at) ? callers : refusedBy(at)
  const ofServer = /^\w+ \/(servers|os-volumes_boot)\/:/.test(at)
  return [
    question('gone', callers),
    ...(there.length > 0 ? [question('there', there)] : []),
    ...(ofServer ? [question('failed', ends.test(at) ? there : callers)] : []),
    ...malformed,
  ]
}

/** What is asked of a rule of its own, beside that of the operation: by a parameter, or by something in the body. */
export function particulars(things: Things): Question[] {
  const { server, failed, project, user, flavor, request } = things
  const fresh = { name: 'made', imageRef: absent, flavorRef: flavor, networks: 'none' }
  const create = (more: object): [string, object] => ['POST /servers', { server: { ...fresh, ...more } }]
  const act = (action: string, value: unknown): [string, object] => [`POST /servers/${failed}/action`, { [action]: value }]
  const volume = { volumeAttachment: { volumeId: absent } }
  const most: [name: string, minor: Minor, asked: [string, unknown?]][] = [
    ['all_tenants', newest, ['GET /servers?all_tenants=1']],
    ['all_tenants in detail', newest, ['GET /servers/detail?all_tenants=1']],
    ['all_tenants off', newest, ['GET /servers/detail?all_tenants=no']],
    ['all_tenants of a project', newest, [`GET /servers?all_tenants=1&project_id=${project}`]],
    ['deleted', newest, ['GET /servers?deleted=1']],
    ['by host', newest, [`GET /servers?host=${things.host}`]],
    ['keys of a user', newest, [`GET /os-keypairs?user_id=${user}`]],
    ['key of a user', newest, [`GET /os-keypairs/${things.key}?user_id=${user}`]],
    ['absent key of a user', newest, [`DELETE /os-keypairs/absent?user_id=${user}`]],
    ['new key of a user', 10, ['POST /os-keypairs', { keypair: { name: 'made', type: 'ssh', public_key: 'no key', user_id: user } }]],
    ['groups of all', newest, ['GET /os-server-groups?all_projects=1']],
    ['all flavors', newest, ['GET /flavors?is_public=none']],
    ['private flavors', newest, ['GET /flavors/detail?is_public=false']],
    ['limits of a project', newest, [`GET /limits?tenant_id=${project}`]],
    ['limits of an absent project', newest, [`GET /limits?tenant_id=${absentProject}`]],
    ['quotas of a user', newest, [`GET /os-quota-sets/${project}?user_id=${user}`]],
    ['usage in detail', newest, ['GET /os-simple-tenant-usage?detailed=1']],
    ['migrations of a project', newest, [`GET /os-migrations?project_id=${project}`]],
    ['migrations of a server', newest, [`GET /os-migrations?instance_uuid=${server}`]],
    ['hypervisors by name', newest, ['GET /os-hypervisors?hypervisor_hostname_pattern=absent']],
    ['hypervisors with servers', 53, [`GET /os-hypervisors/${things.hypervisor}?with_servers=1`]],
    ['create on a host', newest, create({ host: things.host })],
    ['create on a node', newest, create({ hypervisor_hostname: things.hypervisorName })],
    ['create in a zone', newest, create({ availability_zone: 'absent' })],
    ['create in a zone on a host', newest, create({ availability_zone: `nova:${things.host}` })],
    ['create with certificates', newest, create({ trusted_image_certificates: ['a'] })],
    ['create with a port', newest, create({ networks: [{ port: absent }] })],
    ['create with a network', newest, create({ networks: [{ uuid: absent }] })],
    [
      'create from a volume',
      newest,
      create({
        imageRef: '',
        block_device_mapping_v2: [{ source_type: 'volume', destination_type: 'volume', boot_index: 0, uuid: absent }],
      }),
    ],
    ['create several', newest, create({ min_count: 2, max_count: 3 })],
    ['create with a key', newest, create({ key_name: 'absent' })],
    ['create with a security group', newest, create({ security_groups: [{ name: 'absent' }] })],
    ['create with another flavor', newest, create({ flavorRef: 'absent' })],
    ['migrate to a host', newest, act('migrate', { host: 'absent' })],
    ['live migrate to a host', newest, act('os-migrateLive', { host: 'absent', block_migration: 'auto' })],
    ['live migrate to a host by force', 30, act('os-migrateLive', { host: 'absent', block_migration: 'auto', force: true })],
    ['unshelve to a host', newest, act('unshelve', { host: 'absent' })],
    ['unshelve to a zone', newest, act('unshelve', { availability_zone: 'absent' })],
    ['evacuate to a host', newest, act('evacuate', { host: 'absent' })],
    ['rebuild with certificates', newest, act('rebuild', { imageRef: absent, trusted_image_certificates: ['a'] })],
    ['rebuild with a key', newest, act('rebuild', { imageRef: absent, key_name: 'absent' })],
    ['reset to active', newest, ['POST /servers/absent/action', { 'os-resetState': { state: 'active' } }]],
    ['lock with a reason', newest, act('lock', { locked_reason: 'why' })],
    ['stop what is locked', newest, act('os-stop', null)],
    ['change what is locked', newest, [`PUT /servers/${failed}/metadata`, { metadata: { k: 'v' } }]],
    ['unlock', newest, act('unlock', null)],
    ['describe', newest, [`PUT /servers/${failed}`, { server: { description: 'd' } }]],
    ['name a host', newest, [`PUT /servers/${failed}`, { server: { hostname: 'named' } }]],
    ...['vnc novnc', 'spice spice-html5', 'serial serial', 'rdp rdp-html5', 'mks webmks'].map(
      (kind): [string, Minor, [string, unknown]] => {
        const [protocol, type] = kind.split(' ')
        return [`console ${kind}`, 8, [`POST /servers/${failed}/remote-consoles`, { remote_console: { protocol, type } }]]
      },
    ),
    ['swap a volume', newest, [`PUT /servers/${failed}/os-volume_attachments/${absent}`, { volumeAttachment: { volumeId: things.image } }]],
    ['keep a volume', newest, [`PUT /servers/${failed}/os-volume_attachments/${absent}`, volume]],
    [
      'keep a volume otherwise',
      newest,
      [`PUT /servers/${failed}/os-volume_attachments/${absent}`, { volumeAttachment: { volumeId: absent, delete_on_termination: true } }],
    ],
    ['image from a server', newest, act('createImage', { name: 'made' })],
    ['an action that is none', newest, act('absent', null)],
    ['a page of another project', newest, [`GET /os-simple-tenant-usage/${project}?detailed=1`]],
  ]
  const shown: [name: string, minor: Minor, asked: [string]][] = [1, 3, 16, 47, 71, 96, newest].flatMap((minor) => [
    ['shown server', minor, [`GET /servers/${server}`]],
    ['shown servers', minor, ['GET /servers/detail?limit=1']],
    ['shown flavor', minor, [`GET /flavors/${flavor}`]],
    ['shown action', minor, [`GET /servers/${server}/os-instance-actions/${request}`]],
  ])
  const zero: Question = {
    at: `2.${newest} create without a disk`,
    variant: 'plain',
    // Others would be let through
    callers: ['manager', 'member', 'reader', 'nobody'],
    method: 'POST',
    path: '/servers',
    minor: newest,
    body: { server: { ...fresh, imageRef: things.image, flavorRef: things.diskless } },
  }
  const question = ([name, minor, [route, body]]: [string, Minor, [string, unknown?]]): Question => {
    const [method, path] = route.split(' ') as [string, string]
    return { at: `2.${minor} ${name}`, variant: 'plain', callers, method, path, minor, body, shows: name.startsWith('shown') }
  }
  return [...[...most, ...shown].map(question), zero]
}

/** The names of the fields of the one thing, or of the first, and of what the first of its events has. */
function fieldsOf(body: Answered['body']): string {
  const [value] = Object.values(body ?? {})
  const thing = (Array.isArray(value) ? value[0] : value) ?? {}
  const events = (thing.events?.[0] ?? {}) as object
  return [...Object.keys(thing), ...Object.keys(events).map((name) => `events.${name}`)].sort().join(' ')
}

/** `403 servers:show` where a rule is named. */
export function told({ status, body }: Answered): string {
  const message = String(Object.values(body ?? {}).map((value) => (value as { message?: string } | null)?.message)[0] ?? '')
  const rule = /Policy doesn't allow (\S+) to be performed/.exec(message)?.[1]
  return rule === undefined ? String(status) : `${status} ${rule.replace('os_compute_api:', '')}`
}

/** Who was told what, in the order of `callers`. */
export function rowOf(answers: readonly (readonly [Caller, string])[]): Row {
  const row: Record<string, string> = {}
  for (const [caller, cell] of answers) row[cell] = cell in row ? `${row[cell]} ${caller}` : caller
  return row
}

/** Things that are made by those who may are handed to `remove`. */
export async function matrixOf(
  asked: readonly Question[],
  ask: Ask,
  remove: (question: Question, answer: Answered) => Promise<void> = async () => undefined,
): Promise<Matrix> {
  const matrix: Matrix = {}
  for (const question of asked) {
    const answers: [Caller, string][] = []
    for (const caller of question.callers) {
      const answer = await ask(caller, question)
      answers.push([caller, question.shows && answer.status === 200 ? `200 ${fieldsOf(answer.body)}` : told(answer)])
      if (question.method === 'POST' && answer.status < 300) await remove(question, answer)
    }
    const rows = (matrix[question.at] ??= {})
    rows[question.variant] = rowOf(answers)
  }
  return matrix
}
