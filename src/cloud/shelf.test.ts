import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openShelf } from './shelf.ts'

interface Thing {
  id: string
  name: string
}

test('what was written is there after opening again, in its order', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'shelf-')), 'things.sqlite')
  const first = openShelf(file)
  const things = first.collection<Thing>('things')
  first.write(() => ['b', 'a', 'c'].forEach((id) => void things.put({ id, name: id })))
  first.write(() => things.put({ id: 'b', name: 'changed' }))
  first.write(() => things.remove('a'))
  first.close()
  expect(openShelf(file).collection<Thing>('things').all()).toEqual([
    { id: 'b', name: 'changed' },
    { id: 'c', name: 'c' },
  ])
})

test('a write that throws leaves nothing', () => {
  const shelf = openShelf(':memory:')
  const things = shelf.collection<Thing>('things')
  shelf.write(() => things.put({ id: 'a', name: 'kept' }))
  const before = things.all()
  expect(() =>
    shelf.write(() => {
      things.put({ id: 'b', name: 'new' })
      things.remove('a')
      things.put({ id: 'b', name: 'newer' })
      throw new Error('no')
    }),
  ).toThrow('no')
  expect(things.all()).toEqual(before)
})

test('a change outside a write is refused', () => {
  const things = openShelf(':memory:').collection<Thing>('things')
  expect(() => things.put({ id: 'a', name: 'a' })).toThrow('outside a write')
})

test('an index follows what is added, changed and removed, and what is taken back', () => {
  const shelf = openShelf(':memory:')
  const things = shelf.collection<Thing>('things')
  const held = () => ['x', 'y'].map((name) => things.by('name', name).map(({ id }) => id))
  expect(held()).toEqual([[], []])
  shelf.write(() => ['a', 'b', 'c'].map((id) => things.put({ id, name: 'x' })))
  expect(held()).toEqual([['a', 'b', 'c'], []])
  shelf.write(() => things.put({ id: 'b', name: 'y' }))
  expect(held()).toEqual([['a', 'c'], ['b']])
  shelf.write(() => things.remove('c'))
  expect(held()).toEqual([['a'], ['b']])
  const failing = () =>
    shelf.write(() => {
      things.put({ id: 'd', name: 'x' })
      things.put({ id: 'a', name: 'y' })
      things.remove('b')
      expect(held()).toEqual([['d'], ['a']])
      throw new Error('no')
    })
  expect(failing).toThrow('no')
  expect(held()).toEqual([['a'], ['b']])
})
