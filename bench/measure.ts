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

export interface Extent {
  readonly rounds: number
  /** How many requests are under way at once. */
  readonly connections: number
}

/** `floor`: the process of the floor, when there is one. */
export async function measure(
  one: Case,
  sides: readonly Side[],
  floor: number | undefined,
  { rounds, connections }: Extent,
): Promise<Measured> {
  const { what, times, warm, service, floor: least, ours, budget } = one
  const costs = sides.map((): number[] => [])
  const floorCosts: number[] = []
  for (let round = 0; round < rounds; round++) {
    const unmeasured = round === 0 ? warm : 0
    for (const [index, side] of sides.entries())
      costs[index]!.push(await cost(side[service].pid, { times, warm: unmeasured, connections }, (i) => ours(side, i)))
    if (floor !== undefined && least) floorCosts.push(await cost(floor, { times, warm: unmeasured, connections }, least))
  }
  return {
    what,
    budget,
    sides: sides.map((side, index) => ({ ms: median(costs[index]!), mb: residentMb(side[service].pid) })),
    floorMs: floorCosts.length > 0 ? median(floorCosts) : undefined,
  }
}

/** Milliseconds of CPU that each of `times` takes in a process, after some that do not count. */
async function cost(
  pid: number,
  { times, warm, connections }: { times: number; warm: number; connections: number },
  work: (i: number) => Promise<Answer>,
): Promise<number> {
  const once = async (i: number) => {
    const { status, bytes } = await work(i)
    if (status >= 300) throw new Error(`${status}: ${bytes.toString().slice(0, 300)}`)
  }
  const many = async (count: number) => {
    let begun = 0
    const line = async () => {
      while (begun < count) await once(begun++)
    }
    await Promise.all(Array.from({ length: connections }, line))
  }
  await many(warm)
  const before = cpuMs(pid)
  await many(times)
  return (cpuMs(pid) - before) / times
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
