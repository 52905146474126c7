import { expect, test } from 'vitest'
import { listed, meant, parseFlags } from './parse.ts'
import { UsageError } from './usage.ts'

const names = ['--workers', '--port-compute', '--log-file', '--key', '--ini']
const rows: [string, string][] = [
  ['--worker', '; did you mean --workers?'],
  ['--wrokers', '; did you mean --workers?'],
  ['--port-compue', '; did you mean --port-compute?'],
  ['--logfile', '; did you mean --log-file?'],
  ['--kye', '; did you mean --key?'],
  ['--kxyz', ''],
  ['--nonsense', ''],
]
for (const [word, told] of rows) test(`${word}${told}`, () => expect(meant(word, names)).toBe(told))

test('commands', () => {
  expect(listed('hsot', ['cloud', 'host'])).toBe('; did you mean host? There are cloud, host')
  expect(listed('nothing', ['cloud', 'host'])).toBe(': there are cloud, host')
})

test('an unknown flag is refused with the nearest, other mistakes as they are', () => {
  const options = { workers: { type: 'string' }, tether: { type: 'boolean' } } as const
  expect(parseFlags(['--workers', '2'], options).values).toEqual({ workers: '2' })
  expect(() => parseFlags(['--worker=2'], options)).toThrow("Unknown option '--worker'; did you mean --workers?")
  expect(() => parseFlags(['--workers'], options)).toThrow(/argument missing$/)
  expect(() => parseFlags(['word'], options)).toThrow(UsageError)
})
