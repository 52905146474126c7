import { describe, expect, test } from 'vitest'
import type { Access, AccessRule } from '../../oslo/keystoneauth/access.ts'
import { forbiddenByRules, pathMatches } from './access-rules.ts'

describe('a path', () => {
  const rows: [pattern: string, path: string, matches: boolean][] = [
    ['/v2.1/servers', '/v2.1/servers', true],
    ['/v2.1/servers', '/v2.1/servers/1', false],
    ['/v2.1/servers', '/v2x1/servers', false],
    ['/v2.1/servers/*', '/v2.1/servers/1', true],
    ['/v2.1/servers/*', '/v2.1/servers/1/action', false],
    ['/v2.1/servers/{server_id}', '/v2.1/servers/1', true],
    ['/v2.1/servers/{server_id}', '/v2.1/servers/', false],
    ['/v2.1/servers/{id}/ips', '/v2.1/servers/1/ips', true],
    ['/v2.1/**', '/v2.1/servers/1/action', true],
    ['/**/action', '/v2.1/servers/1/action', true],
    ['/a+(b)?', '/a+(b)?', true],
    ['/a+(b)?', '/aab', false],
    ['/{open', '/{open', true],
  ]
  for (const [pattern, path, matches] of rows) test(`${path} and ${pattern}`, () => expect(pathMatches(path, pattern)).toBe(matches))
})

describe('access rules', () => {
  const rule: AccessRule = { service: 'compute', method: 'GET', path: '/v2.1/servers' }
  const request = { method: 'GET', scriptName: '/v2.1', path: '/servers' }
  const ours = { serviceType: 'compute', hasServiceToken: false }
  const forbidden = (
    rules: AccessRule[] | null,
    asked = request,
    options: Parameters<typeof forbiddenByRules>[2] = ours,
    type = 'compute',
  ) => forbiddenByRules({ accessRules: rules, catalog: [{ type, endpoints: [] }] } as unknown as Access, asked, options)

  const rows: [what: string, reason: string | undefined, allowed: boolean][] = [
    ['none at all', forbidden(null), true],
    ['one that allows it', forbidden([rule]), true],
    ['an empty list', forbidden([]), false],
    ['another method', forbidden([rule], { ...request, method: 'DELETE' }), false],
    ['another path', forbidden([rule], { ...request, path: '/flavors' }), false],
    ['another service', forbidden([{ ...rule, service: 'image' }]), false],
    ['no service type of ours', forbidden([rule], request, { ...ours, serviceType: null }), false],
    ['no such service in the catalogue', forbidden([rule], request, ours, 'image'), false],
    ['a service that asks for the user', forbidden([], request, { ...ours, hasServiceToken: true }), true],
  ]
  for (const [what, reason, allowed] of rows) test(what, () => expect(reason === undefined).toBe(allowed))
})
