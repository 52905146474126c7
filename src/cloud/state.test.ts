import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isLocked, takeLock } from './lock.ts'
import { usualPorts, usualSize } from './places.ts'
import { readRoster } from './roster.ts'
import { ensureSecrets, readSecrets } from './secrets.ts'
import {
  checkStatePath,
  layout,
  openState,
  rememberedPlace,
  rememberPlace,
  removeDrafts,
  removeState,
  StateBusy,
  StateError,
  writeWhole,
} from './state.ts'

let folder: string
let root: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'state-'))
  root = join(folder, '.nova-ts')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const place = () => ({ state: root, bind: '127.0.0.1', ports: { ...usualPorts, compute: 18774 }, ...usualSize })

describe('a state directory', () => {
  test('is made, remembers its settings, and is only for its owner', () => {
    expect(rememberedPlace(root)).toBeUndefined()
    openState(place())
    expect(rememberedPlace(root)).toEqual(place())
    expect(statSync(root).mode & 0o777).toBe(0o700)
    openState({ ...place(), bind: '::1' })
    expect(rememberedPlace(root)).toEqual(place())
    rememberPlace({ ...place(), bind: '::1' })
    expect(rememberedPlace(root)?.bind).toBe('::1')
  })

  test('of before there were several cells has one', () => {
    openState(place())
    const { marker } = layout(root)
    const { cells, hosts, ...before } = JSON.parse(readFileSync(marker, 'utf8'))
    expect([cells, hosts]).toEqual([1, 2])
    writeFileSync(marker, JSON.stringify(before))
    expect(rememberedPlace(root)).toEqual(place())
  })

  test('is never made of a directory with something else in it, nor is that removed', () => {
    mkdirSync(root)
    writeFileSync(join(root, 'thesis.tex'), 'x')
    for (const act of [() => openState(place()), () => rememberedPlace(root), () => removeState(root)])
      expect(act).toThrow(new StateError(`${root} holds something that is no cloud of nova-ts (thesis.tex, …): name another directory`))
    expect(readdirSync(root)).toEqual(['thesis.tex'])
  })

  test('of another release is refused', () => {
    mkdirSync(root)
    writeFileSync(layout(root).marker, '{ "form": 99 }')
    expect(() => rememberedPlace(root)).toThrow(/made by another release/)
  })

  test('an empty one is taken', () => {
    mkdirSync(root)
    expect(rememberedPlace(root)).toBeUndefined()
    openState(place())
    expect(rememberedPlace(root)).toEqual(place())
  })

  test('whose very first start was cut short is taken', () => {
    mkdirSync(root)
    writeFileSync(`${layout(root).marker}.0123abcd.new`, '{ "fo')
    expect(rememberedPlace(root)).toBeUndefined()
    openState(place())
    expect(rememberedPlace(root)).toEqual(place())
  })

  test('that lacks what a start makes after the marker gets it, and loses what killed writers left', () => {
    const files = openState(place())
    for (const folder of [files.logs, files.run, files.policyDirectory, files.databases]) rmSync(folder, { recursive: true })
    openState(place())
    for (const folder of [files.logs, files.policyDirectory, files.databases]) expect(readdirSync(folder)).toEqual([])
    const drafts = [`${files.roster}.0123abcd.new`, `${files.novaConf}.89abcdef.new`, `${files.secrets}.01234567.new`]
    for (const draft of drafts) writeFileSync(draft, 'half')
    mkdirSync(join(files.run, '.socket-abcdef'))
    writeFileSync(join(files.configuration, 'mine.new'), 'not ours')
    removeDrafts(files)
    expect(drafts.filter(existsSync)).toEqual([])
    expect(readdirSync(files.run)).toEqual([])
    expect(readdirSync(files.configuration).sort()).toEqual(['mine.new', 'policy.d'])
  })

  test.each(['', '{', 'null'])('whose marker or secrets hold %j says so', (text) => {
    const files = openState(place())
    writeFileSync(files.secrets, text)
    expect(() => ensureSecrets(files)).toThrow(/secrets\.json is damaged/)
    writeFileSync(files.marker, text)
    expect(() => rememberedPlace(root)).toThrow(/cloud\.json is damaged/)
  })

  test.each(['', '{'])('whose roster holds %j runs nothing', (text) => {
    const files = openState(place())
    writeFileSync(files.roster, text)
    expect(readRoster(files)).toBeUndefined()
  })

  test('is removed with everything in it', () => {
    openState(place())
    expect(removeState(root)).toBe(true)
    expect(existsSync(root)).toBe(false)
    expect(removeState(root)).toBe(false)
  })

  test('whose removal was cut short is no cloud, and the next start begins anew', () => {
    const { marker, databases, secrets } = openState(place())
    ensureSecrets({ secrets })
    writeFileSync(join(databases, 'half.sqlite'), 'x')
    writeFileSync(marker, JSON.stringify({ ...JSON.parse(readFileSync(marker, 'utf8')), leaving: true }))
    expect(rememberedPlace(root)).toBeUndefined()
    openState(place())
    expect(readdirSync(databases)).toEqual([])
    expect(readSecrets({ secrets })).toBeUndefined()
    expect(rememberedPlace(root)).toEqual(place())
  })
})

test('a file is written as a whole, and nothing else is left behind', () => {
  const path = join(folder, 'file')
  writeWhole(path, 'first')
  writeWhole(path, 'second', { mode: 0o600, durable: true })
  expect(readFileSync(path, 'utf8')).toBe('second')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readdirSync(folder)).toEqual(['file'])
})

const paths: [path: string, problem: RegExp | null][] = [
  ['/home/somebody/a project/.nova-ts', null],
  [`/${'x'.repeat(84)}`, null],
  [`/${'x'.repeat(85)}`, /too long/],
  ['/a?b', /"\?"/],
  ['/a{b}', /"\{"/],
  ['/a;b', /";"/],
  ['/a%20b', /"%"/],
]
for (const [path, problem] of paths)
  test(`the path ${path.slice(0, 40)} is ${problem ? 'refused' : 'taken'}`, () => {
    if (problem) expect(() => checkStatePath(path)).toThrow(problem)
    else checkStatePath(path)
  })

test('a directory is had by one at a time', () => {
  const files = openState(place())
  expect(isLocked(files)).toBe(false)
  const release = takeLock(files)
  expect(isLocked(files)).toBe(true)
  expect(() => takeLock(files)).toThrow(StateBusy)
  release()
  expect(isLocked(files)).toBe(false)
})

describe('secrets', () => {
  test('are made once, all different, for the owner alone', () => {
    const files = openState(place())
    const first = ensureSecrets(files)
    expect(ensureSecrets(files, { password: 'later' })).toEqual(first)
    const values = [...Object.values(first.passwords), first.metadataSecret]
    expect(new Set(values).size).toBe(values.length)
    expect(Math.min(...values.map((value) => value.length))).toBeGreaterThanOrEqual(24)
    expect(statSync(files.secrets).mode & 0o777).toBe(0o600)
  })

  test('a password that is given is for people, not for services', () => {
    const { passwords } = ensureSecrets(openState(place()), { password: 'openstack' })
    expect(passwords.admin).toBe('openstack')
    expect(passwords.demo).toBe('openstack')
    expect(passwords.nova).not.toBe('openstack')
  })
})
