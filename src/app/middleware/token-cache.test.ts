import { describe, expect, test } from 'vitest'
import { tokenCache } from './token-cache.ts'

/** Keeps what it is told in a map. */
function house(strategy: 'None' | 'MAC' | 'ENCRYPT' = 'None', secret = 's3cret') {
  const kept = new Map<string, { value: Buffer; seconds: number }>()
  const reports: string[] = []
  const memcached = {
    get: async (key: string) => kept.get(key)?.value,
    set: async (key: string, value: Buffer, seconds: number) => void kept.set(key, { value, seconds }),
    remove: async () => undefined,
    close: () => undefined,
  }
  const cache = tokenCache({ memcached, strategy, secret, seconds: 300, report: (error) => reports.push(String(error)) })
  return { cache, kept, reports }
}

const body = { token: { user: { name: 'ann' } } }
const stored = { token: { user: { name: 'ann' }, version: 'v3', auth_token: 'gAAAA-token' } }

for (const strategy of ['None', 'MAC', 'ENCRYPT'] as const)
  test(`${strategy}: there and back`, async () => {
    const { cache, kept } = house(strategy)
    expect(await cache.get('gAAAA-token')).toBeUndefined()
    await cache.set('gAAAA-token', body)
    expect(await cache.get('gAAAA-token')).toEqual(stored)
    expect(await cache.get('another')).toBeUndefined()
    expect([...kept.values()][0]!.seconds).toBe(300)
    expect([...kept.values()][0]!.value.includes('ann')).toBe(strategy === 'None')
    expect([...kept.keys()][0]).not.toContain('gAAAA')
  })

describe('what keystonemiddleware writes is read', () => {
  // made with keystonemiddleware/auth_token/_memcache_crypt.py, the random start of the encryption being the bytes from 0 to 15
  const text = '{"token": {"user": {"name": "ann"}}}'
  const rows: ['None' | 'MAC' | 'ENCRYPT', key: string, value: string][] = [
    ['None', 'tokens/KEY', text],
    [
      'MAC',
      "tokens/b'rgu2tURx5waeki3zR/4Klw=='",
      'ROHp0FyFnbPs6ekoetsNt0FpYtEC/sO+019EH0YVzDe4Ckk7aQseR/u6kx9nJpjJeyJ0b2tlbiI6IHsidXNlciI6IHsibmFtZSI6ICJhbm4ifX19',
    ],
    [
      'ENCRYPT',
      "tokens/b'd2v0RWacpo2yrc72EQCGoA=='",
      'WKuyd0Y7t+olluOVvosHdPPGkHfdo86dpjtBxP+h3ryPoT3ctw4C1ajB7uNUrR29AAECAwQFBgcICQoLDA0OD0jn9cUJ0guvGjGa1VBJTyZHob3ZdYEjCPv1nzf+C3UfQuukGPD2fz0d+aMTJ+qJ4Q==',
    ],
  ]
  for (const [strategy, key, value] of rows)
    test(strategy, async () => {
      const { cache, kept } = house(strategy)
      await cache.set('gAAAA-token', body)
      if (key.endsWith('KEY')) expect([...kept.keys()][0]).toMatch(/^tokens\/[0-9a-f]{64}$/)
      else expect([...kept.keys()]).toEqual([key])
      kept.set([...kept.keys()][0]!, { value: Buffer.from(value), seconds: 300 })
      expect(await cache.get('gAAAA-token')).toEqual(body)
    })

  test('pairs of body and expiry, as they were once', async () => {
    const { cache, kept } = house()
    await cache.set('t', body)
    kept.set([...kept.keys()][0]!, { value: Buffer.from(JSON.stringify([body, '2026-01-01'])), seconds: 300 })
    expect(await cache.get('t')).toEqual(body)
  })
})

describe('what cannot be believed is not there, and is told', () => {
  const spoiled: [what: string, strategy: 'None' | 'MAC' | 'ENCRYPT', spoil: (value: Buffer) => Buffer][] = [
    ['no JSON', 'None', () => Buffer.from('{')],
    ['a changed byte', 'MAC', (value) => Buffer.concat([value.subarray(0, -1), Buffer.from('!')])],
    ['a changed signature', 'MAC', (value) => Buffer.concat([Buffer.from('A'), value.subarray(1)])],
    ['a short one', 'MAC', (value) => value.subarray(0, 10)],
    ['nothing', 'ENCRYPT', () => Buffer.alloc(0)],
    ['a changed byte of what is encrypted', 'ENCRYPT', (value) => Buffer.concat([value.subarray(0, -4), Buffer.from('AAA=')])],
  ]
  for (const [what, strategy, spoil] of spoiled)
    test(`${strategy}: ${what}`, async () => {
      const { cache, kept, reports } = house(strategy)
      await cache.set('t', body)
      const [[key, entry]] = [...kept] as [[string, { value: Buffer; seconds: number }]]
      kept.set(key, { ...entry, value: spoil(entry.value) })
      expect(await cache.get('t')).toBeUndefined()
      expect(reports).toHaveLength(1)
    })

  test('written with another secret', async () => {
    const [one, other] = [house('MAC', 'a'), house('MAC', 'b')]
    await one.cache.set('t', body)
    await other.cache.set('t', body)
    expect([...one.kept.keys()]).not.toEqual([...other.kept.keys()])
    other.kept.set([...other.kept.keys()][0]!, [...one.kept.values()][0]!)
    expect(await other.cache.get('t')).toBeUndefined()
  })
})
