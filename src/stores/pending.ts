/** Servers that no cell holds yet, made of their build requests, in the form of those that a cell holds. */
import type { WireObject } from '../oslo/objects/object.ts'
import type { BuildRequest } from './api/requests.ts'
import { camel } from './camel.ts'
import { cellSchema } from './cell/schema.ts'
import type { Server, StoredFlavors, Vif } from './cell/servers.ts'

const columns = Object.keys(cellSchema.instances.columns)
  .filter((column) => column !== 'internal_id' && column !== 'cell_name')
  .map((column) => [column, camel(column)] as const)
const times = new Set(['createdAt', 'updatedAt', 'deletedAt', 'launchedAt', 'terminatedAt'])

const dataOf = (wire: unknown): Record<string, unknown> | undefined => (wire as WireObject | null)?.['nova_object.data']
const objectsOf = (wire: unknown): WireObject[] => (dataOf(wire)?.objects ?? []) as WireObject[]

/** nova/objects/build_request.py _load_instance: what is not known before a cell has it is null. */
export function serverOfRequest({ id, createdAt, updatedAt, instance, tags }: BuildRequest): Server {
  const data = instance['nova_object.data']
  const server: Record<string, unknown> = {}
  for (const [column, name] of columns) {
    const value = data[column] ?? null
    server[name] = times.has(name) && typeof value === 'string' ? stored(value) : value
  }
  Object.assign(server, { id, createdAt, updatedAt, deleted: 0, hidden: false, disableTerminate: false })
  for (const name of ['terminatedAt', 'host', 'node', 'computeId', 'launchedAt', 'launchedOn']) server[name] = null
  const pairs = (key: string) => (data[key] ?? {}) as Record<string, string | null>
  return {
    ...(server as unknown as Server),
    cellId: null,
    flavor: flavorsOf(data),
    networkInfo: networkInfoOf(data.info_cache),
    trustedCerts: (data.trusted_certs as WireObject | null | undefined) ?? null,
    pending: {
      metadata: pairs('metadata'),
      systemMetadata: pairs('system_metadata'),
      tags: objectsOf(tags).map((tag) => tag['nova_object.data'].tag as string),
    },
  }
}

function flavorsOf(data: Readonly<Record<string, unknown>>): StoredFlavors | null {
  const cur = data.flavor as WireObject | null | undefined
  return cur ? { cur, old: (data.old_flavor as WireObject) ?? null, new: (data.new_flavor as WireObject) ?? null } : null
}

/** The model is JSON text within the object. */
function networkInfoOf(cache: unknown): Vif[] {
  const info = dataOf(cache)?.network_info
  return typeof info === 'string' ? JSON.parse(info) : ((info as Vif[] | undefined) ?? [])
}

/** `2026-01-02T03:04:05Z` → `2026-01-02 03:04:05` */
const stored = (wire: string): string => wire.replace('T', ' ').replace(/Z$/, '')
