import { expect, test } from 'vitest'
import { expandUrl } from './cell-urls.ts'

const database = 'mysql+pymysql://nova:p%40ss@db.example:3307/nova_cell0?charset=utf8'
const broker = 'rabbit://a:1@one:5672,b:2@[fd00::2]:5673/cells?ssl=1'

const filled: [template: string, own: string, result: string][] = [
  ['mysql+pymysql://u:p@h/n', database, 'mysql+pymysql://u:p@h/n'],
  [
    '{scheme}://{username}:{password}@{hostname}/nova_cell1?{query}',
    database,
    'mysql+pymysql://nova:p%40ss@db.example/nova_cell1?charset=utf8',
  ],
  ['{scheme}://{username}:{password}@{hostname}:{port}/{path}', database, 'mysql+pymysql://nova:p%40ss@db.example:3307/nova_cell0'],
  ['mysql://{username}@{hostname}:{port}/n', 'mysql://u@h/m', 'mysql://u@h:/n'],
  ['rabbit://{username1}:{password1}@{hostname1}:{port1}/{path}', broker, 'rabbit://a:1@one:5672/cells'],
  ['rabbit://{username2}:{password2}@[{hostname2}]:{port2}/v?{query}', broker, 'rabbit://b:2@[fd00::2]:5673/v?ssl=1'],
  ['sqlite:////{{x}}/{path}', 'sqlite:////a/b', 'sqlite:////{x}/a/b'],
]
for (const [template, own, result] of filled)
  test(`${template} by ${own}`, () => {
    expect(
      expandUrl(template, own, (why) => {
        throw new Error(why)
      }),
    ).toBe(result)
  })

const kept: [template: string, own: string | null, why: RegExp][] = [
  ['{scheme}://h/n', null, /no URL to fill it from/],
  ['mysql://{user}@h/n', database, /has \{user\}, which is none of username, password/],
  ['rabbit://{hostname3}/', broker, /has \{hostname3\}/],
  ['mysql://{}@h/n', database, /has \{\}/],
]
for (const [template, own, why] of kept)
  test(`${template} stays as it is`, () => {
    const told: string[] = []
    expect(expandUrl(template, own, (text) => told.push(text))).toBe(template)
    expect(told).toHaveLength(1)
    expect(told[0]).toMatch(why)
    expect(told[0]).not.toContain('p%40ss')
  })
