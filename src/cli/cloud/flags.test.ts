import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { usualPorts } from '../../cloud/places.ts'
import { openState } from '../../cloud/state.ts'
import { UsageError } from '../usage.ts'
import { describeFlags, placeFlags, placeOf, readFlags, stateOf, upFlags } from './flags.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flags-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const place = (argv: string[], env: Record<string, string> = {}) =>
  placeOf(readFlags(['--state', join(folder, 'state'), ...argv], { ...placeFlags, ...upFlags }, env))

test('nothing said: the usual ports on the loopback address, and a directory in the current one', () => {
  expect(place([])).toEqual({ state: join(folder, 'state'), bind: '127.0.0.1', ports: usualPorts, cells: 1, hosts: 2 })
  expect(stateOf(readFlags([], placeFlags, {}))).toBe(resolve('.nova-ts'))
  expect(stateOf(readFlags([], placeFlags, { NOVA_TS_STATE: '/s' }))).toBe('/s')
  expect(stateOf(readFlags(['--state=/t'], placeFlags, { NOVA_TS_STATE: '/s' }))).toBe('/t')
})

const moved: [argv: string[], env: Record<string, string>, compute: number, image: number][] = [
  [['--port-compute', '1'], {}, 1, 9292],
  [['--port-compute', '65535'], {}, 65535, 9292],
  [[], { NOVA_TS_PORT_COMPUTE: '18774' }, 18774, 9292],
  [['--port-compute', '2'], { NOVA_TS_PORT_COMPUTE: '18774' }, 2, 9292],
  [['--ports-from', '20000'], {}, 20003, 20001],
  [['--ports-from', '65529'], {}, 65532, 65530],
  [['--ports-from', '20000', '--port-image', '7'], {}, 20003, 7],
  [[], { NOVA_TS_PORTS_FROM: '20000' }, 20003, 20001],
  [['--ports-from', '30000'], { NOVA_TS_PORT_COMPUTE: '18774' }, 30003, 30001],
  [[], { NOVA_TS_PORTS_FROM: '20000', NOVA_TS_PORT_COMPUTE: '18774' }, 18774, 20001],
  [[], { NOVA_TS_PORT_COMPUTE: '' }, 8774, 9292],
]
for (const [argv, env, compute, image] of moved)
  test(`${argv.join(' ')} ${JSON.stringify(env)}: compute at ${compute}, image at ${image}`, () => {
    expect(place(argv, env).ports).toMatchObject({ compute, image })
  })

const refused: [argv: string[], message: RegExp][] = [
  [['--port-compute', '0'], /--port-compute takes a number from 1 to 65535, not 0/],
  [['--port-compute', '65536'], /not 65536/],
  [['--port-compute', '8774x'], /not 8774x/],
  [['--ports-from', '65530'], /--ports-from takes a number from 1 to 65529, not 65530/],
  [['--port-compute', '5000'], /identity and compute cannot both have port 5000: move one with --port-compute/],
  [['--port-nova', '1'], /Unknown option '--port-nova'/],
  [['--hosts', '0'], /--hosts takes a number from 1 to 99, not 0/],
  [['--hosts', '100'], /not 100/],
  [['--cells', '10'], /--cells takes a number from 1 to 9, not 10/],
  [['--cells', 'two'], /not two/],
  [['now'], /Unexpected argument 'now'/],
  [['--bind'], /argument missing/],
]
for (const [argv, message] of refused)
  test(`${argv.join(' ')} is refused`, () => {
    expect(() => place(argv)).toThrow(UsageError)
    expect(() => place(argv)).toThrow(message)
  })

test('what a start was told holds for the next one, until it is told otherwise', () => {
  const first = place(['--ports-from', '20000', '--bind', '127.0.0.2'])
  openState(first)
  expect(place([])).toEqual(first)
  expect(place(['--port-image', '9'])).toEqual({ ...first, ports: { ...first.ports, image: 9 } })
})

test('a cloud may get more cells, and more or less hosts', () => {
  openState(place(['--cells', '2', '--hosts', '5']))
  expect(place([])).toMatchObject({ cells: 2, hosts: 5 })
  expect(place([], { NOVA_TS_HOSTS: '9', NOVA_TS_CELLS: '3' })).toMatchObject({ cells: 3, hosts: 9 })
  expect(place(['--hosts', '1'])).toMatchObject({ cells: 2, hosts: 1 })
  expect(() => place(['--cells', '1'])).toThrow(/has 2 cells already/)
})

test('the help has every flag and its variable', () => {
  const text = describeFlags({ ...placeFlags, ...upFlags })
  for (const word of ['--port-metadata N', 'NOVA_TS_PORT_METADATA', '--ports-from N', '--bind ADDRESS', 'NOVA_TS_STATE', '--foreground'])
    expect(text).toContain(word)
})
