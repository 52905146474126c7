import { describe, expect, test } from 'vitest'
import { InvalidRule, parseRule, ruleText } from './check.ts'
import { type Credentials, compile, type Target } from './compile.ts'

const joe = {
  roles: ['Member', 'reader'],
  user_id: 'u1',
  project_id: 'p1',
  domain_id: null,
  is_admin_project: true,
  user: { name: 'joe', groups: [{ id: 'g1' }, { id: 'g2' }] },
}

const holds = (rule: unknown, target: Target = {}, credentials: Credentials = joe): boolean =>
  compile(parseRule(rule), {
    rule: (name) => () => name === 'yes',
    kinds: { even: (match) => (target) => Number(target[match]) % 2 === 0 },
  })(target, credentials, 'the rule')

describe('the language', () => {
  const rows: [rule: unknown, canonical: string][] = [
    ['', '@'],
    [null, '@'],
    [[], '@'],
    [[[]], '!'],
    ['@', '@'],
    ['!', '!'],
    ['role:admin', 'role:admin'],
    ['(role:admin)', 'role:admin'],
    ['a:1 or b:2 and c:3', '(a:1 or (b:2 and c:3))'],
    ['a:1 and b:2 or c:3', '((a:1 and b:2) or c:3)'],
    ['(a:1 or b:2) and c:3', '((a:1 or b:2) and c:3)'],
    ['a:1 OR b:2 Or c:3', '(a:1 or b:2 or c:3)'],
    ['not a:1 and b:2', '(not a:1 and b:2)'],
    ['not (a:1 and not b:2)', 'not (a:1 and not b:2)'],
    ['((a:%(x)s) or b:%(y)s)', '(a:%(x)s or b:%(y)s)'],
    [[['a:1', 'b:2'], 'c:3'], '((a:1 and b:2) or c:3)'],
    [['a:1'], 'a:1'],
    [[['a:1', 'b:2']], '(a:1 and b:2)'],
  ]
  for (const [rule, canonical] of rows) test(JSON.stringify(rule), () => expect(ruleText(parseRule(rule))).toBe(canonical))

  const refused: unknown[] = ['admin', 'a:1 b:2', 'a:1 or', 'and a:1', '(a:1', 'a:1)', 'not', '   ', "'a:b'", ['admin'], 7, true, { a: 1 }]
  for (const rule of refused) test(`${JSON.stringify(rule)} is refused`, () => expect(() => parseRule(rule)).toThrow(InvalidRule))
})

describe('the checks', () => {
  const rows: [rule: string, target: Target, holds: boolean][] = [
    ['@', {}, true],
    ['!', {}, false],
    ['not !', {}, true],
    ['role:member', {}, true],
    ['role:READER', {}, true],
    ['role:admin', {}, false],
    ['role:%(needed)s', { needed: 'Reader' }, true],
    ['role:%(needed)s', { needed: 'admin' }, false],
    ['role:%(needed)s', {}, false],
    ['rule:yes', {}, true],
    ['rule:no', {}, false],
    ['project_id:%(project_id)s', { project_id: 'p1' }, true],
    ['project_id:%(project_id)s', { project_id: 'p2' }, false],
    ['project_id:%(project_id)s', { project_id: null }, false],
    ['project_id:%(project_id)s', {}, false],
    ['domain_id:%(domain_id)s', { domain_id: null }, true],
    ['domain_id:None', {}, true],
    ['nothing:None', {}, false],
    ['is_admin_project:True', {}, true],
    ['is_admin_project:true', {}, false],
    ["'shared':%(visibility)s", { visibility: 'shared' }, true],
    ["'shared':%(visibility)s", { visibility: 'private' }, false],
    ['True:%(user.enabled)s', { 'user.enabled': true }, true],
    ['True:%(user.enabled)s', { 'user.enabled': false }, false],
    ['7:%(n)s', { n: 7 }, true],
    ['user.name:joe', {}, true],
    ['user.groups.id:g2', {}, true],
    ['user.groups.id:g3', {}, false],
    ['user.nothing.id:g3', {}, false],
    ['roles:reader', {}, true],
    ['user_id:u%(n)s', { n: 1 }, true],
    ['user_id:%(toString)s', {}, false],
    ['role:admin or user_id:%(user_id)s', { user_id: 'u1' }, true],
    ['role:member and role:admin', {}, false],
    ['role:member and not role:admin', {}, true],
    ['role:admin or role:nobody or role:member and user_id:u1', {}, true],
    ['even:n', { n: 2 }, true],
    ['even:n', { n: 3 }, false],
  ]
  for (const [rule, target, expected] of rows) {
    test(`${rule} on ${JSON.stringify(target)}`, () => expect(holds(rule, target)).toBe(expected))
  }
  test('without roles nobody has one', () => expect(holds('role:member', {}, {})).toBe(false))
  test('a percent sign must start a name', () => {
    expect(holds('user_id:100%%', {}, { user_id: '100%' })).toBe(true)
    expect(() => holds('user_id:100%')).toThrow(InvalidRule)
    expect(() => holds('user_id:%(x)d')).toThrow(InvalidRule)
  })
})
