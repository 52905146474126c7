import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Settings } from '../config/options.ts'
import { createEnforcer, type Enforcer, type EnforcerParts, type RuleDefault } from './enforcer.ts'
import { InvalidPolicy } from './files.ts'
import { policyOptions } from './options.ts'
import { RemoteCheckFailed } from './remote.ts'

const defaultSettings = Object.fromEntries(
  Object.entries(policyOptions.options).map(([key, { default: value }]) => [key, value]),
) as Settings<typeof policyOptions>

const defaults: RuleDefault[] = [
  { name: 'admin', check: 'role:admin' },
  { name: 'show', check: 'role:reader', scopes: ['project'], deprecated: { name: 'view', check: 'role:member' } },
  { name: 'list', check: 'role:reader', deprecated: { name: 'list', check: 'rule:admin' } },
  { name: 'erase', check: '!' },
]

let directory: string
let enforcer: Enforcer | undefined
let now: number
let said: string[]

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'policy-'))
  now = 1_000_000
  said = []
})
afterEach(() => {
  enforcer?.close()
  rmSync(directory, { recursive: true })
})

function enforce(settings: Partial<EnforcerParts['settings']> = {}, rest: Partial<EnforcerParts> = {}): Enforcer {
  const say = (level: string) => (text: string) => void said.push(`${level} ${text}`)
  return (enforcer = createEnforcer({
    settings: { ...defaultSettings, ...settings },
    defaults,
    directories: [directory],
    log: { info: say('info'), warning: say('warning'), error: say('error') },
    clock: { now: () => now },
    ...rest,
  }))
}

/** Writes a policy file and gives it a time of its own. */
function write(name: string, content: string, time = 1): void {
  writeFileSync(join(directory, name), content)
  utimesSync(join(directory, name), time, time)
}

const may = (rule: string, ...roles: string[]) => enforcer!.allows(rule, {}, { roles })

describe('defaults', () => {
  test('hold when there are no files', () => {
    enforce()
    expect([may('show', 'reader'), may('show', 'member'), may('erase', 'admin'), may('unknown', 'admin')]).toEqual([
      true,
      false,
      false,
      false,
    ])
    expect(said).toEqual([])
  })
  test('older defaults still count when the new ones are not enforced', () => {
    enforce({ enforceNewDefaults: false })
    expect([may('show', 'reader'), may('show', 'member'), may('show', 'other')]).toEqual([true, true, false])
    expect([may('list', 'admin'), may('list', 'member')]).toEqual([true, false])
  })
  test('a default rule stands in for those that do not exist', () => {
    write('policy.yaml', 'default: role:boss\nshow: rule:nowhere')
    enforce()
    expect([may('unknown', 'boss'), may('unknown', 'admin'), may('show', 'boss'), may('show', 'reader')]).toEqual([
      true,
      false,
      true,
      false,
    ])
  })
})

describe('files', () => {
  const rows: [what: string, content: string, rule: string, roles: string[], may: boolean][] = [
    ['override', 'show: role:auditor', 'show', ['auditor'], true],
    ['override', 'show: role:auditor', 'show', ['reader'], false],
    ['are JSON as well', '{"show": "role:auditor"}', 'show', ['auditor'], true],
    ['hold lists', 'show: [["role:a", "role:b"], "role:c"]', 'show', ['a', 'b'], true],
    ['hold lists', 'show: [["role:a", "role:b"], "role:c"]', 'show', ['a'], false],
    ['hold nothing at all', 'erase:', 'erase', [], true],
    ['are empty', '# nothing\n', 'show', ['reader'], true],
    ['say a thing twice', 'show: role:a\nshow: role:b', 'show', ['b'], true],
    ['add rules of their own', 'mine: role:x\nshow: rule:mine', 'show', ['x'], true],
    ['know a rule by its old name', 'view: role:auditor', 'show', ['auditor'], true],
    ['know a rule by its old name', 'view: role:auditor', 'show', ['reader'], false],
    ['prefer its new name', 'view: role:auditor\nshow: role:boss', 'show', ['auditor'], false],
    ['repeat the old default', 'view: role:member', 'show', ['member'], false],
    ['point the old name to the new one', 'view: rule:show', 'show', ['reader'], true],
  ]
  for (const [what, content, rule, roles, expected] of rows) {
    test(`that ${what}: ${content} as ${roles}`, () => {
      write('policy.yaml', content)
      enforce()
      expect(may(rule, ...roles)).toBe(expected)
    })
  }

  test('an override of the old name replaces the older default too', () => {
    write('policy.yaml', 'view: role:auditor')
    enforce({ enforceNewDefaults: false })
    expect([may('show', 'auditor'), may('show', 'member'), may('show', 'reader')]).toEqual([true, false, false])
    expect(said).toEqual(['warning Policy "view" of the policy files is now "show" (default "role:reader"): set that one instead.'])
  })
  test('rules that say what the default says are mentioned', () => {
    write('policy.yaml', 'admin: (role:admin)')
    enforce()
    expect(said).toEqual(['warning Policies admin of the policy files are the same as the defaults and can be left out.'])
  })
  test('directories come after the file, in the order of names, without hidden ones', () => {
    write('policy.yaml', 'show: role:a\nlist: role:a\nadmin: role:a')
    mkdirSync(join(directory, 'policy.d'))
    write('policy.d/2.yaml', 'show: role:c')
    write('policy.d/1.yaml', 'show: role:b\nlist: role:b')
    write('policy.d/.3.yaml', 'show: role:d')
    enforce()
    expect([may('show', 'c'), may('list', 'b'), may('admin', 'a')]).toEqual([true, true, true])
  })
  test('the first directory that has the file wins', () => {
    mkdirSync(join(directory, 'first'))
    write('first/policy.yaml', 'show: role:first')
    write('policy.yaml', 'show: role:second')
    enforce({}, { directories: [join(directory, 'none'), join(directory, 'first'), directory] })
    expect([may('show', 'first'), may('show', 'second')]).toEqual([true, false])
  })

  const refused: [content: string, reason: RegExp][] = [
    ['show: role:a role:b', /policy\.yaml: rule "show": "role:b" is not expected here/],
    ['show: {a: b}', /policy\.yaml: rule "show": a rule is a text or a list, not a mapping/],
    ['- show', /policy\.yaml: not a mapping of names to rules/],
    ['show: "role:a', /policy\.yaml: Missing closing "quote/],
    ['show: rule:nowhere', /policy\.yaml: rule "show" refers to "rule:nowhere", which is not defined/],
    ['show: not rule:nowhere', /which is not defined/],
    ['show: rule:list\nlist: role:x or rule:show', /policy\.yaml: rule "show" refers to itself: show -> list -> show/],
    ['show: rule:show', /refers to itself: show -> show/],
    ['mine: id:%(id)d\nshow: rule:mine', /policy\.yaml: rule "mine": .* has a % that is neither/],
  ]
  for (const [content, reason] of refused) {
    test(`that cannot be used are refused: ${content}`, () => {
      write('policy.yaml', content)
      expect(() => enforce()).toThrow(InvalidPolicy)
      expect(() => enforce()).toThrow(reason)
    })
  }
})

describe('changes', () => {
  test('are seen within a second, and not looked for more often', () => {
    write('policy.yaml', 'show: role:a')
    enforce()
    write('policy.yaml', 'show: role:b', 2)
    now += 999
    expect(may('show', 'b')).toBe(false)
    now += 1
    expect(may('show', 'b')).toBe(true)
    expect(said.at(-1)).toMatch(/^info Read the policy files again: .*policy\.yaml\.$/)
  })
  test('a file that appears counts, one that goes away does not', () => {
    enforce()
    write('policy.yaml', 'show: role:a')
    now += 1000
    expect(may('show', 'a')).toBe(true)
    rmSync(join(directory, 'policy.yaml'))
    now += 1000
    expect([may('show', 'a'), may('show', 'reader')]).toEqual([false, true])
  })
  test('that cannot be used leave the rules as they were, and are told once', () => {
    write('policy.yaml', 'show: role:a')
    enforce()
    write('policy.yaml', 'show: rule:nowhere', 2)
    for (let second = 0; second < 3; second++) {
      now += 1000
      expect(may('show', 'a')).toBe(true)
    }
    expect(said.length).toBe(1)
    expect(said[0]).toMatch(/^error .*stay as they were: .*policy\.yaml: rule "show" refers to "rule:nowhere"/)
    write('policy.yaml', 'show: role:c', 3)
    now += 1000
    expect(may('show', 'c')).toBe(true)
  })
  test('of a directory into a file are told once too', () => {
    enforce()
    expect(may('show', 'reader')).toBe(true)
    write('policy.d', 'not a directory')
    for (let second = 0; second < 2; second++) {
      now += 1000
      expect(may('show', 'reader')).toBe(true)
    }
    expect(said.map((line) => line.replace(directory, ''))).toEqual([
      expect.stringContaining('policy_dirs: /policy.d cannot be read: ENOTDIR'),
    ])
    expect(() => enforce()).toThrow(InvalidPolicy)
  })
  test('are told to the service', () => {
    const told: string[][] = []
    write('policy.yaml', 'show: role:a')
    enforce({}, { onLoad: (rules) => void told.push([...rules.keys()]) })
    write('policy.yaml', 'list: role:a', 2)
    now += 1000
    may('list')
    expect(told).toEqual([['show'], ['list']])
  })
})

describe('scopes', () => {
  const reader = { roles: ['reader'] }
  const rows: [credentials: Record<string, unknown>, fits: boolean][] = [
    [{ ...reader, project_id: 'p' }, true],
    [{ ...reader }, true],
    [{ ...reader, domain_id: 'd' }, false],
    [{ ...reader, system_scope: 'all' }, false],
    [{ ...reader, system: 'all' }, false],
  ]
  for (const [credentials, fits] of rows) {
    test(`${JSON.stringify(credentials)} ${fits ? 'fits' : 'does not fit'} a rule for projects`, () => {
      enforce()
      expect(enforcer!.allows('show', {}, credentials)).toBe(fits)
      expect(enforcer!.allows('list', {}, credentials)).toBe(true)
    })
  }
  test('are only mentioned, once a rule, when they are not enforced', () => {
    enforce({ enforceScope: false })
    for (let i = 0; i < 2; i++) expect(enforcer!.allows('show', {}, { ...reader, system_scope: 'all' })).toBe(true)
    expect(said).toEqual(['warning Policy show is for tokens of the scope project and was used with a system token.'])
  })
})

describe('remote checks', () => {
  let server: Worker
  let base: string

  // A check stands still until it is answered, so the other service needs a thread of its own.
  beforeEach(async () => {
    server = new Worker(
      `const { createServer } = require('node:http'), { parentPort } = require('node:worker_threads')
      const server = createServer(async (request, answer) => {
        let body = ''
        for await (const chunk of request) body += chunk
        if (request.url === '/never') return
        const json = request.headers['content-type'] === 'application/json'
        const said = json ? JSON.parse(body) : Object.fromEntries([...new URLSearchParams(body)].map(([key, value]) => [key, JSON.parse(value)]))
        answer.end(request.url === '/p1' && said.rule === 'show' && said.target.id === 'p1' && said.credentials.user_id === 'u1' ? '"True"' : 'False')
      }).listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))`,
      { eval: true },
    )
    base = `http://127.0.0.1:${await new Promise((done) => server.once('message', done))}`
  })
  afterEach(async () => void (await server.terminate()))

  for (const remoteContentType of ['application/x-www-form-urlencoded', 'application/json'] as const) {
    test(`ask another service in ${remoteContentType}`, () => {
      write('policy.yaml', `show: role:admin or rule:asked\nlist: rule:asked\nasked: ${base}/%(id)s`)
      enforce({ remoteContentType })
      const ask = (rule: string, id: string, user_id = 'u1') => enforcer!.allows(rule, { id }, { user_id })
      expect([ask('show', 'p1'), ask('show', 'p2'), ask('show', 'p1', 'u2'), ask('list', 'p1')]).toEqual([true, false, false, false])
    })
  }
  test('wait no longer than they may', () => {
    write('policy.yaml', `show: ${base}/never`)
    enforce({ remoteTimeout: 0.1 })
    expect(() => may('show')).toThrow(RemoteCheckFailed)
    expect(() => may('show')).toThrow(/\/never: no answer in time/)
  })
  test('fail when nobody is there', () => {
    write('policy.yaml', 'show: http://127.0.0.1:1/')
    enforce()
    expect(() => may('show')).toThrow(RemoteCheckFailed)
  })
})
