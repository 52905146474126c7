import { describe, expect, test } from 'vitest'
import { changes } from '../../oslo/objects/object.ts'
import { Flavor, flavorsFromColumn, flavorsToColumn } from './flavor.ts'
import { fixedIps, floatingIps, InstanceInfoCache, readNetworkInfo, type VIF } from './network-info.ts'
import { InstancePCIRequest, pciRequestsFromColumn, pciRequestsToColumn } from './pci.ts'

describe('instance_info_caches.network_info', () => {
  const vif: VIF = {
    id: 'port-1',
    address: 'fa:16:3e:00:00:01',
    network: {
      id: 'net-1',
      bridge: 'br-int',
      label: 'private',
      subnets: [
        {
          cidr: '10.0.0.0/24',
          dns: [{ address: '10.0.0.2', type: 'dns', version: 4, meta: {} }],
          gateway: { address: '10.0.0.1', type: 'gateway', version: 4, meta: {} },
          ips: [
            {
              address: '10.0.0.7',
              type: 'fixed',
              version: 4,
              meta: {},
              floating_ips: [{ address: '203.0.113.9', type: 'floating', version: 4, meta: {} }],
            },
          ],
          routes: [{ cidr: '0.0.0.0/0', gateway: { address: '10.0.0.1', type: null, version: 4, meta: {} }, interface: null, meta: {} }],
          version: 4,
          meta: { dhcp_server: '10.0.0.3' },
        },
      ],
      meta: { mtu: 1450 },
    },
    type: 'ovs',
    details: { port_filter: true },
    devname: 'tapport-1',
    ovs_interfaceid: 'port-1',
    qbh_params: null,
    qbg_params: null,
    active: true,
    vnic_type: 'normal',
    profile: {},
    preserve_on_delete: false,
    delegate_create: true,
    meta: {},
  }

  test('is read as it was written', () => {
    expect(readNetworkInfo(JSON.stringify([vif]))).toEqual([vif])
    expect(fixedIps(vif).map(({ address }) => address)).toEqual(['10.0.0.7'])
    expect(floatingIps(vif).map(({ address }) => address)).toEqual(['203.0.113.9'])
    expect(fixedIps({ ...vif, network: null })).toEqual([])
  })

  const bare = { qbh_params: null, qbg_params: null, vnic_type: 'normal', profile: null, preserve_on_delete: false, delegate_create: false }
  const rows: [json: string | null, read: unknown][] = [
    [null, []],
    ['[]', []],
    [
      '[{"id": "p", "details": null, "extra": 1}]',
      [
        {
          id: 'p',
          address: null,
          network: null,
          type: null,
          details: {},
          devname: null,
          ovs_interfaceid: null,
          active: false,
          ...bare,
          meta: { extra: 1 },
        },
      ],
    ],
  ]
  for (const [json, read] of rows) test(`${json}`, () => expect(readNetworkInfo(json)).toEqual(read))

  test('gets what is missing', () => {
    const subnet = { cidr: 'fd00::/64', ips: [{ address: 'fd00::5', type: null }], gateway: {}, enable_dhcp: true, meta: { a: 1 } }
    const [read] = readNetworkInfo(JSON.stringify([{ network: { id: 'n', mtu: 9000, subnets: [subnet] } }]))
    expect(read!.network).toEqual({
      id: 'n',
      bridge: null,
      label: null,
      meta: { mtu: 9000 },
      subnets: [
        {
          cidr: 'fd00::/64',
          dns: [],
          gateway: { address: null, type: null, version: null, meta: {} },
          ips: [{ address: 'fd00::5', type: 'fixed', version: 6, meta: {}, floating_ips: [] }],
          routes: [],
          version: 6,
          meta: { a: 1, enable_dhcp: true },
        },
      ],
    })
  })

  for (const json of ['{', '{"id": "p"}', '"x"'])
    test(`${json} is refused`, () => expect(() => readNetworkInfo(json)).toThrow(/^network_info: /))

  test('travels as JSON text', () => {
    const wire = InstanceInfoCache.toWire({ network_info: [vif] })
    expect(JSON.parse(wire['nova_object.data'].network_info as string)).toEqual([vif])
    expect(InstanceInfoCache.fromWire(wire)).toEqual({ network_info: [vif] })
    expect(() => InstanceInfoCache.fromWire({ ...wire, 'nova_object.data': { network_info: [vif] } })).toThrow(/is not JSON text/)
  })
})

describe('instance_extra.flavor', () => {
  const flavor = { id: 1, name: 'm1', vcpus: 2, disabled: true, is_public: false, extra_specs: { a: 'b' } }

  test('holds what is, what was and what shall be', () => {
    const all = { flavor, old_flavor: { ...flavor, id: 2 }, new_flavor: { ...flavor, id: 3 } }
    expect(flavorsFromColumn(flavorsToColumn(all))).toEqual(all)
    expect(flavorsFromColumn(flavorsToColumn({ ...all, old_flavor: null, new_flavor: null }))).toEqual({
      flavor,
      old_flavor: null,
      new_flavor: null,
    })
  })

  test('keeps no description and tells of no changes', () => {
    const column = flavorsToColumn({ flavor: Flavor.make({ ...flavor, description: 'long' }), old_flavor: null, new_flavor: null })
    const read = flavorsFromColumn(column)
    expect(read.flavor.description).toBeNull()
    expect(read.flavor[changes]).toBeUndefined()
    expect(JSON.parse(flavorsToColumn({ flavor, old_flavor: null, new_flavor: null })).cur['nova_object.data']).not.toHaveProperty(
      'description',
    )
  })

  test('of very old servers lacks two fields', () => {
    const { disabled, is_public, ...old } = flavor
    expect(flavorsFromColumn(flavorsToColumn({ flavor: old, old_flavor: null, new_flavor: null })).flavor).toEqual({
      ...old,
      disabled: false,
      is_public: true,
    })
  })
})

describe('instance_extra.pci_requests', () => {
  const request = {
    count: 1,
    spec: [{ vendor_id: '8086' }],
    alias_name: 'qat',
    is_new: false,
    numa_policy: 'preferred' as const,
    request_id: 'r1',
    requester_id: null,
  }
  test('holds plain dicts', () => {
    const column = pciRequestsToColumn({ instance_uuid: 'u', requests: [request] })
    expect(JSON.parse(column)).toEqual([request])
    expect(pciRequestsFromColumn('u', column)).toEqual({ instance_uuid: 'u', requests: [request] })
    expect(pciRequestsToColumn({})).toBe('[]')
  })

  const rows: [json: string | null, requests: unknown][] = [
    [null, []],
    ['[]', []],
    [
      '[{"count": 2, "spec": [], "alias_name": null, "is_new": true, "request_id": null}]',
      [{ count: 2, spec: [], alias_name: null, is_new: false, request_id: null, requester_id: null, numa_policy: 'legacy' }],
    ],
    [
      '[{"count": 2, "spec": [], "alias_name": null, "request_id": null, "numa_policy": null}]',
      [{ count: 2, spec: [], alias_name: null, is_new: false, request_id: null, requester_id: null, numa_policy: null }],
    ],
  ]
  for (const [json, requests] of rows)
    test(`${json}`, () => expect(pciRequestsFromColumn('u', json)).toEqual({ instance_uuid: 'u', requests }))
  test('and defaults as Nova has them', () => expect(InstancePCIRequest.withDefaults({})).toMatchObject({ is_new: false }))
})
