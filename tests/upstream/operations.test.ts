import { expect, test } from 'vitest'
import { newest } from '../../src/api/spec/history.ts'
import { compare, elsewhere, ours } from './compare.ts'
import { upstream } from './operations.ts'

test('we have every operation that Nova has, and no other', () => {
  expect([...ours.keys()].sort()).toEqual(upstream.map(({ at }) => at).sort())
  // The redirect from an endpoint to its root is no operation of its own
  const gone = upstream.filter(({ removed }) => removed).length
  expect({ live: upstream.length - gone, gone }).toEqual({ live: 211, gone: 54 })
})

for (const operation of upstream.filter(({ at }) => !elsewhere.has(at)))
  test(operation.at, () => {
    for (let minor = 1; minor <= newest; minor++) {
      const at = operation.boundaries.includes(minor) ? compare(operation, minor) : compare(operation, minor).slice(0, 1)
      for (const { what, have, want } of at) expect([minor, what, have]).toEqual([minor, what, want])
    }
    if (operation.removed || operation.since !== 1) return
    for (const { what, have, want } of compare(operation, 0)) expect([0, what, have]).toEqual([0, what, want])
  })
