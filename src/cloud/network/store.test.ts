import { expect, test } from 'vitest'
import { openShelf } from '../shelf.ts'
import type { RbacPolicy } from './documents.ts'
import { openStore } from './store.ts'

const policy = (id: string, object_id: string): RbacPolicy => ({
  id,
  object_id,
  project_id: 'one',
  object_type: 'network',
  action: 'access_as_shared',
  target_tenant: '*',
})

test('an index follows what is added, changed and removed, and what is taken back', () => {
  const store = openStore(openShelf(':memory:'))
  const { rbacPolicies: table } = store
  const held = () => ['x', 'y'].map((value) => table.by('object_id', value).map(({ id }) => id))
  expect(held()).toEqual([[], []])
  store.write(() => ['a', 'b', 'c'].map((id) => table.put(policy(id, 'x'))))
  expect(held()).toEqual([['a', 'b', 'c'], []])
  store.write(() => table.put(policy('b', 'y')))
  store.write(() => table.put({ ...policy('a', 'x'), action: 'other' }))
  expect(held()).toEqual([['a', 'c'], ['b']])
  expect(table.by('object_id', 'x')[0]!.action).toBe('other')
  store.write(() => table.remove('c'))
  expect(held()).toEqual([['a'], ['b']])
  const failing = () =>
    store.write(() => {
      table.put(policy('d', 'x'))
      table.put(policy('a', 'y'))
      table.remove('b')
      expect(held()).toEqual([['d'], ['a']])
      throw new Error('no')
    })
  expect(failing).toThrow('no')
  expect(held()).toEqual([['a'], ['b']])
})
