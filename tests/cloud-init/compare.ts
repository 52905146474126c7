/** What cloud-init found on real Nova, and where something else differs from it. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'

const folder = join(import.meta.dirname, 'recorded')

/** By guest and data source, and then by what was found. */
export type Answers = Readonly<Record<string, Readonly<Record<string, unknown>>>>

export const recordFile = (version: string): string => join(folder, `${version}.json`)

/** What a version of cloud-init found; of a version that nobody recorded another's, of which only what every version finds can be compared. */
export function recorded(version: string): { readonly answers: Answers; readonly whole: boolean } {
  const versions = readdirSync(folder).map((name) => name.replace(/\.json$/, ''))
  const whole = versions.includes(version)
  return { answers: JSON.parse(readFileSync(recordFile(whole ? version : versions.sort().at(-1)!), 'utf8')), whole }
}

/** What each version of cloud-init makes of the same answers in its own way. */
const ofVersion = ['asked', 'network_config', 'network_files', 'v1', 'sensitive']

/** Each thing that was found, with null where it is as recorded. */
export function differences(
  expected: Answers[string],
  found: Answers[string],
  whole: boolean,
): [field: string, difference: string | null][] {
  const fields = [...new Set([...Object.keys(expected), ...Object.keys(found)])].filter((field) => whole || !ofVersion.includes(field))
  return fields.map((field) => [field, difference(expected[field], found[field], field)])
}

/** The first place where they differ. */
function difference(expected: unknown, found: unknown, at: string): string | null {
  if (isDeepStrictEqual(expected, found)) return null
  if (isPlain(expected) && isPlain(found)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(found)])) {
      const inside = difference(expected[key], found[key], `${at}.${key}`)
      if (inside !== null) return inside
    }
  }
  return `${at} is ${JSON.stringify(found)}, on real Nova ${JSON.stringify(expected)}`
}

const isPlain = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
