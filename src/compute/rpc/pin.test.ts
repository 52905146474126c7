import { describe, expect, test } from 'vitest'
import { fitting } from './compute.ts'
import { checkUpgradeSettings, computePin, pinned, unpinned } from './pin.ts'

type Cells = Parameters<typeof computePin>[1]

/** Cells whose oldest computes have these versions; null: none, an error: does not answer. */
function cells(...oldest: (number | null | Error)[]): Cells & { asked: number } {
  const found = {
    asked: 0,
    async gather() {
      found.asked++
      return oldest.map((value, id) => (value instanceof Error ? { cell: { id }, error: value } : { cell: { id }, value }))
    },
  }
  return found as unknown as Cells & { asked: number }
}
const none = { compute: null, scheduler: null }

describe('what the pin is', () => {
  const rows: [compute: string | null, oldest: (number | null)[], version: string][] = [
    [null, [68], '6.5'],
    ['6.1', [], '6.1'],
    ['epoxy', [], '6.4'],
    ['gazpacho', [], '6.5'],
    ['victoria', [], '5.12'],
    ['auto', [72], '6.5'],
    ['auto', [71], '6.5'],
    ['auto', [70], '6.4'],
    ['auto', [68], '6.4'],
    ['auto', [67], '6.3'],
    ['auto', [72, 66], '6.2'],
    ['auto', [65, null], '6.1'],
    ['auto', [56], '6.0'],
    ['auto', [55], '5.13'],
    ['auto', [30], '5.0'],
    ['auto', [], '6.5'],
    ['auto', [null], '6.5'],
  ]
  for (const [compute, oldest, version] of rows)
    test(`${compute} with ${oldest.join(' and ') || 'no cells'} → ${version}`, async () =>
      expect((await computePin({ ...none, compute }, cells(...oldest))()).version).toBe(version))
})

describe('auto', () => {
  const auto = { ...none, compute: 'auto' }
  test('asks once, however many want to know', async () => {
    const house = cells(70)
    const pin = computePin(auto, house)
    await Promise.all([pin(), pin(), pin()])
    await pin()
    expect(house.asked).toBe(1)
  })
  test('asks again while there are no computes', async () => {
    const house = cells(null)
    const pin = computePin(auto, house)
    await pin()
    await pin()
    expect(house.asked).toBe(2)
  })
  test('leaves out cells that are down', async () => expect((await computePin(auto, cells(new Error('down'), 67))()).version).toBe('6.3'))
  test('refuses when all computes are newer than this release', async () => {
    await computePin(auto, cells(72))()
    await expect(computePin(auto, cells(73))()).rejects.toThrow('This service is older (v72) than the minimum (v73)')
  })
})

describe('pins that cannot be are refused at the start', () => {
  const rows: [settings: object, refused: RegExp | null][] = [
    [{ compute: 'auto' }, null],
    [{ compute: '5.0' }, null],
    [{ compute: 'flamingo' }, null],
    [{ compute: 'hippo' }, /\[upgrade_levels\] compute: 'hippo' is neither/],
    [{ compute: '4.21' }, /versions 5 and 6, not 4.21/],
    [{ scheduler: '4.1' }, null],
    [{ scheduler: 'pike' }, null],
    [{ scheduler: '4.0' }, /\[upgrade_levels\] scheduler: .* not in 4.0/],
  ]
  for (const [settings, refused] of rows)
    test(JSON.stringify(settings), () => {
      const check = () => checkUpgradeSettings({ ...none, ...settings })
      if (refused) expect(check).toThrow(refused)
      else expect(check).not.toThrow()
    })
})

describe('what is sent', () => {
  const rows: [pin: string, method: string, version: string, args: string[]][] = [
    ['6.5', 'stop_instance', '6.0', ['instance']],
    ['6.0', 'stop_instance', '6.0', ['instance']],
    ['5.13', 'stop_instance', '5.0', ['instance']],
    ['6.0', 'shelve_instance', '6.0', ['instance', 'accel_uuids']],
    ['5.13', 'shelve_instance', '5.13', ['instance', 'accel_uuids']],
    ['5.12', 'shelve_instance', '5.0', ['instance']],
    ['5.2', 'revert_resize', '5.2', ['instance', 'request_spec']],
    ['5.1', 'revert_resize', '5.0', ['instance']],
    ['6.4', 'allow_share', '6.4', ['instance']],
  ]
  for (const [pin, method, version, names] of rows)
    test(`${method} under ${pin}`, () => {
      const given = Object.fromEntries(
        [
          ...new Set([
            ...names,
            ...(method === 'shelve_instance' ? ['accel_uuids'] : []),
            ...(method === 'revert_resize' ? ['request_spec'] : []),
          ]),
        ].map((name) => [name, name]),
      )
      const fit = fitting(pinned(pin), method, given)
      expect([fit.version, Object.keys(fit.args)]).toEqual([version, names])
    })
  test('nothing that the computes do not know', () =>
    expect(() => fitting(pinned('6.3'), 'deny_share', {})).toThrow('Unsupported RPC version for deny_share. Required >= 6.4'))
  test('everything without a pin', () => expect(fitting(unpinned, 'allow_share', {}).version).toBe('6.4'))
})
