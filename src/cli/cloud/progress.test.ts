import { expect, test } from 'vitest'
import { usualPorts, usualSize } from '../../cloud/places.ts'
import { directions } from './progress.ts'

const place = (state: string) => ({ state, bind: '127.0.0.1', ports: usualPorts, ...usualSize })

const rows: [what: string, state: string, bin: string, directory: string, command: string][] = [
  ['in the project', '/p/.nova-ts', '/p/bin/nova-ts.js', '/p', 'npx nova-ts cloud openrc'],
  ['where the package was installed', '/i/.nova-ts', '/i/node_modules/nova-ts/bin/nova-ts.js', '/i', 'npx nova-ts cloud openrc'],
  ['with a state elsewhere', '/s', '/p/bin/nova-ts.js', '/p', 'npx nova-ts cloud openrc --state /s'],
  ['from another folder', '/q/.nova-ts', '/p/bin/nova-ts.js', '/q', '/node /p/bin/nova-ts.js cloud openrc'],
  [
    'from beside an installed package',
    '/q/.nova-ts',
    '/i/node_modules/nova-ts/bin/nova-ts.js',
    '/q',
    '/node /i/node_modules/nova-ts/bin/nova-ts.js cloud openrc',
  ],
]
for (const [what, state, bin, directory, command] of rows)
  test(`what can be typed ${what}`, () => expect(directions(place(state), ['/node', bin], directory)).toContain(`"$(${command})"`))
