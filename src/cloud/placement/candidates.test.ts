import { describe, expect, test } from 'vitest'
import { allocation, id, provider, type TestPlacement, testPlacement } from './fixture.ts'

interface Shown {
  allocation_requests: { allocations: Record<string, { resources: Record<string, number> }>; mappings?: Record<string, string[]> }[]
  provider_summaries: Record<string, unknown>
}

/** `1:VCPU=1 2:DISK_GB=10` for each allocation request, in order. */
const short = ({ allocation_requests }: Shown): string[] =>
  allocation_requests
    .map(({ allocations }) =>
      Object.entries(allocations)
        .map(
          ([uuid, { resources }]) =>
            `${Number(uuid.slice(-6))}:${Object.entries(resources)
              .map(([name, amount]) => `${name}=${amount}`)
              .sort()}`,
        )
        .sort()
        .join(' '),
    )
    .sort()

const ask = async (cloud: TestPlacement, query: string, version = 39): Promise<Shown> => {
  const { status, body } = await cloud.call('nova', version, `GET /allocation_candidates?${query}`)
  if (status !== 200) throw new Error(JSON.stringify(body))
  return body
}

const check = (grown: () => Promise<TestPlacement>, rows: readonly (readonly [query: string, found: readonly string[]])[]) => {
  for (const [query, found] of rows) test(query, async () => expect(short(await ask(await grown(), query))).toEqual(found))
}

describe('hosts without trees', () => {
  const grown = async () => {
    const cloud = testPlacement()
    await provider(cloud, 1, {
      has: { VCPU: 4, MEMORY_MB: 1000 },
      traits: ['HW_CPU_X86_AVX', 'COMPUTE_VOLUME_MULTI_ATTACH'],
      aggregates: [7],
    })
    await provider(cloud, 2, {
      has: { VCPU: { total: 4, allocation_ratio: 2 }, MEMORY_MB: 500 },
      traits: ['HW_CPU_X86_AVX'],
      aggregates: [8],
    })
    await provider(cloud, 3, { has: { VCPU: 8 }, traits: ['COMPUTE_STATUS_DISABLED'] })
    await cloud.make(`PUT /allocations/${id(50)}`, allocation({ 1: { VCPU: 3, MEMORY_MB: 600 } }))
    return cloud
  }
  check(grown, [
    ['resources=VCPU:1', ['1:VCPU=1', '2:VCPU=1', '3:VCPU=1']],
    ['resources=VCPU:2', ['2:VCPU=2', '3:VCPU=2']],
    ['resources=VCPU:1,MEMORY_MB:400', ['1:MEMORY_MB=400,VCPU=1', '2:MEMORY_MB=400,VCPU=1']],
    ['resources=VCPU:1,MEMORY_MB:401', ['2:MEMORY_MB=401,VCPU=1']],
    ['resources=VCPU:9', []],
    ['resources=VCPU:1&required=!COMPUTE_STATUS_DISABLED', ['1:VCPU=1', '2:VCPU=1']],
    ['resources=VCPU:1&required=HW_CPU_X86_AVX,COMPUTE_VOLUME_MULTI_ATTACH', ['1:VCPU=1']],
    ['resources=VCPU:1&required=in:COMPUTE_VOLUME_MULTI_ATTACH,COMPUTE_STATUS_DISABLED', ['1:VCPU=1', '3:VCPU=1']],
    [`resources=VCPU:1&member_of=${id(8)}`, ['2:VCPU=1']],
    [`resources=VCPU:1&member_of=in:${id(7)},${id(8)}`, ['1:VCPU=1', '2:VCPU=1']],
    [`resources=VCPU:1&member_of=!${id(8)}`, ['1:VCPU=1', '3:VCPU=1']],
    [`resources=VCPU:1&member_of=${id(9)}`, []],
    [`resources=VCPU:1&in_tree=${id(3)}`, ['3:VCPU=1']],
    [`resources=VCPU:1&in_tree=${id(9)}`, []],
    ['resources=VCPU:1&root_required=HW_CPU_X86_AVX', ['1:VCPU=1', '2:VCPU=1']],
    ['resources=VCPU:1&root_required=!HW_CPU_X86_AVX', ['3:VCPU=1']],
    ['resources=VCPU:1&root_required=COMPUTE_NODE', []],
    ['resources=VCPU:1&resources1=VCPU:1&group_policy=none', ['2:VCPU=2', '3:VCPU=2']],
    ['resources1=VCPU:1&resources2=VCPU:1&group_policy=isolate', []],
  ])

  test('a limit, and the providers that remain', async () => {
    const { allocation_requests, provider_summaries } = await ask(await grown(), 'resources=VCPU:1&limit=2')
    expect([allocation_requests.length, Object.keys(provider_summaries)]).toEqual([2, [id(1), id(2)]])
  })

  test('as versions show it', async () => {
    const cloud = await grown()
    const query = 'resources=VCPU:1,MEMORY_MB:400&limit=1'
    const at = async (version: number) => ask(cloud, version < 16 ? query.replace('&limit=1', '') : query, version)
    const amounts = { VCPU: 1, MEMORY_MB: 400 }
    expect((await at(10)).allocation_requests[0]).toEqual({ allocations: [{ resource_provider: { uuid: id(1) }, resources: amounts }] })
    expect((await at(12)).allocation_requests[0]).toEqual({ allocations: { [id(1)]: { resources: amounts } } })
    expect((await at(34)).allocation_requests[0]).toEqual({ allocations: { [id(1)]: { resources: amounts } }, mappings: { '': [id(1)] } })
    const resources = { VCPU: { capacity: 4, used: 3 }, MEMORY_MB: { capacity: 1000, used: 600 } }
    expect((await at(16)).provider_summaries).toEqual({ [id(1)]: { resources } })
    const traits = ['HW_CPU_X86_AVX', 'COMPUTE_VOLUME_MULTI_ATTACH']
    expect((await at(17)).provider_summaries).toEqual({ [id(1)]: { resources, traits } })
    expect((await at(29)).provider_summaries).toEqual({
      [id(1)]: { resources, traits, parent_provider_uuid: null, root_provider_uuid: id(1) },
    })
    expect((await ask(cloud, 'resources=VCPU:1&limit=1', 26)).provider_summaries).toEqual({
      [id(1)]: { resources: { VCPU: resources.VCPU }, traits },
    })
  })
})

describe('trees', () => {
  /** Two hosts, each with two network cards; the second card of the first is fast. */
  const grown = async () => {
    const cloud = testPlacement()
    for (const host of [10, 20]) {
      await provider(cloud, host, { has: { VCPU: 4 }, traits: host === 10 ? ['COMPUTE_NODE'] : [], aggregates: [host] })
      for (const card of [1, 2])
        await provider(cloud, host + card, {
          parent: host,
          has: { SRIOV_NET_VF: card },
          traits: host + card === 12 ? ['HW_NIC_OFFLOAD_GENEVE'] : [],
        })
    }
    return cloud
  }
  check(grown, [
    [
      'resources=VCPU:1,SRIOV_NET_VF:1',
      ['10:VCPU=1 11:SRIOV_NET_VF=1', '10:VCPU=1 12:SRIOV_NET_VF=1', '20:VCPU=1 21:SRIOV_NET_VF=1', '20:VCPU=1 22:SRIOV_NET_VF=1'],
    ],
    ['resources=VCPU:1,SRIOV_NET_VF:1&required=HW_NIC_OFFLOAD_GENEVE', ['10:VCPU=1 12:SRIOV_NET_VF=1']],
    [`resources=VCPU:1,SRIOV_NET_VF:2&member_of=${id(20)}`, ['20:VCPU=1 22:SRIOV_NET_VF=2']],
    [`resources=VCPU:1,SRIOV_NET_VF:2&in_tree=${id(11)}`, ['10:VCPU=1 12:SRIOV_NET_VF=2']],
    ['resources=VCPU:1&resources1=SRIOV_NET_VF:1&required1=HW_NIC_OFFLOAD_GENEVE', ['10:VCPU=1 12:SRIOV_NET_VF=1']],
    [
      'resources1=SRIOV_NET_VF:1&resources2=SRIOV_NET_VF:1&group_policy=none',
      [
        '11:SRIOV_NET_VF=1 12:SRIOV_NET_VF=1',
        '11:SRIOV_NET_VF=1 12:SRIOV_NET_VF=1',
        '12:SRIOV_NET_VF=2',
        '21:SRIOV_NET_VF=1 22:SRIOV_NET_VF=1',
        '21:SRIOV_NET_VF=1 22:SRIOV_NET_VF=1',
        '22:SRIOV_NET_VF=2',
      ],
    ],
    [
      'resources1=SRIOV_NET_VF:1&resources2=SRIOV_NET_VF:2&group_policy=isolate',
      ['11:SRIOV_NET_VF=1 12:SRIOV_NET_VF=2', '21:SRIOV_NET_VF=1 22:SRIOV_NET_VF=2'],
    ],
    [
      'resources_C=VCPU:1&resources_N=SRIOV_NET_VF:2&group_policy=none&same_subtree=_C,_N',
      ['10:VCPU=1 12:SRIOV_NET_VF=2', '20:VCPU=1 22:SRIOV_NET_VF=2'],
    ],
    ['resources_A=SRIOV_NET_VF:1&resources_N=SRIOV_NET_VF:2&group_policy=isolate&same_subtree=_A,_N', []],
    ['required_C=COMPUTE_NODE&resources_N=SRIOV_NET_VF:2&group_policy=none&same_subtree=_C,_N', ['12:SRIOV_NET_VF=2']],
    ['resources=SRIOV_NET_VF:2&root_required=COMPUTE_NODE', ['12:SRIOV_NET_VF=2']],
  ])

  test('before 1.29 nobody gets resources of two providers of a tree', async () => {
    const cloud = await grown()
    expect(short(await ask(cloud, 'resources=VCPU:1,SRIOV_NET_VF:1', 28))).toEqual([])
    const { allocation_requests, provider_summaries } = await ask(cloud, 'resources=VCPU:1', 28)
    expect([allocation_requests.length, Object.keys(provider_summaries)]).toEqual([2, [id(10), id(20)]])
  })
})

describe('a disk farm that shares with two of three hosts', () => {
  const grown = async () => {
    const cloud = testPlacement()
    for (const host of [1, 2, 3])
      await provider(cloud, host, { has: { VCPU: 4, ...(host === 2 && { DISK_GB: 10 }) }, aggregates: host < 3 ? [7] : [] })
    await provider(cloud, 9, { has: { DISK_GB: 1000 }, traits: ['MISC_SHARES_VIA_AGGREGATE'], aggregates: [7] })
    return cloud
  }
  check(grown, [
    ['resources=VCPU:1,DISK_GB:10', ['1:VCPU=1 9:DISK_GB=10', '2:DISK_GB=10,VCPU=1', '2:VCPU=1 9:DISK_GB=10']],
    ['resources=VCPU:1,DISK_GB:11', ['1:VCPU=1 9:DISK_GB=11', '2:VCPU=1 9:DISK_GB=11']],
    ['resources=VCPU:1&resources1=DISK_GB:11', ['1:VCPU=1 9:DISK_GB=11', '2:VCPU=1 9:DISK_GB=11']],
    [`resources=VCPU:1,DISK_GB:11&in_tree=${id(1)}`, []],
  ])
})

const refused: [version: number, query: string, told: string][] = [
  [39, '', 'There must be at least one resources'],
  [35, '', 'At least one request group'],
  [15, 'resources=VCPU:1&limit=1', "('limit' was unexpected)"],
  [39, 'resources=VCPU:1&limit=0', 'does not match'],
  [39, 'resources=NONE:1', 'No such resource class NONE.'],
  [39, 'resources=VCPU:1&required=CUSTOM_NONE', 'No such trait(s): CUSTOM_NONE.'],
  [39, 'resources=VCPU:1&required=COMPUTE_NODE,!COMPUTE_NODE', 'Conflicting required and forbidden traits'],
  [24, 'resources=VCPU:1&resources1=VCPU:1', 'was unexpected'],
  [32, 'resources_A=VCPU:1', "'resources_A' does not match any of the regexes: '^in_tree([1-9][0-9]*)?$', '^member_of"],
  [39, 'resources1=VCPU:1&resources2=VCPU:1', 'The "group_policy" parameter is required'],
  [35, 'resources=VCPU:1&required1=COMPUTE_NODE', 'orphaned traits keys: required1'],
  [39, 'resources=VCPU:1&required1=COMPUTE_NODE', 'Resourceless suffixed group request'],
  [39, 'resources=VCPU:1&same_subtree=1', 'Real suffixes should be specified'],
  [39, 'resources=VCPU:1&same_subtree=', 'Empty string (unsuffixed group)'],
  [34, 'resources=VCPU:1&root_required=COMPUTE_NODE', "'root_required' does not match any of the regexes: '^in_tree"],
  [39, 'resources=VCPU:1&root_required=COMPUTE_NODE&root_required=HW_CPU_X86_AVX', 'may be specified only once'],
  [39, 'resources=VCPU:1&root_required=COMPUTE_NODE,!COMPUTE_NODE', 'Conflicting required and forbidden traits found in root_required'],
  [39, 'resources=VCPU:1&in_tree=x', "Expected 'in_tree' parameter"],
]
for (const [version, query, told] of refused)
  test(`1.${version} ${query} → 400`, async () => {
    const cloud = testPlacement()
    await provider(cloud, 1, { has: { VCPU: 1 } })
    const { status, body } = await cloud.call('nova', version, `GET /allocation_candidates?${query}`)
    expect([status, body.errors[0].detail]).toEqual([400, expect.stringContaining(told)])
  })
