import { expect, test } from 'vitest'
import type { Ask, Session } from '../oslo/keystoneauth/session.ts'
import { keystoneLimits, type LimitsEndpoint } from './limits.ts'

const nothing: LimitsEndpoint = {
  endpointId: null,
  endpointServiceName: null,
  endpointServiceType: null,
  endpointRegionName: null,
  endpointInterface: 'public',
}

/** Keystone with these answers, by path; and what it was asked. */
function keystone(answers: Readonly<Record<string, object>>) {
  const asked: string[] = []
  const session = {
    endpoint: async () => 'http://keystone/v3',
    async request({ url, query = {} }: Ask) {
      const path = url!.replace('http://keystone/v3/', '')
      asked.push(`${path}?${new URLSearchParams(query as Record<string, string>)}`)
      return { json: () => answers[path] }
    },
  } as unknown as Session
  return { asked, service: { own: session, as: () => session, close: async () => {} } }
}

const usual = {
  'limits/model': { model: { name: 'flat' } },
  services: { services: [{ id: 's1' }] },
  endpoints: { endpoints: [{ service_id: 's1', region_id: 'RegionOne' }] },
  'endpoints/e1': { endpoint: { service_id: 's1', region_id: null } },
  registered_limits: { registered_limits: [{ resource_name: 'servers', default_limit: 7 }] },
  limits: { limits: [{ resource_name: 'servers', resource_limit: 3 }] },
}

test('the endpoint is looked up once, and limits are asked for it', async () => {
  const { asked, service } = keystone(usual)
  const limits = keystoneLimits(service, {
    ...nothing,
    endpointServiceType: 'compute',
    endpointRegionName: 'RegionOne',
    endpointInterface: 'internalURL',
  })
  expect(await limits.registered()).toEqual(new Map([['servers', 7]]))
  expect(await limits.ofProject('p')).toEqual(new Map([['servers', 3]]))
  expect(asked).toEqual([
    'limits/model?',
    'services?type=compute',
    'endpoints?service_id=s1&interface=internal&region_id=RegionOne',
    'registered_limits?service_id=s1&region_id=RegionOne',
    'limits?service_id=s1&region_id=RegionOne&project_id=p',
  ])
})

test('or its id is known', async () => {
  const { asked, service } = keystone(usual)
  await keystoneLimits(service, { ...nothing, endpointId: 'e1' }).registered()
  expect(asked).toEqual(['limits/model?', 'endpoints/e1?', 'registered_limits?service_id=s1'])
})

const wrong: [what: string, answers: object, endpoint: Partial<LimitsEndpoint>, text: string][] = [
  ['no option', {}, {}, '[oslo_limit] needs endpoint_id, endpoint_service_type or endpoint_service_name'],
  ['no service', { services: { services: [] } }, { endpointServiceType: 'compute' }, '[oslo_limit] fits no services of Keystone'],
  [
    'two endpoints',
    { endpoints: { endpoints: [{}, {}] } },
    { endpointServiceName: 'nova' },
    '[oslo_limit] fits several endpoints of Keystone',
  ],
  ['another model', { 'limits/model': { model: { name: 'strict-two-level' } } }, { endpointId: 'e1' }, 'the model strict-two-level'],
]
for (const [what, answers, endpoint, text] of wrong)
  test(`${what} is told`, async () => {
    const limits = keystoneLimits(keystone({ ...usual, ...answers }).service, { ...nothing, ...endpoint })
    await expect(limits.registered()).rejects.toThrow(text)
  })
