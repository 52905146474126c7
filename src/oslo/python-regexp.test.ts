import { expect, test } from 'vitest'
import { fromPython } from './python-regexp.ts'

// What Python 3.14 says of these
test.each<[pattern: string, found: string[], notFound: string[]]>([
  ['web', ['web-1', 'a web'], ['WEB', 'we']],
  ['(?i)web', ['WEB'], ['we']],
  ['(?i:w)eb', ['Web'], ['wEb']],
  ['(?P<n>a)b(?P=n)', ['aba'], ['abb']],
  ['(a)(?:b)\\1', ['aba'], ['abb']],
  ['\\Aa\\Z', ['a'], ['a\n', 'ba']],
  ['a$', ['a', 'a\n'], ['a\n\n']],
  ['a++b', ['aab'], ['b']],
  ['a{,2}b{', ['b{', 'aab{'], ['b']],
  ['x{1,', ['x{1,'], ['x']],
  ['[]a]', [']', 'a'], ['[']],
  ['[^]]', ['a'], [']']],
  ['[[a-]', ['[', '-'], ['b']],
  ['[\\]-a]', ['^', ']'], ['b']],
  ['(?#c)a(?#d)b', ['ab'], ['a b']],
  ['(?>a|ab)c', ['ac'], ['a']],
  ['(?<=a)b(?!c)', ['ab'], ['abc', 'b']],
  ['\\x41\\u0042\\103\\a?', ['ABC'], ['AB']],
  ['}]', ['}]'], ['}']],
  ['\\-\\é', ['-é'], ['é']],
  ['a|b', ['b'], ['c']],
  ['', ['', 'a'], []],
])('%s', (pattern, found, notFound) => {
  const regExp = fromPython(pattern)!
  for (const text of found) expect([text, regExp.test(text)]).toEqual([text, true])
  for (const text of notFound) expect([text, regExp.test(text)]).toEqual([text, false])
})

test.each([
  '(',
  ')',
  '[',
  '[]',
  '*',
  '^*',
  'a**',
  'a+++',
  '|*',
  '\\q',
  '[\\q]',
  '\\',
  '\\1',
  '(a)\\2',
  '\\x4',
  'a{3,1}',
  '[z-a]',
  '[a-\\d]',
  '[\\d-z]',
])('none: %s', (pattern) => expect(fromPython(pattern)).toBeUndefined())
test.each(['(?<n>a)', '(?P<n>a)(?P<n>b)', '(?P=n)', '(?z)', 'a(?i)', '(?#', '(?P<1>a)', '(?'])('none: %s', (pattern) =>
  expect(fromPython(pattern)).toBeUndefined(),
)
