import { describe, expect, test } from 'vitest'
import type { Fields, ObjectType, WireObject } from '../../oslo/objects/object.ts'
import { Aggregate } from './aggregate.ts'
import { BlockDeviceMappingList } from './block-device-mapping.ts'
import { BuildRequest } from './build-request.ts'
import { InstanceDeviceMetadata } from './device-metadata.ts'
import { InstanceExternalEvent } from './external-event.ts'
import { Instance, InstanceList } from './instance.ts'
import { anyLiveMigrateData } from './migrate-data.ts'
import { Migration } from './migration.ts'
import { NetworkRequestList } from './network-request.ts'
import { RequestSpec } from './request-spec.ts'
import { ResourceList } from './resource.ts'
import { Selection } from './selection.ts'
import { ServiceList } from './service.ts'

/** An object as it stands in a message. */
const wire = (name: string, version: string, data: object, changed?: string[]): object => ({
  'nova_object.name': name,
  'nova_object.namespace': 'nova',
  'nova_object.version': version,
  'nova_object.data': data,
  ...(changed ? { 'nova_object.changes': changed } : {}),
})

const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const rows = { created_at: '2026-01-01T00:00:00Z', updated_at: null, deleted_at: null, deleted: false }

const flavor = wire('Flavor', '1.2', {
  id: 7,
  name: 'small',
  memory_mb: 512,
  vcpus: 1,
  root_gb: 1,
  ephemeral_gb: 0,
  flavorid: 'f7',
  swap: 0,
  rxtx_factor: 1.5,
  vcpu_weight: null,
  disabled: false,
  is_public: true,
  extra_specs: { 'hw:cpu_policy': 'dedicated' },
  description: null,
  ...rows,
})

const keypairs = wire('KeyPairList', '1.3', {
  objects: [
    wire('KeyPair', '1.4', {
      id: 3,
      name: 'laptop',
      user_id: 'ann',
      fingerprint: 'aa:bb',
      public_key: 'ssh-rsa AAAA',
      type: 'ssh',
      ...rows,
    }),
  ],
})

const pciRequests = wire(
  'InstancePCIRequests',
  '1.1',
  {
    instance_uuid: uuid(1),
    requests: [
      wire('InstancePCIRequest', '1.4', {
        count: 1,
        spec: [{ vendor_id: '8086', physical_network: null }],
        alias_name: null,
        is_new: false,
        request_id: uuid(5),
        requester_id: null,
        numa_policy: 'legacy',
      }),
    ],
  },
  ['requests'],
)

const numaTopology = wire('InstanceNUMATopology', '1.3', {
  instance_uuid: uuid(1),
  emulator_threads_policy: 'share',
  cells: [
    wire('InstanceNUMACell', '1.6', {
      id: 0,
      cpuset: [0, 1],
      pcpuset: [2],
      cpuset_reserved: null,
      memory: 512,
      pagesize: 4,
      cpu_topology: wire('VirtCPUTopology', '1.0', { sockets: 1, cores: 3, threads: 1 }),
      cpu_pinning_raw: { 2: 7 },
      cpu_policy: 'mixed',
      cpu_thread_policy: null,
    }),
  ],
})

const infoCache = wire('InstanceInfoCache', '1.5', { instance_uuid: uuid(1), network_info: '[]', ...rows }, ['network_info'])
const groups = wire(
  'SecurityGroupList',
  '1.1',
  { objects: [wire('SecurityGroup', '1.2', { name: 'default', uuid: uuid(6) }, ['name', 'uuid'])] },
  ['objects'],
)
const noDevices = wire('PciDeviceList', '1.3', { objects: [] }, ['objects'])
const tags = wire('TagList', '1.1', { objects: [wire('Tag', '1.1', { resource_id: uuid(1), tag: 'db' }, ['tag'])] }, ['objects'])

const migration = wire('Migration', '1.8', {
  id: 4,
  uuid: uuid(4),
  source_compute: 'h1',
  dest_compute: 'h2',
  instance_uuid: uuid(1),
  status: 'pre-migrating',
  migration_type: 'live-migration',
  hidden: false,
  memory_total: null,
  cross_cell_move: false,
  ...rows,
})

const migrationContext = wire(
  'MigrationContext',
  '1.2',
  {
    instance_uuid: uuid(1),
    migration_id: 4,
    new_numa_topology: null,
    old_numa_topology: numaTopology,
    new_pci_devices: noDevices,
    old_pci_devices: null,
    new_pci_requests: pciRequests,
    old_pci_requests: null,
    new_resources: null,
    old_resources: null,
  },
  ['migration_id', 'new_pci_devices', 'new_pci_requests'],
)

const service = wire('Service', '1.22', {
  id: 1,
  uuid: uuid(7),
  host: 'h1',
  binary: 'nova-compute',
  topic: 'compute',
  report_count: 12,
  disabled: false,
  disabled_reason: null,
  last_seen_up: '2026-01-01T00:00:10Z',
  forced_down: false,
  version: 72,
  ...rows,
})

const instanceData = {
  id: 9,
  user_id: 'ann',
  project_id: 'shop',
  image_ref: uuid(2),
  hostname: 'web',
  power_state: 1,
  vm_state: 'active',
  task_state: 'powering-off',
  services: wire('ServiceList', '1.19', { objects: [service] }),
  memory_mb: 512,
  ephemeral_key_uuid: null,
  launched_at: '2026-01-01T00:01:00Z',
  locked: false,
  uuid: uuid(1),
  access_ip_v4: '192.0.2.1',
  access_ip_v6: 'fd00::1',
  metadata: { role: 'web' },
  system_metadata: { image_min_ram: '0', clean_attempts: null },
  info_cache: infoCache,
  security_groups: groups,
  fault: null,
  pci_devices: noDevices,
  numa_topology: numaTopology,
  pci_requests: pciRequests,
  tags,
  flavor,
  old_flavor: null,
  ec2_ids: wire('EC2Ids', '1.0', { instance_id: 'i-00000009', ami_id: 'ami-00000001', kernel_id: null, ramdisk_id: null }, ['ami_id']),
  migration_context: migrationContext,
  keypairs,
  trusted_certs: wire('TrustedCerts', '1.0', { ids: ['cert-1'] }, ['ids']),
  hidden: false,
  resources: null,
  ...rows,
}
const whatChangedWithin = [
  'info_cache',
  'security_groups',
  'pci_devices',
  'pci_requests',
  'tags',
  'ec2_ids',
  'migration_context',
  'trusted_certs',
]
const instance = wire('Instance', '2.8', instanceData, ['task_state', ...whatChangedWithin])

const blockDevices = wire(
  'BlockDeviceMappingList',
  '1.18',
  {
    objects: [
      wire(
        'BlockDeviceMapping',
        '1.21',
        {
          instance_uuid: uuid(1),
          source_type: 'volume',
          destination_type: 'volume',
          guest_format: null,
          device_type: 'disk',
          boot_index: 0,
          delete_on_termination: true,
          volume_id: uuid(8),
          connection_info: '{"driver_volume_type": "iscsi"}',
          encrypted: false,
          ...rows,
        },
        ['boot_index', 'volume_id'],
      ),
    ],
  },
  ['objects'],
)

const networks = wire(
  'NetworkRequestList',
  '1.1',
  {
    objects: [
      wire('NetworkRequest', '1.3', { network_id: uuid(3), address: '10.0.0.9', port_id: null, pci_request_id: null, tag: 'nic' }, [
        'network_id',
        'tag',
      ]),
    ],
  },
  ['objects'],
)

const limits = wire(
  'SchedulerLimits',
  '1.0',
  {
    numa_topology: wire('NUMATopologyLimits', '1.1', {
      cpu_allocation_ratio: 16.5,
      ram_allocation_ratio: 1.5,
      network_metadata: wire('NetworkMetadata', '1.0', { physnets: ['physnet0'], tunneled: false }),
    }),
    vcpu: null,
    disk_gb: 20,
    memory_mb: null,
  },
  ['disk_gb'],
)

const requestSpec = wire(
  'RequestSpec',
  '1.15',
  {
    id: 2,
    image: wire(
      'ImageMeta',
      '1.8',
      {
        id: uuid(2),
        name: '',
        size: 0,
        min_ram: 0,
        properties: wire('ImageMetaProps', '1.42', {
          hw_rng_model: 'virtio',
          hw_numa_cpus: [[0], [1, 2]],
          traits_required: ['HW_CPU_X86_VMX'],
        }),
      },
      ['min_ram', 'properties'],
    ),
    numa_topology: null,
    pci_requests: pciRequests,
    project_id: 'shop',
    flavor,
    num_instances: 1,
    ignore_hosts: null,
    force_hosts: ['h1'],
    requested_destination: wire(
      'Destination',
      '1.4',
      {
        host: 'h1',
        node: null,
        cell: wire('CellMapping', '1.1', {
          id: 2,
          uuid: uuid(10),
          name: 'cell1',
          transport_url: 'rabbit://',
          database_connection: 'sqlite://',
          disabled: false,
        }),
        aggregates: [`${uuid(11)},${uuid(12)}`],
        allow_cross_cell_move: false,
        forbidden_aggregates: null,
      },
      ['aggregates'],
    ),
    retry: null,
    limits,
    instance_group: wire(
      'InstanceGroup',
      '1.11',
      { id: 1, uuid: uuid(13), policy: 'affinity', _rules: {}, members: [uuid(1)], hosts: null, ...rows },
      ['members'],
    ),
    scheduler_hints: { group: [uuid(13)] },
    instance_uuid: uuid(1),
    security_groups: groups,
    network_metadata: wire('NetworkMetadata', '1.0', { physnets: [], tunneled: true }, ['tunneled']),
    is_bfv: true,
    requested_resources: [
      wire('RequestGroup', '1.3', {
        use_same_provider: true,
        resources: { CUSTOM_GPU: 1 },
        required_traits: ['CUSTOM_A'],
        aggregates: [[uuid(11)]],
        in_tree: null,
      }),
    ],
    request_level_params: wire('RequestLevelParams', '1.1', {
      root_required: ['COMPUTE_X'],
      root_forbidden: [],
      same_subtree: [['a', 'b']],
    }),
    requested_networks: networks,
  },
  [
    'image',
    'pci_requests',
    'num_instances',
    'requested_destination',
    'limits',
    'instance_group',
    'security_groups',
    'network_metadata',
    'requested_networks',
  ],
)

const liveMigrateData = {
  is_shared_instance_path: true,
  graphics_listen_addr_vnc: '127.0.0.1',
  serial_listen_ports: [5000],
  bdms: [wire('LibvirtLiveMigrateBDMInfo', '1.1', { serial: 's', bus: 'virtio', dev: 'vda', type: 'disk', connection_info_json: '{}' })],
  dst_numa_info: wire('LibvirtLiveMigrateNUMAInfo', '1.0', { cpu_pins: { 0: [1, 2] }, emulator_pins: [3], sched_priority: 1 }),
  migration,
  old_vol_attachment_ids: { [uuid(8)]: uuid(14) },
  vifs: [
    wire('VIFMigrateData', '1.0', {
      port_id: uuid(15),
      source_vif:
        '{"id":"p","address":null,"network":null,"type":"ovs","details":{},"devname":null,"ovs_interfaceid":null,"qbh_params":null,' +
        '"qbg_params":null,"active":true,"vnic_type":"normal","profile":null,"preserve_on_delete":false,"delegate_create":true,"meta":{}}',
    }),
  ],
}

const devices = wire('InstanceDeviceMetadata', '1.0', {
  devices: [
    wire('NetworkInterfaceMetadata', '1.2', {
      mac: 'fa:16:3e:00:00:01',
      vlan: 5,
      vf_trusted: false,
      bus: wire('PCIDeviceBus', '1.0', { address: '0000:00:03.0' }),
      tags: ['nic'],
    }),
    wire(
      'DiskMetadata',
      '1.0',
      { serial: 's', path: null, bus: wire('SCSIDeviceBus', '1.0', { address: '1:0:0:0' }, ['address']), tags: [] },
      ['bus'],
    ),
  ],
})

const table: [type: Pick<ObjectType<Fields>, 'name' | 'fromWire' | 'toWire'>, sample: object][] = [
  [Instance, instance],
  [InstanceList, wire('InstanceList', '2.6', { objects: [wire('Instance', '2.8', { uuid: uuid(1), host: null })] })],
  [
    BuildRequest,
    wire(
      'BuildRequest',
      '1.3',
      { instance_uuid: uuid(1), project_id: 'shop', instance, block_device_mappings: blockDevices, tags, created_at: null },
      ['instance', 'block_device_mappings', 'tags'],
    ),
  ],
  [RequestSpec, requestSpec],
  [BlockDeviceMappingList, blockDevices],
  [NetworkRequestList, networks],
  [Migration, migration],
  [ServiceList, wire('ServiceList', '1.19', { objects: [service] })],
  [Aggregate, wire('Aggregate', '1.3', { id: 1, uuid: uuid(16), name: 'ssd', hosts: ['h1'], metadata: { ssd: 'true' }, ...rows })],
  [
    Selection,
    wire(
      'Selection',
      '1.1',
      { compute_node_uuid: uuid(17), service_host: 'h1', nodename: 'n1', limits, allocation_request: '{}', availability_zone: null },
      ['service_host', 'limits'],
    ),
  ],
  [
    InstanceExternalEvent,
    wire(
      'InstanceExternalEvent',
      '1.5',
      { instance_uuid: uuid(1), name: 'network-vif-plugged', status: 'completed', tag: uuid(15), data: {} },
      ['tag'],
    ),
  ],
  [InstanceDeviceMetadata, devices],
  [
    ResourceList,
    wire('ResourceList', '1.0', {
      objects: [
        wire('Resource', '1.0', {
          provider_uuid: uuid(18),
          resource_class: 'CUSTOM_PMEM',
          identifier: 'ns_0',
          metadata: wire('LibvirtVPMEMDevice', '1.0', {
            label: 'l',
            name: 'ns_0',
            size: 4_294_967_296,
            devpath: '/dev/dax0.0',
            align: 2_097_152,
          }),
        }),
      ],
    }),
  ],
]

describe('what comes from the wire goes back to it unchanged', () => {
  for (const [type, sample] of table) test(type.name, () => expect(type.toWire(type.fromWire(sample))).toEqual(sample))

  for (const [name, version, data] of [
    ['LibvirtLiveMigrateData', '1.14', liveMigrateData],
    ['HyperVLiveMigrateData', '1.5', { is_shared_instance_path: false, migration }],
    ['VMwareLiveMigrateData', '1.1', { cluster_name: 'c', datastore_regex: '.*' }],
  ] as const)
    test(name, () => {
      const sample = wire(name, version, data, Object.keys(data))
      const value = anyLiveMigrateData.read(sample, 'migrate_data')
      expect(value.kind).toBe(name)
      expect(anyLiveMigrateData.write(value, 'migrate_data')).toEqual(sample)
    })

  test('values are plain and typed', () => {
    const value = Instance.fromWire(instance)
    expect(value.flavor?.extra_specs?.['hw:cpu_policy']).toBe('dedicated')
    expect(value.keypairs?.objects?.[0]?.name).toBe('laptop')
    expect(value.numa_topology?.cells?.[0]?.cpuset).toEqual([0, 1])
    expect(value.old_flavor).toBeNull()
    expect(value.new_flavor).toBeUndefined()
    const { devices: found } = InstanceDeviceMetadata.fromWire(devices)
    const [nic] = found!
    expect(nic?.kind === 'NetworkInterfaceMetadata' && nic.bus?.kind === 'PCIDeviceBus' && nic.bus.address).toBe('0000:00:03.0')
  })
})

describe('what is wrong is refused', () => {
  const bad: [type: (typeof table)[number][0], data: object, message: RegExp][] = [
    [Migration, { migration_type: 'teleport' }, /^Migration\.migration_type: Field value teleport is invalid/],
    [Instance, { access_ip_v4: 'fd00::1' }, /access_ip_v4: Network "fd00::1" is not valid/],
    [Instance, { launched_at: 'soon' }, /launched_at: Unable to parse date/],
    [Instance, { pci_requests: groups }, /Instance\.pci_requests: a InstancePCIRequests was expected/],
    [InstanceExternalEvent, { name: 'network-exploded' }, /Field value network-exploded is invalid/],
    [InstanceDeviceMetadata, { devices: [flavor] }, /devices\[0\]: "Flavor" is none of DeviceMetadata, /],
    [
      InstanceDeviceMetadata,
      { devices: [wire('DiskMetadata', '1.0', { bus: wire('IDEDeviceBus', '1.0', { address: '2:0' }) })] },
      /Value must match/,
    ],
    [
      InstanceDeviceMetadata,
      { devices: [wire('DiskMetadata', '1.0', { bus: wire('PCIDeviceBus', '1.0', { address: '3:0' }) })] },
      /Malformed PCI/,
    ],
    [ResourceList, { objects: [wire('Resource', '1.0', { resource_class: 'a-b' })] }, /Malformed Resource Class a-b/],
  ]
  for (const [type, data, message] of bad)
    test(`${type.name} ${JSON.stringify(data).slice(0, 60)}`, () => {
      const sample = { ...(type.toWire({}) as WireObject), 'nova_object.data': data }
      expect(() => type.fromWire(sample)).toThrow(message)
    })
})
