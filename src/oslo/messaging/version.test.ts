import { expect, test } from 'vitest'
import { isCompatible } from './version.ts'

const rows: [implemented: string, requested: string, compatible: boolean][] = [
  ['6.4', '6.4', true],
  ['6.4', '6.0', true],
  ['6.4', '6.5', false],
  ['6.4', '5.4', false],
  ['6.4', '7.0', false],
  ['1.10', '1.9', true],
  ['1.9', '1.10', false],
  ['1.2.3', '1.2.3', true],
  ['1.2.3', '1.2.4', false],
  ['1.2', '1.2.1', false],
  ['1.3', '1.2.9', true],
  ['1.0', 'latest', false],
  ['1.0', '1', false],
]
for (const [implemented, requested, compatible] of rows)
  test(`${implemented} serves ${requested}: ${compatible}`, () => expect(isCompatible(implemented, requested)).toBe(compatible))
