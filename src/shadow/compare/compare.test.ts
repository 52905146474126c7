import { describe, expect, test } from 'vitest'
import { allowancesOf } from './allowances.ts'
import { type Answer, compareAnswers } from './answers.ts'
import { differencesOf, pointerOf } from './document.ts'
import { kindOf, routeOf } from './route.ts'
import { maskedTarget, maskedValue } from './secrets.ts'

const project = '0123456789abcdef0123456789abcdef'
const uuid = '5c4cfd59-cb5b-4c2a-9df7-3c37ec1e4b53'

describe('routes', () => {
  const rows: [string, string, string][] = [
    ['/v2.1/servers/detail?limit=1', '/servers/detail', '/servers/detail'],
    [`/v2.1/${project}/servers/${uuid}`, `/servers/${uuid}`, '/servers/{id}'],
    [`/compute/v2.1/${uuid}/os-services`, '/os-services', '/os-services'],
    ['/v2/flavors/1', '/flavors/1', '/flavors/{id}'],
    ['/v2.1/os-keypairs/mine', '/os-keypairs/mine', '/os-keypairs/mine'],
    ['/v2.1', '/', '/'],
    ['/openstack/latest/meta_data.json', '/openstack/latest/meta_data.json', '/openstack/latest/meta_data.json'],
  ]
  for (const [target, route, kind] of rows)
    test(target, () => {
      expect(routeOf(target)).toBe(route)
      expect(kindOf(route)).toBe(kind)
    })
})

describe('documents', () => {
  const minute = (n: number) => `2026-11-22T10:0${n}:00Z`
  const rows: [what: string, route: string, real: unknown, ours: unknown, pointers: string[]][] = [
    ['the same, in another order of members', '/x', { a: 1, b: [2] }, { b: [2], a: 1 }, []],
    ['values', '/x', { a: { 'b/c': 1 }, d: null }, { a: { 'b/c': '1' }, d: 0 }, ['/a/b~1c', '/d']],
    ['members on one side', '/x', { a: 1 }, { b: 1 }, ['/a', '/b']],
    ['a list that is longer', '/x', { l: [1, 2] }, { l: [1] }, ['/l/1']],
    ['a list that is shorter', '/x', { l: [1] }, { l: [1, 2] }, ['/l/-']],
    ['a list and a record', '/x', { l: [] }, { l: {} }, ['/l']],
    ['one of a page is missing', '/servers', { servers: [{ id: 'a' }, { id: 'b' }] }, { servers: [{ id: 'b' }] }, ['/servers/0']],
    ['another order of a page', '/servers', { servers: [{ id: 'a' }, { id: 'b' }] }, { servers: [{ id: 'b' }, { id: 'a' }] }, ['/servers']],
    ['another order of texts', '/x', { l: ['a', 'b'] }, { l: ['b', 'a'] }, ['/l/0', '/l/1']],
    [
      'an order that is none',
      '/os-services',
      { services: [{ id: 1, s: 'up' }, { id: 2 }] },
      { services: [{ id: 2 }, { id: 1, s: 'up' }] },
      [],
    ],
    [
      'and a value in it',
      '/os-services',
      { services: [{ id: 1, s: 'up' }, { id: 2 }] },
      { services: [{ id: 2 }, { id: 1, s: 'x' }] },
      ['/services/0/s'],
    ],
    ['that order elsewhere counts', '/x', { services: [{ id: 1 }, { id: 2 }] }, { services: [{ id: 2 }, { id: 1 }] }, ['/services']],
    ['tags', '/servers/1', { server: { tags: ['a', 'b'] } }, { server: { tags: ['b', 'a'] } }, []],
    ['one tag is another', '/servers/1', { server: { tags: ['a', 'b'] } }, { server: { tags: ['b', 'c'] } }, ['/server/tags/0']],
    ['the same tag twice', '/servers/1', { server: { tags: ['a', 'a'] } }, { server: { tags: ['a'] } }, ['/server/tags/1']],
    [
      'groups of one name',
      '/servers/1',
      { security_groups: [{ name: 'd' }, { name: 'd' }, { name: 'e' }] },
      { security_groups: [{ name: 'e' }, { name: 'd' }, { name: 'd' }] },
      [],
    ],
    ['links by path', '/x', { href: 'http://a:1/v2.1/flavors/1' }, { href: 'https://b/v2.1/flavors/1' }, []],
    ['links to something else', '/x', { href: 'http://a:1/v2.1/flavors/1' }, { href: 'http://a:1/flavors/1' }, ['/href']],
    ['a host elsewhere counts', '/x', { url: 'http://a:1/' }, { url: 'http://b/' }, ['/url']],
    ['sets in messages', '/x', { message: "'x' is not one of ['a', 'b']" }, { message: "'x' is not one of ['b', 'a']" }, []],
    ['other messages', '/x', { message: "'x' is not one of ['a']" }, { message: "'y' is not one of ['a']" }, ['/message']],
    ['close dates', '/servers/1', { updated: minute(0) }, { updated: minute(2) }, []],
    ['dates further apart', '/servers/1', { updated: minute(0) }, { updated: minute(3) }, ['/updated']],
    ['dates of another form', '/servers/1', { updated: minute(0) }, { updated: '2026-11-22T10:00:00' }, ['/updated']],
    ['other dates count', '/servers/1', { created: minute(0) }, { created: minute(1) }, ['/created']],
    ['close numbers', '/os-simple-tenant-usage/p', { total_hours: 1000 }, { total_hours: 1010 }, []],
    ['numbers further apart', '/os-simple-tenant-usage/p', { total_hours: 1000 }, { total_hours: 1011 }, ['/total_hours']],
    ['null is no number', '/os-simple-tenant-usage/p', { total_hours: null }, { total_hours: 0 }, ['/total_hours']],
    [
      'counters of a guest',
      '/servers/1/diagnostics',
      { uptime: 1, state: 'on', cpu_details: [{ time: 1 }] },
      { uptime: 9, state: 'off', cpu_details: [{ time: 2 }] },
      [],
    ],
    ['of another kind', '/servers/1/diagnostics', { uptime: 1, disk: {} }, { uptime: '1' }, ['/uptime', '/disk']],
  ]
  for (const [what, route, real, ours, pointers] of rows)
    test(what, () => {
      expect(differencesOf(real, ours, allowancesOf(route)).map(({ keys }) => pointerOf(keys))).toEqual(pointers)
      if (pointers.length === 0) expect(differencesOf(ours, real, allowancesOf(route))).toEqual([])
    })

  test('an absent member has no value', () => {
    const [first, second] = differencesOf({ a: 1 }, { b: undefined }, allowancesOf('/x'))
    expect(first).toEqual({ keys: ['a'], real: 1 })
    expect(Object.hasOwn(second!, 'real')).toBe(false)
  })
})

describe('answers', () => {
  const answer = (status: number, headers: Record<string, string | string[]>, body: string | Buffer = ''): Answer => ({
    ...{ status, headers, body: Buffer.from(body), ms: 1 },
  })
  const jsonType = { 'content-type': 'application/json' }
  const rows: [what: string, real: Answer, ours: Answer, status: boolean, headers: string[], pointers: string[]][] = [
    ['another status', answer(200, {}), answer(404, {}), true, [], []],
    ['the space in JSON', answer(200, jsonType, '{"a": 1}'), answer(200, jsonType, '{"a":1}'), false, [], []],
    ['JSON', answer(200, jsonType, '{"a": 1}'), answer(200, jsonType, '{"a":2}'), false, [], ['/a']],
    ['JSON that is none', answer(200, jsonType, '{"a": 1}'), answer(200, jsonType, '{"a": 1'), false, [], ['']],
    ['text', answer(200, { 'content-type': 'text/plain' }, 'abc'), answer(200, { 'content-type': 'text/plain' }, 'abd'), false, [], ['']],
    [
      'a type',
      answer(200, { 'content-type': 'text/plain; charset=UTF-8' }),
      answer(200, { 'content-type': 'text/plain;charset=utf-8' }),
      false,
      [],
      [],
    ],
    ['a header that is not there', answer(200, { vary: 'a' }), answer(200, {}), false, ['vary'], []],
    ['a header that is alone', answer(200, {}), answer(200, { allow: 'GET' }), false, ['allow'], []],
    ['a set', answer(200, { vary: ['A', 'b'] }), answer(200, { vary: 'b,a' }), false, [], []],
    ['where it is', answer(202, { location: 'http://a/x?y=1' }), answer(202, { location: 'http://b/x?y=1' }), false, [], []],
    ['somewhere else', answer(202, { location: 'http://a/x?y=1' }), answer(202, { location: 'http://a/x?y=2' }), false, ['location'], []],
    [
      'the version served',
      answer(200, { 'openstack-api-version': 'compute 2.1' }),
      answer(200, { 'openstack-api-version': 'compute 2.2' }),
      false,
      ['openstack-api-version'],
      [],
    ],
    ['what nobody acts upon', answer(200, { date: 'a', server: 'b', 'x-openstack-request-id': 'c' }), answer(200, {}), false, [], []],
  ]
  for (const [what, real, ours, status, headers, pointers] of rows)
    test(what, () => {
      const found = compareAnswers(real, ours, '/x')
      if (!status && headers.length === 0 && pointers.length === 0) return expect(found).toBeUndefined()
      expect(found?.status).toBe(status)
      expect(found?.headers.map(({ name }) => name)).toEqual(headers)
      expect(found?.body.map(({ keys }) => pointerOf(keys))).toEqual(pointers)
    })

  test('of a text it is told where it differs, and nothing of what it says', () => {
    const found = compareAnswers(answer(200, {}, 'pa55word'), answer(200, {}, 'pa66'), '/x')!
    expect(found.body).toEqual([{ keys: [], real: '8 bytes, which differ from byte 2 on', ours: '4 bytes, which differ from byte 2 on' }])
  })
})

describe('secrets', () => {
  const values: [keys: string[], value: unknown, told: unknown][] = [
    [['server', 'adminPass'], 'x', '***'],
    [['server', 'OS-EXT-SRV-ATTR:user_data'], 'x', '***'],
    [['password'], 'x', '***'],
    [['console', 'internal_access_path'], 'x', '***'],
    [['server', 'metadata', 'db_password'], 'x', '***'],
    [['server'], { name: 'n', adminPass: 'x', deep: [{ token: 'x' }] }, { name: 'n', adminPass: '***', deep: [{ token: '***' }] }],
    [['url'], 'http://h/vnc?token=abc&x=1', 'http://h/vnc?token=***'],
    [['message'], "{'password': 'x'}", "{'password': '***'}"],
    [['server', 'name'], 'n', 'n'],
    [['server', 'key_name'], 'mine', 'mine'],
    [['a'], 'x'.repeat(301), `${'x'.repeat(300)}… (301 characters)`],
    [['a'], null, null],
  ]
  for (const [keys, value, told] of values) test(keys.join('/'), () => expect(maskedValue(keys, value)).toEqual(told))

  const targets: [string, string][] = [
    ['/v2.1/os-console-auth-tokens/abc', '/v2.1/os-console-auth-tokens/***'],
    ['/v2.1/servers?name=a&token=b', '/v2.1/servers?name=a&token=***'],
    ['/v2.1/servers?a?b=c', '/v2.1/servers?a?b=c'],
    ['/v2.1/servers', '/v2.1/servers'],
  ]
  for (const [target, told] of targets) test(target, () => expect(maskedTarget(target)).toBe(told))
})
