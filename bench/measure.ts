/** What a kind of request costs the processes that answer it: CPU, in rounds in which all take turns. */
import type { Case } from './cases.ts'
import type { Answer } from './http.ts'
import { cpuMs, residentMb } from './process.ts'
import type { Side } from './sides.ts'

/** Medians of the rounds. */
export interface Measured {
  readonly what: string
  readonly budget: number | undefined
  /** Milliseconds of CPU for an answer, and MB afterwards, in the order of the sides. */
  readonly sides: readonly { readonly ms: number; readonly mb: number }[]
  /** Milliseconds; undefined without a floor, or where it does not have the request. */
  readonly floorMs: number | undefined
}

/** `floor`: the process of the floor, when there is one. */
export async function measure(one: Case, sides: readonly Side[], floor: number | undefined, rounds: number): Promise<Measured> {
  const { what, times, warm, service, floor: least, ours, budget } = one
  const costs = sides.map((): number[] => [])
  const floorCosts: number[] = []
  for (let round = 0; round < rounds; round++) {
    const unmeasured = round === 0 ? warm : 0
    for (const [index, side] of sides.entries()) costs[index]!.push(await cost(side[service].pid, times, (i) => ours(side, i), unmeasured))
    if (floor !== undefined && least) floorCosts.push(await cost(floor, times, least, unmeasured))
  }
  return {
    what,
    budget,
    sides: sides.map((side, index) => ({ ms: median(costs[index]!), mb: residentMb(side[service].pid) })),
    floorMs: floorCosts.length > 0 ? median(floorCosts) : undefined,
  }
}

/** Milliseconds of CPU that each of `times` takes in a process, after some that do not count. */
async function cost(pid: number, times: number, work: (i: number) => Promise<Answer>, warm: number): Promise<number> {
  const once = async (i: number) => {
    const { status, bytes } = await work(i)
    if (status >= 300) throw new Error(`${status}: ${bytes.toString().slice(0, 300)}`)
  }
  for (let i = 0; i < warm; i++) await once(i)
  const before = cpuMs(pid)
  for (let i = 0; i < times; i++) await once(i)
  return (cpuMs(pid) - before) / times
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
