/** Sets of processors as operators and images write them: `1-4,^3,6`. */
import { InvalidField } from '../../oslo/objects/errors.ts'

/** More numbers than any host has processors: a range above it is a mistake, and must not fill the memory. */
const most = 65_536

/** The numbers in ascending order. Throws an `InvalidField`. nova/virt/hardware.py parse_cpu_spec */
export function parseCpuSpec(spec: string): number[] {
  const wanted = new Set<number>()
  const unwanted = new Set<number>()
  for (const part of spec.split(',')) {
    const rule = part.trim()
    if (rule === '') continue
    const target = rule.startsWith('^') ? unwanted : wanted
    for (const number of numbersOf(rule)) target.add(number)
  }
  return [...wanted].filter((number) => !unwanted.has(number)).sort((a, b) => a - b)
}

function numbersOf(rule: string): number[] {
  const found = /^\^?\s*(\d+)\s*(?:(-)\s*(\d+)\s*)?$/.exec(rule)
  const first = Number(found?.[1])
  const last = Number(found?.[3] ?? found?.[1])
  if (!found || last < first || last - first >= most) {
    const what = rule.includes('-') ? 'range' : rule.startsWith('^') ? 'exclusion' : 'inclusion'
    throw new InvalidField('cpu spec', `Invalid ${what} expression '${rule}'`)
  }
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}
