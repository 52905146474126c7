import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Settings } from '../oslo/config/options.ts'
import type { RequestContext } from '../oslo/context.ts'
import { silent } from '../oslo/log.ts'
import type { Target } from '../oslo/policy/compile.ts'
import { policyOptions } from '../oslo/policy/options.ts'
import type { RuleName } from './policies.ts'
import { createPolicy, type Policy, PolicyRefused } from './policy.ts'

const defaults = Object.fromEntries(Object.entries(policyOptions.options).map(([key, { default: value }]) => [key, value])) as Settings<
  typeof policyOptions
>

let directory: string
let warnings: string[]
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'policy-'))
  warnings = []
})
afterEach(() => rmSync(directory, { recursive: true }))

const open = (settings: Partial<typeof defaults> = {}, file?: string): Policy => {
  if (file !== undefined) writeFileSync(join(directory, 'policy.yaml'), file)
  const log = { ...silent, warning: (text: string) => void warnings.push(text) }
  return createPolicy({ settings: { ...defaults, ...settings }, directories: [directory], log, clock: { now: () => 0 } })
}

function caller(policy: Policy, roles: string[], more: Partial<RequestContext> = {}): RequestContext {
  const context = {
    userId: 'u1',
    userName: 'joe',
    projectId: 'p1',
    projectName: 'demo',
    domainId: null,
    domainName: null,
    userDomainId: 'default',
    projectDomainId: 'default',
    systemScope: null,
    roles,
    isAdminProject: true,
    token: 't',
    serviceToken: null,
    serviceUserId: null,
    serviceProjectId: null,
    serviceRoles: [],
    catalog: [],
    requestId: 'req-1',
    globalRequestId: null,
    remoteAddress: null,
    timestamp: '2026-01-01T00:00:00.000000',
    readDeleted: 'no' as const,
    ...more,
  }
  return { ...context, isAdmin: policy.isAdmin(context) }
}

const people = {
  admin: ['admin'],
  manager: ['manager', 'member', 'reader'],
  member: ['member', 'reader'],
  reader: ['reader'],
  service: ['service'],
  nobody: [],
}

describe('who may do what by default', () => {
  const own: Target = { project_id: 'p1', user_id: 'u1' }
  const other: Target = { project_id: 'p2', user_id: 'u2' }
  const rows: [rule: RuleName, target: Target | undefined, may: (keyof typeof people)[]][] = [
    ['os_compute_api:servers:show', own, ['admin', 'manager', 'member', 'reader']],
    ['os_compute_api:servers:show', undefined, ['admin', 'manager', 'member', 'reader']],
    ['os_compute_api:servers:show', other, ['admin']],
    ['os_compute_api:servers:create', own, ['admin', 'manager', 'member']],
    ['os_compute_api:servers:create', other, ['admin']],
    ['os_compute_api:os-migrate-server:migrate', own, ['admin', 'manager']],
    ['os_compute_api:os-migrate-server:migrate:host', own, ['admin']],
    ['os_compute_api:os-server-external-events:create', own, ['admin', 'service']],
    ['os_compute_api:os-keypairs:show', { user_id: 'u1' }, ['admin', 'manager', 'member', 'reader', 'service', 'nobody']],
    ['os_compute_api:os-keypairs:show', { user_id: 'u2' }, ['admin']],
    ['os_compute_api:limits', undefined, ['admin', 'manager', 'member', 'reader', 'service', 'nobody']],
    ['compute:servers:resize:cross_cell', undefined, []],
  ]
  for (const [rule, target, may] of rows) {
    test(`${rule} on ${JSON.stringify(target)}`, () => {
      const policy = open()
      const allowed = Object.entries(people).filter(([, roles]) => policy.can(caller(policy, roles), rule, target))
      expect(allowed.map(([name]) => name)).toEqual(may)
    })
  }
  test('not with a token of the system or of a domain', () => {
    const policy = open()
    expect(policy.can(caller(policy, ['admin'], { systemScope: 'all', projectId: null }), 'os_compute_api:servers:show')).toBe(false)
    expect(policy.can(caller(policy, ['admin'], { domainId: 'd', projectId: null }), 'os_compute_api:servers:show')).toBe(false)
    const lenient = open({ enforceScope: false })
    expect(lenient.can(caller(lenient, ['admin'], { systemScope: 'all', projectId: null }), 'os_compute_api:servers:show')).toBe(true)
  })
})

describe('older defaults', () => {
  const mayShow = (policy: Policy, roles: string[], projectId = 'p1') =>
    policy.can(caller(policy, roles, { projectId }), 'os_compute_api:os-volumes:show', { project_id: 'p1' })
  test('count only when they are asked for', () => {
    expect([mayShow(open(), []), mayShow(open({ enforceNewDefaults: false }), [])]).toEqual([false, true])
    expect(mayShow(open({ enforceNewDefaults: false }), [], 'p2')).toBe(false)
  })
  test('as does a file that uses an older name', () => {
    const policy = open({}, 'os_compute_api:os-volumes: role:storage')
    expect([mayShow(policy, ['storage']), mayShow(policy, ['reader'])]).toEqual([true, false])
    expect(warnings.length).toBe(10)
  })
})

describe('administrators', () => {
  const rows: [file: string | undefined, roles: string[], isAdmin: boolean][] = [
    [undefined, ['Admin'], true],
    [undefined, ['member'], false],
    ['context_is_admin: role:boss', ['boss'], true],
    ['context_is_admin: role:boss', ['admin'], false],
    ['context_is_admin: is_admin:True', ['admin'], false],
    ['context_is_admin: is_admin:False', ['admin'], false],
  ]
  for (const [file, roles, isAdmin] of rows) {
    test(`${roles} with ${file ?? 'the defaults'}`, () => expect(caller(open({}, file), roles).isAdmin).toBe(isAdmin))
  }
  test('are known to rules by is_admin', () => {
    const policy = open({}, 'os_compute_api:limits: is_admin:True')
    const may = (isAdmin: boolean) => policy.can({ ...caller(policy, ['reader']), isAdmin }, 'os_compute_api:limits')
    expect([may(true), may(false)]).toEqual([true, false])
  })
})

test('a refusal names the rule, in the words of Nova', () => {
  const policy = open()
  policy.authorize(caller(policy, ['member']), 'os_compute_api:servers:create')
  const refuse = () => policy.authorize(caller(policy, ['reader']), 'os_compute_api:servers:create')
  expect(refuse).toThrow(PolicyRefused)
  expect(refuse).toThrow("Policy doesn't allow os_compute_api:servers:create to be performed.")
  expect(refuse).toThrow(expect.objectContaining({ rule: 'os_compute_api:servers:create' }))
})

test('rules of a file that look at the user are warned of, except for key pairs', () => {
  open({}, 'os_compute_api:servers:show: user_id:%(user_id)s\nos_compute_api:os-keypairs:show: user_id:%(user_id)s')
  expect(warnings).toEqual([
    "The rule 'os_compute_api:servers:show' looks at user_id, which only the rules of key pairs support; it will stop working.",
  ])
})
