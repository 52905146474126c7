/** Lists of volumes: whose, which, in what order (cinder/api/v3/volumes.py _get_volumes, cinder/db/sqlalchemy/api.py). */
import { backendOf } from './backends.ts'
import type { Volume } from './documents.ts'
import { badRequest, invalidInput, noVolume } from './faults.ts'
import { allowFilters, dictionary, hasAllOf, listOf, pageOf, pagingOf, type SortKeys } from './listing.ts'
import { truth, type VolumeCall } from './state.ts'

/** Columns by which volumes may be sorted and filtered. */
const columns: SortKeys<Volume> = {
  name: ({ name }) => name,
  display_name: ({ name }) => name,
  display_description: ({ description }) => description,
  size: ({ size }) => size,
  status: ({ status }) => status,
  attach_status: ({ attach_status }) => attach_status,
  migration_status: ({ migration_status }) => migration_status,
  availability_zone: ({ availability_zone }) => availability_zone,
  host: ({ host }) => host,
  bootable: ({ bootable }) => bootable,
  multiattach: ({ multiattach }) => multiattach,
  use_quota: ({ use_quota }) => use_quota,
  project_id: ({ project_id }) => project_id,
  user_id: ({ user_id }) => user_id,
  volume_type_id: ({ volume_type_id }) => volume_type_id,
  snapshot_id: ({ snapshot_id }) => snapshot_id,
  source_volid: ({ source_volid }) => source_volid,
  group_id: () => null,
  consistencygroup_id: () => null,
  replication_status: () => null,
  updated_at: ({ updated_at }) => updated_at,
  created_at: ({ created_at }) => created_at,
  id: ({ id }) => id,
}

/** What administrators may filter by beside that: the Idempotency-Key that a volume was made with. Cinder, which has no such column, finds nothing. */
const filterColumns: SortKeys<Volume> = { ...columns, made_for: ({ made_for }) => made_for }

type Test = (volume: Volume) => boolean

export function listVolumes(call: VolumeCall, path: string, view: (volume: Volume) => unknown) {
  const { paging, filters } = pagingOf(call)
  const found = mine(call, filters).filter(testOf(call, filters))
  const page = pageOf(found, paging, columns, noVolume)
  return listOf(call, 'volumes', page, { limit: paging.limit, view, path })
}

/** The volumes of the caller's project, or all, if an administrator asks; targets of migrations are not for others. */
function mine({ store, caller, projectId }: VolumeCall, filters: Map<string, string>): readonly Volume[] {
  const all = caller.isAdmin && truth(filters.get('all_tenants'))
  const own = all ? store.volumes.all() : store.volumes.by('project_id', projectId)
  return caller.isAdmin ? own : own.filter(({ migration_status }) => !migration_status?.startsWith('target:'))
}

/** Filters that came with later versions are dropped before them. */
const added = [
  ['glance_metadata', 4],
  ['group_id', 10],
  ['created_at', 60],
  ['updated_at', 60],
  ['use_quota', 65],
] as const

function testOf(call: VolumeCall, filters: Map<string, string>): Test {
  const { minor } = call
  if (minor < 31) for (const [name, since] of added) if (minor < since) filters.delete(name)
  allowFilters(call, 'volume', filters)
  filters.delete('all_tenants')
  const tests = [...filters].map(([name, value]) => oneTest(renamed(name, minor), value, minor))
  return (volume) => tests.every((test) => test(volume))
}

/** cinder/api/common.py ATTRIBUTE_CONVERTERS */
const renamed = (name: string, minor: number): string =>
  minor >= 31 && name === 'consumes_quota'
    ? 'use_quota'
    : name === 'name~'
      ? 'display_name~'
      : name === 'description~'
        ? 'display_description~'
        : name

const booleans = ['bootable', 'multiattach', 'use_quota']

/** A filter of a name that no column has finds nothing. */
function oneTest(name: string, value: string, minor: number): Test {
  if (name === 'metadata' || name === 'glance_metadata') return metadataTest(name, value)
  if ((name === 'created_at' || name === 'updated_at') && minor >= 60) return timeTest(name, value)
  if (name === 'host') return ({ host }) => host !== null && [host, backendOf(host), host.split('@')[0]].includes(value)
  if (name.endsWith('~')) {
    const column = columns[name.slice(0, -1)]
    return column && minor >= 34
      ? (volume) =>
          String(column(volume) ?? '')
            .toLowerCase()
            .includes(value.toLowerCase())
      : () => false
  }
  const column = Object.hasOwn(filterColumns, name) ? filterColumns[name]! : undefined
  if (!column) return () => false
  if (booleans.includes(name)) {
    const wanted = booleanOf(name, value, minor)
    return (volume) => column(volume) === wanted
  }
  const wanted = valuesOf(value)
  return (volume) => wanted.includes(String(column(volume)))
}

/** `['error', 'available']` is one of them, `'error'` the text in it; anything else is itself. */
function valuesOf(value: string): string[] {
  const [, inner] = /^[[(](.*)[\])]$/s.exec(value.trim()) ?? []
  const parts = inner === undefined ? [value] : inner.split(',')
  return parts.map((part) => part.trim().replace(/^u?(['"])(.*)\1$/s, '$2'))
}

function metadataTest(name: 'metadata' | 'glance_metadata', value: string): Test {
  const wanted = dictionary(value)
  if (!wanted) return () => false
  return ({ metadata, image_metadata }) => hasAllOf(name === 'metadata' ? metadata : (image_metadata ?? {}), wanted)
}

/** Since 3.2 only what is one of two; before, anything but `false` was true (cinder/volume/api.py _check_boolean_filter_value). */
function booleanOf(name: string, value: string, minor: number): boolean {
  if (/^(1|t|true|on|y|yes)$/i.test(value.trim())) return true
  if (/^(0|f|false|off|n|no)$/i.test(value.trim())) return minor < 2 ? /^(False|false|FALSE)$/.test(value) === false : false
  if (minor >= 2) throw invalidInput(`'${name} = ${value}'`)
  return value !== ''
}

const comparisons: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  gt: (a, b) => a > b,
  gte: (a, b) => a >= b,
  eq: (a, b) => a === b,
  neq: (a, b) => a !== b,
  lt: (a, b) => a < b,
  lte: (a, b) => a <= b,
}

/** `gt:2026-01-01T00:00:00,lt:2027-01-01T00:00:00` */
function timeTest(name: 'created_at' | 'updated_at', value: string): Test {
  const tests = value.split(',').map((part) => {
    const [operator, ...rest] = part.split(':')
    const compare = comparisons[operator!]
    if (!compare) throw badRequest(`Invalid ${operator} operator`)
    const text = rest.join(':')
    const time = Date.parse(/[Zz]|[+-]\d\d:?\d\d$/.test(text) ? text : `${text.includes('T') ? text : `${text}T00:00:00`}Z`)
    if (Number.isNaN(time)) throw badRequest(`Invalid ${text} value`)
    return { compare, time }
  })
  return (volume) => {
    // In whole seconds, as it is shown.
    const held = volume[name]
    return held !== null && tests.every(({ compare, time }) => compare(Math.floor(held / 1000) * 1000, time))
  }
}

/** How many volumes there are, how large they are together, and from 3.36 all values of their metadata. */
export function volumeTotals(call: VolumeCall) {
  const found = mine(call, new Map(call.query))
  const metadata: Record<string, string[]> = {}
  for (const [key, value] of found.flatMap((volume) => Object.entries(volume.metadata)))
    if (!metadata[key]?.includes(value)) (metadata[key] ??= []).push(value)
  const sizes = found.reduce((sum, { size }) => sum + size, 0)
  return { 'volume-summary': { total_count: found.length, total_size: sizes, ...(call.minor >= 36 && { metadata }) } }
}
