import { expect, test } from 'vitest'
import { hostnameFrom, namesOf } from './names.ts'
import { generatePassword, reservationId } from './password.ts'

const rows: [name: string, hostname: string][] = [
  ['web', 'web'],
  ['Web Server_1.example', 'web-server-1-example'],
  ['.-web-.', 'web'],
  ['café', 'café'],
  ['сервер', ''],
  ['сервер 1', '1'],
  ['a!b@c', 'abc'],
  ['x'.repeat(70), 'x'.repeat(63)],
]
for (const [name, hostname] of rows)
  test(`${name.slice(0, 30)} → ${hostname.slice(0, 30)}`, () => expect(hostnameFrom(name)).toBe(hostname))

test('numbers tell servers apart that are made together', () => {
  const of = (name: string, hostname: string | null, index: number, count: number) =>
    Object.values(namesOf({ name, hostname }, 'u', index, count))
  expect(of('Web 1', null, 0, 1)).toEqual(['Web 1', 'web-1'])
  expect(of('Web 1', null, 1, 2)).toEqual(['Web 1-2', 'web-1-2'])
  expect(of('Web 1', 'Mine.example', 0, 1)).toEqual(['Web 1', 'Mine.example'])
  expect(of('сервер', null, 1, 2)).toEqual(['сервер-2', 'Server-u'])
  expect(of('y'.repeat(70), null, 9, 10)[1]).toBe(`${'y'.repeat(63)}-10`)
})

test('passwords have a symbol of each kind while there is room', () => {
  for (const length of [3, 12, 40])
    for (let i = 0; i < 50; i++) {
      const password = generatePassword(length)
      expect(password).toHaveLength(length)
      for (const kind of [/[2-9]/, /[A-HJ-NP-Z]/, /[a-km-z]/]) expect(password).toMatch(kind)
    }
  expect([generatePassword(0), generatePassword(2).length]).toEqual(['', 2])
  expect(generatePassword(12)).not.toBe(generatePassword(12))
  expect(reservationId()).toMatch(/^r-[0-9a-z]{8}$/)
})
