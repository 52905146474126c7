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
  ['(?#c)(?i)a(?#d)+b', ['AAB'], ['b']],
  ['(?P<é>a)(?P=é)', ['aa'], ['a']],
  ['(a)?(?(1)b|c)', ['ab', 'c'], ['d']],
  ['[\\x41-\\103\\d]', ['B', '7'], ['D']],
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

// What is none is the table of python-syntax.test.ts; JavaScript knows no characters by name, and repeats no look-behind
test.each(['(', 'a**', '\\1', '(?<n>a)', '\\N{SPACE}', '[\\N{SPACE}]', '(?<=a)*'])('none: %s', (pattern) =>
  expect(fromPython(pattern)).toBeUndefined(),
)
