import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { parseRule, references } from '../oslo/policy/check.ts'
import { policies, type RuleName } from './policies.ts'

/** Of the sorted lines [name, check, scopes, older name and check] that Nova 33.0.2 registers. */
const registered = 'e0b7b523db5cf1cbdf77bf4b59c6630f89bf5c3632ae460f68e501e61adc8828'

describe("Nova's rules", () => {
  test('are those of the release', () => {
    const lines = policies.map(({ name, check, scopes, deprecated }) =>
      JSON.stringify([name, check, scopes ?? null, deprecated ? [deprecated.name, deprecated.check] : null]),
    )
    expect(lines.length).toBe(214)
    expect(createHash('sha256').update(lines.sort().join('\n')).digest('hex')).toBe(registered)
  })
  test('have names of their own', () => expect(new Set(policies.map(({ name }) => name)).size).toBe(214))
  test('refer to each other only', () => {
    const names = new Set<string>(policies.map(({ name }) => name))
    const checks = policies.flatMap(({ check, deprecated }) => [check, ...(deprecated ? [deprecated.check] : [])])
    expect(checks.flatMap((check) => references(parseRule(check))).filter((name) => !names.has(name))).toEqual([])
  })
  test('have names that the compiler knows', () => {
    const right: RuleName[] = ['context_is_admin', 'os_compute_api:servers:index', 'os_compute_api:os-rescue', 'os_compute_api:limits']
    // @ts-expect-error no such rule
    const wrong: RuleName = 'os_compute_api:servers:idnex'
    expect(policies.filter(({ name }) => right.includes(name) || name === wrong).length).toBe(right.length)
  })
})
