import { describe, expect, test } from 'vitest'
import { parseCpuSpec } from './cpu-spec.ts'
import {
  type Image,
  ImageMeta,
  imageFromGlance,
  imageFromSystemMetadata,
  imageMetaFrom,
  imageMetaOfInstance,
  systemMetadataFromImage,
} from './image-meta.ts'
import { ImageMetaProps, imageProperties } from './image-meta-props.ts'

const propertiesOf = (properties: Record<string, unknown>) => ImageMetaProps.toWire(imageProperties(properties))['nova_object.data']

describe('properties are converted, unknown ones dropped', () => {
  const rows: [given: Record<string, unknown>, converted: Record<string, unknown>][] = [
    [{}, {}],
    [
      { hw_disk_bus: 'virtio', hw_cpu_cores: '4', os_type: 'Windows', unknown: 'x' },
      { hw_disk_bus: 'virtio', hw_cpu_cores: 4, os_type: 'windows' },
    ],
    [
      { architecture: 'amd64', vm_mode: 'pv', hypervisor_type: 'XAPI' },
      { hw_architecture: 'x86_64', hw_vm_mode: 'xen', img_hv_type: 'xen' },
    ],
    [{ os_distro: 'ubuntu', vmware_ostype: 'otherGuest' }, { os_distro: 'ubuntu' }],
    [{ vmware_ostype: 'otherGuest' }, { os_distro: 'otherGuest' }],
    [{ vmware_adaptertype: 'ide' }, { hw_disk_bus: 'ide' }],
    [{ vmware_adaptertype: 'lsiLogicsas' }, { hw_disk_bus: 'scsi', hw_scsi_model: 'lsisas1068' }],
    [
      { vmware_adaptertype: 'paraVirtual', hw_disk_bus: 'virtio' },
      { hw_disk_bus: 'virtio', hw_scsi_model: 'vmpvscsi' },
    ],
    [{ hw_vif_model: 'VirtualE1000' }, { hw_vif_model: 'e1000' }],
    [
      { hw_boot_menu: 'TRUE', hw_pmu: 'nope', img_bdm_v2: true },
      { hw_boot_menu: true, hw_pmu: false, img_bdm_v2: true },
    ],
    [
      { 'hw_numa_mem.0': '512', 'hw_numa_mem.1': '1024', 'hw_numa_mem.3': '1', 'hw_numa_cpus.0': '0-2,^1', 'hw_numa_cpus.1': '3,5-6' },
      {
        hw_numa_mem: [512, 1024],
        hw_numa_cpus: [
          [0, 2],
          [3, 5, 6],
        ],
      },
    ],
    [{ hw_numa_mem: '512', hw_numa_cpus: '0' }, {}],
    [
      { 'trait:HW_CPU_X86_VMX': 'required', 'trait:CUSTOM_X': 'forbidden', 'trait:CUSTOM_Y': 'required', traits_required: ['ignored'] },
      { traits_required: ['HW_CPU_X86_VMX', 'CUSTOM_Y'] },
    ],
    [
      { block_device_mapping: [{ boot_index: 0, guest_format: null }], mappings: [{ virtual: 'ami', device: 'sda1' }] },
      { img_block_device_mapping: [{ boot_index: '0', guest_format: null }], img_mappings: [{ virtual: 'ami', device: 'sda1' }] },
    ],
    [{ hypervisor_version_requires: '>=4.4, <5' }, { img_hv_requested_version: '>=4.4, <5' }],
  ]
  for (const [given, converted] of rows) test(JSON.stringify(given).slice(0, 80), () => expect(propertiesOf(given)).toEqual(converted))

  test('and count as changed', () => {
    expect(ImageMetaProps.changesOf(imageProperties({ hw_boot_menu: 'on', x: 'y' }))).toEqual(['hw_boot_menu'])
  })
})

describe('wrong properties are refused in the words that users see', () => {
  const rows: [given: Record<string, unknown>, reason: string][] = [
    [{ hw_disk_bus: 'floppy' }, 'Field value floppy is invalid'],
    [{ architecture: 'vax' }, "Architecture name 'vax' is not valid"],
    [{ hw_vm_mode: 'Weird' }, "Virtual machine mode 'Weird' is not valid"],
    [{ img_hv_type: 'Foo' }, "Hypervisor virt type 'Foo' is not valid"],
    [{ os_type: 'BeOS' }, 'Field value beos is invalid'],
    [{ hw_cpu_cores: 'four' }, "invalid literal for int() with base 10: 'four'"],
    [{ hw_cpu_cores: null }, "Field `hw_cpu_cores' cannot be None"],
    [{ 'hw_numa_mem.0': 'x' }, "invalid literal for int() with base 10: 'x'"],
    [{ 'hw_numa_cpus.0': '5-2' }, "Invalid range expression '5-2'"],
    [{ img_block_device_mapping: 'text' }, 'A list is required in field img_block_device_mapping, not a str'],
    [{ img_block_device_mapping: ['text'] }, 'A dict is required in field img_block_device_mapping[0], not a str'],
    [{ img_hv_requested_version: '4.4' }, 'Version 4.4 is not a valid predicate in field img_hv_requested_version'],
    [{ img_signature_hash_method: 'MD5' }, 'Field value MD5 is invalid'],
  ]
  for (const [given, reason] of rows)
    test(JSON.stringify(given), () =>
      expect(() => imageProperties(given)).toThrow(expect.objectContaining({ name: 'InvalidField', reason })),
    )
})

const glance = {
  id: '7f1c9c3e-1111-4222-8333-444455556666',
  name: 'tiny',
  status: 'active',
  visibility: 'public',
  protected: false,
  checksum: null,
  owner: 'p1',
  size: null,
  virtual_size: 99,
  container_format: 'bare',
  disk_format: 'qcow2',
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-02T00:00:00Z',
  min_ram: 64,
  min_disk: 1,
  tags: ['a'],
  self: '/v2/images/7f1c9c3e-1111-4222-8333-444455556666',
  file: '/v2/images/7f1c9c3e-1111-4222-8333-444455556666/file',
  schema: '/v2/schemas/image',
  os_hidden: false,
  os_hash_algo: null,
  os_hash_value: null,
  hw_rng_model: 'virtio',
  mappings: '[{"virtual": "root"}]',
}

describe('an image of Glance', () => {
  test('is sorted into attributes and properties', () => {
    const image = imageFromGlance(glance)
    expect(image.properties).toEqual({ hw_rng_model: 'virtio', mappings: [{ virtual: 'root' }] })
    expect(Object.keys(image).sort()).toEqual(
      'checksum container_format created_at disk_format id min_disk min_ram name os_hash_algo os_hash_value os_hidden owner properties size status updated_at'.split(
        ' ',
      ),
    )
    expect(imageFromGlance({ id: 'x' })).toEqual({
      id: 'x',
      name: null,
      checksum: null,
      container_format: null,
      disk_format: null,
      properties: {},
    })
    expect(() => imageFromGlance({ mappings: '[' })).toThrow('image.mappings: is not JSON')
  })

  test('becomes an ImageMeta', () => {
    const meta = ImageMeta.toWire(imageMetaFrom(imageFromGlance(glance)))
    expect(meta['nova_object.data']).toEqual({
      id: '7f1c9c3e-1111-4222-8333-444455556666',
      name: 'tiny',
      status: 'active',
      checksum: '',
      owner: 'p1',
      size: 0,
      container_format: 'bare',
      disk_format: 'qcow2',
      created_at: '2026-01-01T00:00:00Z',
      updated_at: '2026-01-02T00:00:00Z',
      min_ram: 64,
      min_disk: 1,
      properties: {
        'nova_object.name': 'ImageMetaProps',
        'nova_object.namespace': 'nova',
        'nova_object.version': '1.42',
        'nova_object.data': { hw_rng_model: 'virtio', img_mappings: [{ virtual: 'root' }] },
        'nova_object.changes': ['hw_rng_model', 'img_mappings'],
      },
    })
    expect(meta['nova_object.changes']).toHaveLength(13)
  })

  const rows: [given: Image, outcome: object | string][] = [
    [{}, {}],
    [{ min_ram: '64', is_public: true }, { min_ram: 64 }],
    [
      { name: null, owner: null, virtual_size: null },
      { name: '', owner: '', virtual_size: 0 },
    ],
    [{ min_ram: null }, "Field `min_ram' cannot be None"],
    [{ size: 'big' }, "invalid literal for int() with base 10: 'big'"],
  ]
  for (const [given, outcome] of rows)
    test(JSON.stringify(given), () => {
      if (typeof outcome === 'string') expect(() => imageMetaFrom(given)).toThrow(expect.objectContaining({ reason: outcome }))
      else expect(imageMetaFrom(given)).toMatchObject({ ...outcome, properties: {} })
    })
})

describe('system metadata', () => {
  const metadata = {
    image_min_ram: '64',
    image_disk_format: 'raw',
    image_hw_rng_model: 'virtio',
    image_base_image_ref: 'b',
    image_mappings: '[]',
    image_os_type: null,
    owner_user_name: 'ann',
    architecture: 'i386',
  }
  test('tells of the image', () => {
    expect(imageFromSystemMetadata(metadata)).toEqual({
      min_ram: '64',
      disk_format: 'raw',
      properties: { hw_rng_model: 'virtio', base_image_ref: 'b', owner_user_name: 'ann', architecture: 'i386' },
    })
    expect(imageMetaOfInstance({ system_metadata: metadata, image_ref: 'r' })).toMatchObject({
      id: 'r',
      min_ram: 64,
      properties: { hw_rng_model: 'virtio', hw_architecture: 'i686' },
    })
    expect(imageMetaOfInstance({ system_metadata: metadata, image_ref: '' })).not.toHaveProperty('id')
  })

  const kept: [image: Image, rootGb: number | undefined, metadata: object][] = [
    [{}, undefined, {}],
    [{ min_disk: 3, min_ram: 0, container_format: null }, undefined, { image_min_disk: '3', image_min_ram: '0' }],
    [{ min_disk: 3 }, 2, { image_min_disk: '3' }],
    [{ min_disk: 3 }, 4, { image_min_disk: '4' }],
    [{ min_disk: 3, disk_format: 'vhd' }, 2, { image_min_disk: '2', image_disk_format: 'vhd' }],
    [{ properties: { a: 'b', mappings: [], img_block_device_mapping: [] } }, undefined, { image_a: 'b' }],
    // as Python prints it, which snapshots then leave out
    [{ properties: { kernel_id: null } }, undefined, { image_kernel_id: 'None' }],
    [{ properties: { a: 'x'.repeat(256) } }, undefined, { image_a: 'x'.repeat(255) }],
    [{ properties: { a: `${'x'.repeat(254)}ü` } }, undefined, { image_a: 'x'.repeat(254) }],
    [{ properties: { a: `${'x'.repeat(253)}ü` } }, undefined, { image_a: `${'x'.repeat(253)}ü` }],
  ]
  for (const [image, rootGb, metadata] of kept)
    test(`keeps ${JSON.stringify(image).slice(0, 60)} with ${rootGb}`, () =>
      expect(systemMetadataFromImage(image, rootGb)).toEqual(metadata))
})

describe('sets of processors', () => {
  const rows: [spec: string, outcome: number[] | string][] = [
    ['', []],
    ['3', [3]],
    ['0-2,^1', [0, 2]],
    [' 4 , 1 - 2 ,', [1, 2, 4]],
    ['^3', []],
    ['0-5,^1-3', [0, 4, 5]],
    ['a', "Invalid inclusion expression 'a'"],
    ['^a', "Invalid exclusion expression '^a'"],
    ['1--2', "Invalid range expression '1--2'"],
    ['^2-x', "Invalid range expression '^2-x'"],
    ['0-4000000000', "Invalid range expression '0-4000000000'"],
  ]
  for (const [spec, outcome] of rows)
    test(`'${spec}'`, () => {
      if (typeof outcome === 'string') expect(() => parseCpuSpec(spec)).toThrow(outcome)
      else expect(parseCpuSpec(spec)).toEqual(outcome)
    })
})
