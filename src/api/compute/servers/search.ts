/** What a list of servers may be asked for, and what that means. */
import { Fault } from '../../../compute/faults.ts'
import type { ServerSearch } from '../../../compute/servers/list.ts'
import type { RuleName } from '../../policies.ts'
import { pageOf } from '../../serve/paging.ts'
import { last } from '../../serve/query.ts'
import { booleanFrom, storedTime } from '../../serve/values.ts'
import type { Call } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'
import { json, many, query, words } from '../../spec/shape.ts'
import { since, until } from '../../spec/span.ts'
import { statesOf } from './status.ts'

/** Taken as sort keys until 2.74, and ignored. */
const ignoredSortKeys = [
  'architecture',
  'cell_name',
  'cleaned',
  'default_ephemeral_device',
  'default_swap_device',
  'deleted',
  'deleted_at',
  'disable_terminate',
  'ephemeral_gb',
  'ephemeral_key_uuid',
  'id',
  'key_data',
  'launched_on',
  'memory_mb',
  'os_type',
  'reservation_id',
  'root_gb',
  'shutdown_terminate',
  'user_data',
  'vcpus',
  'vm_mode',
] as const

const sortKeys = [
  'access_ip_v4',
  'access_ip_v6',
  'auto_disk_config',
  'availability_zone',
  'config_drive',
  'created_at',
  'display_description',
  'display_name',
  'host',
  'hostname',
  'image_ref',
  'instance_type_id',
  'kernel_id',
  'key_name',
  'launch_index',
  'launched_at',
  'locked_by',
  'node',
  'power_state',
  'progress',
  'project_id',
  'ramdisk_id',
  'root_device_name',
  'task_state',
  'terminated_at',
  'updated_at',
  'user_id',
  'uuid',
  'vm_state',
] as const

/** In Nova's order, which the refusal of another word tells. From 2.73 on it is that of a Python set, which is none. */
const sortKeyWords = [
  ...sortKeys,
  ...ignoredSortKeys.flatMap((key) => [until('2.74', key), ...(key === 'launched_on' ? [until('2.72', 'locked')] : [])]),
  since('2.73', 'locked'),
]

const time = many(json<string>({ type: 'string', format: 'date-time' }))
const { anyTexts: text, regexTexts: regex } = p

export const searchQuery = query(
  {
    user_id: text,
    project_id: text,
    tenant_id: text,
    launch_index: text,
    image_ref: text,
    image: text,
    kernel_id: regex,
    ramdisk_id: regex,
    hostname: regex,
    key_name: regex,
    power_state: regex,
    vm_state: text,
    task_state: text,
    host: text,
    node: regex,
    flavor: regex,
    reservation_id: regex,
    launched_at: regex,
    terminated_at: regex,
    availability_zone: regex,
    name: regex,
    display_name: regex,
    description: regex,
    display_description: regex,
    locked_by: regex,
    uuid: text,
    root_device_name: regex,
    config_drive: regex,
    access_ip_v4: regex,
    access_ip_v6: regex,
    auto_disk_config: regex,
    progress: regex,
    sort_key: many(words(sortKeyWords)),
    sort_dir: text,
    all_tenants: text,
    soft_deleted: text,
    deleted: text,
    status: text,
    'changes-since': time,
    ip: regex,
    ip6: regex,
    created_at: regex,
    block_device_mapping: text,
    services: text,
    metadata: text,
    system_metadata: text,
    info_cache: text,
    security_groups: text,
    pci_devices: text,
    ...p.page,
    tags: regex.since('2.26'),
    'tags-any': regex.since('2.26'),
    'not-tags': regex.since('2.26'),
    'not-tags-any': regex.since('2.26'),
    'changes-before': time.since('2.66'),
    locked: text.since('2.73'),
  },
  {
    others: { until: '2.74' },
    matching: { '^_': many(p.text) },
    order: ['type', 'properties', 'additionalProperties', 'patternProperties'],
  },
).since('2.1')

/** Names of other tables' columns: taken by the schema and refused here. */
const joined = new Set(['block_device_mapping', 'services', 'metadata', 'system_metadata', 'info_cache', 'security_groups', 'pci_devices'])
const paging = ['sort_key', 'sort_dir', 'limit', 'marker']
const tagFilters = ['tags', 'tags-any', 'not-tags', 'not-tags-any'] as const

/** Filters that everybody may use; others are dropped without a word unless allow_all_filters holds. */
const open = [
  ...['reservation_id', 'name', 'status', 'image', 'flavor', 'ip', 'changes-since', 'all_tenants'],
  since('2.5', 'ip6'),
  ...tagFilters.map((name) => since('2.26', name)),
  since('2.66', 'changes-before'),
  since('2.73', 'locked'),
  ...['availability_zone', 'config_drive', 'key_name', 'created_at', 'launched_at', 'terminated_at', 'power_state', 'task_state'].map(
    (name) => since('2.83', name),
  ),
  ...['vm_state', 'progress', 'user_id'].map((name) => since('2.83', name)),
  since('2.90', 'hostname'),
]

type Given = Readonly<Record<string, readonly string[] | undefined>>
type Asked = Map<string, string | readonly string[] | boolean>

/** The search that a query asks for; undefined when nothing can match. Throws what is wrong with it. */
export function searchOf(call: Call & { query: Given }, everyProjectRule: RuleName): ServerSearch | undefined {
  const { query, context, at, backends } = call
  const asked: Asked = new Map(Object.keys(query).map((name) => [name, last(query, name)!]))
  keepAllowed(call, asked)
  // nova/api/openstack/compute/servers.py _is_cell_down_supported: pages and filters cannot be right without all cells
  const partial = at('2.69') && !paging.some((name) => name in query) && [...asked.keys()].every((name) => name === 'all_tenants')
  for (const name of asked.keys())
    if (joined.has(name) || name.startsWith('_')) throw new Fault('badRequest', `Invalid filter field: ${name}.`)
  if (!applyStatus(call, asked)) return undefined
  const times = timesOf(asked)
  const deleted = deletedOf(call, asked, times)
  // Nothing there judges a query, nor parts the tags in it, so that no server has them
  if (call.legacy && tagFilters.some((name) => asked.has(name))) return undefined
  const tags = tagsOf(call, asked)
  const all = wantsAll(asked)
  if (asked.has('locked')) asked.set('locked', strict(String(asked.get('locked'))))
  const everyProject = applyProject(call, asked, all ? everyProjectRule : undefined)
  const softDeleted = asked.get('soft_deleted')
  asked.delete('soft_deleted')
  const { limit, marker } = pageOf(query, backends.settings.api.maxLimit)
  return {
    limit,
    // An empty one is none
    marker: marker || undefined,
    filters: Object.fromEntries(asked),
    ...tags,
    ...times,
    ...(deleted !== undefined && { deleted }),
    ...(softDeleted !== undefined && { softDeleted: softDeleted !== '' }),
    sort: sortOf(call, context.isAdmin),
    everyProject,
    partial,
  }
}

function keepAllowed({ can, at }: Call, asked: Asked): void {
  if (can('os_compute_api:servers:allow_all_filters')) for (const name of paging) asked.delete(name)
  else {
    const allowed = new Set(
      open.flatMap((entry) => (typeof entry === 'string' ? [entry] : at(`2.${entry.span.since}` as never) ? [entry.value] : [])),
    )
    for (const name of [...asked.keys()]) if (!allowed.has(name)) asked.delete(name)
  }
}

/** Turns statuses into states. False when nothing can match. */
function applyStatus({ query, at }: { query: Given } & Call, asked: Asked): boolean {
  asked.delete('status')
  const { status } = query
  if (!status) return true
  const { vmStates, taskStates } = statesOf(status)
  if (vmStates.length === 0 && taskStates.length === 0) {
    if (at('2.38')) throw new Fault('badRequest', 'Invalid status value')
    return false
  }
  asked.set('vm_state', vmStates)
  if (!taskStates.includes('default')) asked.set('task_state', taskStates)
  return true
}

interface Times {
  readonly changesSince?: string
  readonly changesBefore?: string
}

function timesOf(asked: Asked): Times {
  const read = (name: string): string | undefined => {
    const value = asked.get(name)
    asked.delete(name)
    if (value === undefined) return undefined
    const time = storedTime(String(value))
    if (time === undefined) throw new Fault('badRequest', `Invalid filter field: ${name}.`)
    return time
  }
  const changesSince = read('changes-since')
  const changesBefore = read('changes-before')
  if (changesSince && changesBefore && changesBefore < changesSince)
    throw new Fault('badRequest', 'The value of changes-since must be less than or equal to changes-before.')
  return {
    ...(changesSince !== undefined && { changesSince }),
    ...(changesBefore !== undefined && { changesBefore: endOfSecond(changesBefore) }),
  }
}

/**
 * A stored time without a fraction stands for all of its second: servers show seconds, so that is what clients ask with. MariaDB keeps no more;
 * where fractions are kept a server would otherwise not be found by the very time that it shows.
 */
const endOfSecond = (time: string): string => time.replace(/\.0*$/, '.999999')

function deletedOf({ context }: Call, asked: Asked, times: Times): boolean | undefined {
  const given = asked.get('deleted')
  asked.delete('deleted')
  const vmState = asked.get('vm_state')
  if (Array.isArray(vmState) && vmState.length === 1 && vmState[0] === 'deleted') {
    if (!context.isAdmin) throw new Fault('forbidden', 'Only administrators may list deleted instances')
    return true
  }
  // What is no boolean means no
  if (given !== undefined) return booleanFrom(given) ?? false
  return times.changesSince === undefined && times.changesBefore === undefined ? false : undefined
}

function tagsOf({ at }: Call, asked: Asked): Pick<ServerSearch, 'tags' | 'tagsAny' | 'notTags' | 'notTagsAny'> {
  const names = { tags: 'tags', 'tags-any': 'tagsAny', 'not-tags': 'notTags', 'not-tags-any': 'notTagsAny' } as const
  const out: Record<string, string[]> = {}
  for (const name of tagFilters) {
    const value = asked.get(name)
    asked.delete(name)
    if (value !== undefined && at('2.26')) out[names[name]] = String(value).split(',')
  }
  return out
}

/** An empty value is a yes. */
function wantsAll(asked: Asked): boolean {
  const value = asked.get('all_tenants')
  asked.delete('all_tenants')
  return value !== undefined && (value === '' || strict(String(value)))
}

/** Whose servers: of every project, when the rule for that, which is asked where they are wanted, allows it, or the caller's. */
function applyProject({ context, authorize }: Call, asked: Asked, rule: RuleName | undefined): boolean {
  if (rule) {
    authorize(rule)
    return true
  }
  asked.delete('tenant_id')
  if (context.projectId) asked.set('project_id', context.projectId)
  else asked.set('user_id', context.userId ?? '')
  return false
}

/** oslo_utils.strutils.bool_from_string, strict. */
function strict(value: string): boolean {
  const found = booleanFrom(value)
  if (found === undefined)
    throw new Fault(
      'badRequest',
      `Unrecognized value '${value}', acceptable values are: '0', '1', 'f', 'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'`,
    )
  return found
}

/** What is sorted by, and in which directions; keys of before are left out with theirs. nova/api/openstack/compute/servers.py remove_invalid_sort_keys */
function sortOf({ query, at }: { query: Given } & Call, isAdmin: boolean): ServerSearch['sort'] {
  const keys = (query.sort_key ?? ['created_at']).map((key) => key.trim())
  const directions = (query.sort_dir ?? ['desc']).map((direction) => direction.trim())
  const ignored = new Set<string>(at('2.73') ? ignoredSortKeys : [...ignoredSortKeys, 'locked'])
  for (const key of [...keys]) {
    const place = keys.indexOf(key)
    if (ignored.has(key)) {
      if (directions.length > place) directions.splice(place, 1)
      keys.splice(place, 1)
    } else if ((key === 'host' || key === 'node') && !isAdmin)
      throw new Fault('forbidden', `Only administrators can sort servers by ${key}`)
  }
  return { keys, directions }
}
