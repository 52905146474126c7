import { describe, expect, test } from 'vitest'
import { type EndpointQuery, endpointIn, toVersion2 } from './catalog.ts'

const catalog = toVersion2([
  {
    type: 'network',
    name: 'neutron',
    endpoints: [
      { region: 'one', interface: 'public', url: 'http://public.one' },
      { region: 'one', interface: 'Internal', url: 'http://internal.one' },
      { region: 'two', interface: 'public', url: 'http://public.two' },
      { region: null, interface: 'admin', url: 'http://admin' },
    ],
  },
  { type: 'volumev2', endpoints: [{ region: 'one', interface: 'public', url: 'http://v2' }] },
  { type: 'volumev3', endpoints: [{ region: 'one', interface: 'public', url: 'http://v3' }] },
  { type: 'image' },
])

test('version 3 becomes version 2', () =>
  expect(catalog[0]).toEqual({
    type: 'network',
    name: 'neutron',
    endpoints: [
      { region: 'one', publicURL: 'http://public.one', internalURL: 'http://internal.one' },
      { region: 'two', publicURL: 'http://public.two' },
      { adminURL: 'http://admin' },
    ],
  }))

describe('an endpoint', () => {
  const rows: [query: EndpointQuery, url: string | undefined][] = [
    [{ serviceType: 'network' }, 'http://public.one'],
    [{ serviceType: 'network', interfaces: ['internal', 'public'] }, 'http://internal.one'],
    [{ serviceType: 'network', interfaces: ['internal', 'public'], region: 'two' }, 'http://public.two'],
    [{ serviceType: 'network', interfaces: ['internalURL'] }, 'http://internal.one'],
    [{ serviceType: 'network', interfaces: ['admin'] }, 'http://admin'],
    [{ serviceType: 'network', interfaces: ['admin'], region: 'one' }, undefined],
    [{ serviceType: 'network', serviceName: 'neutron' }, 'http://public.one'],
    [{ serviceType: 'network', serviceName: 'quantum' }, undefined],
    [{ serviceType: 'block-storage' }, 'http://v3'],
    [{ serviceType: 'volumev2' }, 'http://v2'],
    [{ serviceType: 'block-storage', serviceName: 'cinder' }, 'http://v3'],
    [{ serviceType: 'image' }, undefined],
    [{ serviceType: 'placement' }, undefined],
  ]
  for (const [query, url] of rows) test(JSON.stringify(query), () => expect(endpointIn(catalog, query)).toBe(url))
})
