/** Servers as Nova's services hand them to each other: the Instance object with the fields that Nova would have loaded for a call. */
import { snake } from '../../stores/camel.ts'
import type { ShareRow } from '../../stores/cell/attachments.ts'
import type { BlockDevice } from '../../stores/cell/block-devices.ts'
import type { Migration as MigrationRow } from '../../stores/cell/migrations.ts'
import type { Service as ServiceRow } from '../../stores/cell/services.ts'
import { BlockDeviceMapping, type BlockDeviceMappingList } from '../../stores/objects/block-device-mapping.ts'
import { VirtCPUModel } from '../../stores/objects/cpu.ts'
import { InstanceDeviceMetadata } from '../../stores/objects/device-metadata.ts'
import { Flavor } from '../../stores/objects/flavor.ts'
import { Instance } from '../../stores/objects/instance.ts'
import { KeyPairList } from '../../stores/objects/key-pair.ts'
import { Migration, MigrationContext } from '../../stores/objects/migration.ts'
import { readNetworkInfo } from '../../stores/objects/network-info.ts'
import { InstanceNUMATopology } from '../../stores/objects/numa.ts'
import { PciDevice, pciRequestsFromColumn } from '../../stores/objects/pci.ts'
import { ResourceList } from '../../stores/objects/resource.ts'
import { Service } from '../../stores/objects/service.ts'
import { ShareMapping } from '../../stores/objects/share-mapping.ts'
import { TrustedCerts } from '../../stores/objects/trusted-certs.ts'
import type { Details } from './details.ts'

/** Fields beside those of the row, which always travel. */
const loaders = {
  metadata: async (details: Details) => ({ metadata: (await details.get('metadata')) as Record<string, string> }),
  system_metadata: async (details: Details) => ({ system_metadata: await details.get('systemMetadata') }),
  info_cache: infoCacheOf,
  // Neutron's business; Nova keeps none
  security_groups: async () => ({ security_groups: { objects: [] } }),
  flavor: async ({ server: { flavor } }: Details) => ({
    flavor: flavorOf(flavor?.cur) ?? undefined,
    old_flavor: flavorOf(flavor?.old),
    new_flavor: flavorOf(flavor?.new),
  }),
  numa_topology: async (details: Details) => ({ numa_topology: await column(details, 'numaTopology', InstanceNUMATopology) }),
  pci_requests: async (details: Details) => ({
    pci_requests: pciRequestsFromColumn(details.server.uuid, (await details.get('extra'))?.pciRequests ?? null),
  }),
  pci_devices: async (details: Details) => ({
    pci_devices: {
      objects: (await details.get('pciDevices')).map((row) => PciDevice.fromWire(wire('PciDevice', PciDevice.version, pciData(row)))),
    },
  }),
  vcpu_model: async (details: Details) => ({ vcpu_model: await column(details, 'vcpuModel', VirtCPUModel) }),
  migration_context: async (details: Details) => ({ migration_context: await column(details, 'migrationContext', MigrationContext) }),
  device_metadata: async (details: Details) => ({ device_metadata: await column(details, 'deviceMetadata', InstanceDeviceMetadata) }),
  resources: async (details: Details) => ({ resources: await column(details, 'resources', ResourceList) }),
  keypairs: async (details: Details) => ({ keypairs: (await column(details, 'keypairs', KeyPairList)) ?? { objects: [] } }),
  trusted_certs: async (details: Details) => ({ trusted_certs: await column(details, 'trustedCerts', TrustedCerts) }),
  services: async (details: Details) => ({ services: { objects: (await details.get('services')).map(serviceOf) } }),
} satisfies Record<string, (details: Details) => Promise<Partial<Instance>>>

export type Field = keyof typeof loaders

/** What Nova has loaded of a server: as os-start and os-stop find it, as other actions do, with the flavor that some checks look at, as ServersController does. */
export const brief: readonly Field[] = ['metadata', 'system_metadata']
export const usual: readonly Field[] = [...brief, 'info_cache', 'security_groups']
export const sized: readonly Field[] = [...usual, 'flavor']
export const detailed: readonly Field[] = [...usual, 'numa_topology', 'flavor']

/** Reads what these fields need, so that nothing can fail once the server has been changed. */
export const warm = async (details: Details, fields: readonly Field[]): Promise<void> => void (await instanceOf(details, fields))

/** The server with these fields, none of them marked as changed. */
export async function instanceOf(details: Details, fields: readonly Field[]): Promise<Instance> {
  const parts = await Promise.all(fields.map((field) => loaders[field](details)))
  return { ...rowOf(details), ...Object.assign({}, ...parts) }
}

const optional = new Set<string>([...Object.keys(loaders), 'old_flavor', 'new_flavor', 'tags', 'fault', 'ec2_ids'])
const columns = Object.keys(Instance.fields).filter((name) => !optional.has(name))
const times = new Set(['created_at', 'updated_at', 'deleted_at', 'launched_at', 'terminated_at'])
const flags = new Set(['locked', 'auto_disk_config', 'shutdown_terminate', 'disable_terminate', 'hidden', 'cleaned', 'deleted'])

const names = new Map(Object.keys(Instance.fields).map((name) => [name, name]))

function rowOf({ server }: Details): Instance {
  const row: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(server)) {
    const name = names.get(snake(key))
    if (name !== undefined && !optional.has(name)) row[name] = value
  }
  const out: Record<string, unknown> = {}
  for (const name of columns) {
    const value = row[name] ?? null
    // nova/objects/instance.py _from_db_object: a row is deleted when it says its own id
    out[name] = flags.has(name) ? Boolean(value) : times.has(name) && value !== null ? Instance.fields.created_at.read(value, name) : value
  }
  return out as Instance
}

async function infoCacheOf(details: Details): Promise<Partial<Instance>> {
  const found = await details.get('infoCache')
  if (!found) return { info_cache: null }
  const { instanceUuid, networkInfo, createdAt, updatedAt, deletedAt, deleted } = found
  return {
    info_cache: {
      instance_uuid: instanceUuid,
      network_info: readNetworkInfo(networkInfo),
      created_at: createdAt,
      updated_at: updatedAt,
      deleted_at: deletedAt,
      deleted: Boolean(deleted),
    },
  }
}

type Columns = 'numaTopology' | 'vcpuModel' | 'migrationContext' | 'deviceMetadata' | 'resources' | 'keypairs' | 'trustedCerts'

/** A column of instance_extra that holds an object in its wire form. */
async function column<V>(details: Details, name: Columns, type: { fromWire(wire: unknown): V; unchanged(value: V): V }): Promise<V | null> {
  const text = (await details.get('extra'))?.[name]
  return text ? type.unchanged(type.fromWire(JSON.parse(text))) : null
}

const flavorOf = (stored: unknown): Flavor | null => (stored ? Flavor.unchanged(Flavor.fromWire(stored)) : null)

const wire = (name: string, version: string, data: object) => ({
  'nova_object.name': name,
  'nova_object.namespace': 'nova',
  'nova_object.version': version,
  'nova_object.data': data,
})

const snaked = (row: object): Record<string, unknown> => Object.fromEntries(Object.entries(row).map(([key, value]) => [snake(key), value]))

const pciData = ({ extraInfo, deleted, ...row }: { extraInfo: string | null; deleted: number | null }) => ({
  ...snaked(row),
  extra_info: extraInfo ? JSON.parse(extraInfo) : {},
  deleted: Boolean(deleted),
})

function serviceOf({ deleted, ...row }: ServiceRow): Service {
  return Service.fromWire(wire('Service', Service.version, { ...snaked(row), deleted: Boolean(deleted) }))
}

/** A move as it travels. */
export const migrationOf = ({ deleted, ...row }: MigrationRow): Migration =>
  Migration.fromWire(wire('Migration', Migration.version, { ...snaked(row), deleted: Boolean(deleted) }))

/** A share as it travels. */
export const shareOf = (row: ShareRow): ShareMapping => ShareMapping.fromWire(wire('ShareMapping', ShareMapping.version, snaked(row)))

/** Block devices as they travel. */
export const blockDevicesOf = (rows: readonly BlockDevice[]): BlockDeviceMappingList => ({ objects: rows.map(blockDeviceOf) })

const blockDeviceOf = ({ deleted, noDevice, ...row }: BlockDevice): BlockDeviceMapping =>
  BlockDeviceMapping.fromWire(
    wire('BlockDeviceMapping', BlockDeviceMapping.version, { ...snaked(row), no_device: Boolean(noDevice), deleted: Boolean(deleted) }),
  )
