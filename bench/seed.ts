/** Fills a cell with servers as Nova leaves them: rows, flavor, network info, metadata, disks, tags. */
import { randomUUID } from 'node:crypto'
import type { Database } from '../src/oslo/database/database.ts'
import { toDateTime } from '../src/oslo/database/datetime.ts'
import type { ApiTables } from '../src/stores/api/schema.ts'
import { insert as insertApi } from '../src/stores/api/table.ts'
import type { CellTables } from '../src/stores/cell/schema.ts'
import { insert } from '../src/stores/cell/table.ts'
import { Flavor } from '../src/stores/objects/flavor.ts'

export interface Population {
  readonly count: number
  readonly projectId: string
  readonly userId: string
  readonly imageId: string
  readonly cellId: number
}

/** The UUIDs of the servers made. */
export async function populate(api: Database<ApiTables>, cell: Database<CellTables>, who: Population): Promise<string[]> {
  const uuids = Array.from({ length: who.count }, () => randomUUID())
  const flavor = JSON.stringify({ cur: flavorWire(), old: null, new: null })
  await cell.write(async (tx) => {
    for (const [i, uuid] of uuids.entries()) {
      const at = toDateTime(Date.UTC(2026, 0, 1) + i * 1000)
      await insert(tx, 'instances', {
        uuid,
        userId: who.userId,
        projectId: who.projectId,
        imageRef: who.imageId,
        kernelId: '',
        ramdiskId: '',
        hostname: `server-${i}`,
        displayName: `server-${i}`,
        displayDescription: `server number ${i}`,
        launchIndex: 0,
        keyName: 'key',
        powerState: 1,
        vmState: 'active',
        memoryMb: 512,
        vcpus: 1,
        rootGb: 1,
        ephemeralGb: 0,
        host: `fake${(i % 2) + 1}`,
        node: `fake${(i % 2) + 1}`,
        instanceTypeId: 1,
        reservationId: `r-${i.toString(36).padStart(8, '0')}`,
        launchedAt: at,
        availabilityZone: 'nova',
        rootDeviceName: '/dev/vda',
        progress: 0,
        autoDiskConfig: false,
        configDrive: '',
        locked: false,
        createdAt: at,
        updatedAt: at,
      })
      await insert(tx, 'instance_extra', { instanceUuid: uuid, flavor, createdAt: at })
      await insert(tx, 'instance_info_caches', { instanceUuid: uuid, networkInfo: JSON.stringify(networkInfo(i)), createdAt: at })
      for (const [key, value] of [
        ['role', 'web'],
        ['number', String(i)],
      ])
        await insert(tx, 'instance_metadata', { instanceUuid: uuid, key: key!, value: value!, createdAt: at })
      for (const [key, value] of Object.entries(systemMetadata(who.imageId)))
        await insert(tx, 'instance_system_metadata', { instanceUuid: uuid, key, value, createdAt: at })
      await insert(tx, 'block_device_mapping', {
        instanceUuid: uuid,
        uuid: randomUUID(),
        deviceName: '/dev/vda',
        sourceType: 'image',
        destinationType: 'local',
        imageId: who.imageId,
        bootIndex: 0,
        deleteOnTermination: true,
        createdAt: at,
      })
      await tx.insertInto('tags').values({ resource_id: uuid, tag: 'bench' }).execute()
    }
  })
  await api.write(async (tx) => {
    for (const uuid of uuids) {
      await insertApi(tx, 'instance_mappings', {
        instanceUuid: uuid,
        cellId: who.cellId,
        projectId: who.projectId,
        userId: who.userId,
        queuedForDelete: false,
      })
      await insertApi(tx, 'request_specs', { instanceUuid: uuid, spec: JSON.stringify(specOf(uuid)) })
    }
  })
  return uuids
}

const flavorWire = () =>
  Flavor.toWire(
    Flavor.make({
      id: 1,
      name: 'm1.tiny',
      flavorid: '1',
      memory_mb: 512,
      vcpus: 1,
      root_gb: 1,
      ephemeral_gb: 0,
      swap: 0,
      rxtx_factor: 1,
      vcpu_weight: 0,
      disabled: false,
      is_public: true,
      extra_specs: { 'hw:cpu_policy': 'shared' },
      description: null,
    }),
  )

function networkInfo(i: number) {
  const address = `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`
  const mac = `fa:16:3e:${[16, 8, 0].map((shift) => ((i >> shift) & 255).toString(16).padStart(2, '0')).join(':')}`
  const ip = { address, type: 'fixed', version: 4, meta: {}, floating_ips: [] }
  const subnet = {
    cidr: '10.0.0.0/8',
    dns: [],
    gateway: { address: '10.0.0.1', type: 'gateway', version: 4, meta: {} },
    ips: [ip],
    routes: [],
    version: 4,
    meta: { dhcp_server: '10.0.0.2' },
  }
  const id = randomUUID()
  return [
    {
      id,
      address: mac,
      network: {
        id: 'e5f1b0a2-0000-4000-8000-000000000001',
        bridge: 'br-int',
        label: 'shared',
        subnets: [subnet],
        meta: { injected: false, mtu: 1450, tenant_id: 'p' },
      },
      type: 'ovs',
      details: {},
      devname: `tap${id.slice(0, 11)}`,
      ovs_interfaceid: id,
      qbh_params: null,
      qbg_params: null,
      active: true,
      vnic_type: 'normal',
      profile: {},
      preserve_on_delete: false,
      delegate_create: true,
      meta: {},
    },
  ]
}

const systemMetadata = (imageId: string): Record<string, string> => ({
  image_base_image_ref: imageId,
  image_min_ram: '0',
  image_min_disk: '1',
  image_disk_format: 'raw',
  image_container_format: 'bare',
  owner_user_name: 'bench',
  owner_project_name: 'bench',
  boot_roles: 'member,reader',
})

const specOf = (uuid: string) => ({
  'nova_object.name': 'RequestSpec',
  'nova_object.namespace': 'nova',
  'nova_object.version': '1.15',
  'nova_object.data': { instance_uuid: uuid, availability_zone: null, scheduler_hints: {}, num_instances: 1 },
})
