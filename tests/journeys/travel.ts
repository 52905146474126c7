/** How a journey goes: steps in order over a cloud of its own, told as a transcript. What follows a step that failed is skipped. */
import { rmSync } from 'node:fs'
import { type Cloud, startCloud } from '../support/cloud.ts'

export interface Trip {
  readonly cloud: Cloud
  /** A line of the transcript. */
  readonly tell: (text: string) => void
}

export type Step<Luggage> = readonly [name: string, walk: (luggage: Luggage) => Promise<void> | void]

export interface Journey<Luggage = unknown> {
  readonly title: string
  /** What keeps it from being made on this machine; it is skipped then. */
  readonly obstacle?: (tell: Trip['tell']) => Promise<string | undefined> | string | undefined
  /** What the steps share. */
  readonly pack: (trip: Trip) => Luggage
  readonly steps: readonly Step<Luggage>[]
}

export interface Count {
  passed: number
  failed: number
  skipped: number
}

/** Keeps the type of what the steps share between `pack` and the steps. */
export const journey = <Luggage>(parts: Journey<Luggage>): Journey<Luggage> => parts

export async function travel<Luggage>(name: string, { title, obstacle, pack, steps }: Journey<Luggage>): Promise<Count> {
  const count: Count = { passed: 0, failed: 0, skipped: 0 }
  const tell = (text: string) => void process.stdout.write(`${text.replace(/^/gm, '  ').trimEnd()}\n`)
  process.stdout.write(`\n== ${name}: ${title}\n`)
  const reason = await obstacle?.(tell)
  if (reason !== undefined) {
    tell(`skipped: ${reason}`)
    return { ...count, skipped: steps.length }
  }
  const cloud = await startCloud(tell)
  try {
    const luggage = pack({ cloud, tell })
    for (const [what, walk] of steps) {
      if (count.failed > 0) {
        count.skipped++
        continue
      }
      const start = performance.now()
      process.stdout.write(`\n-- ${what}\n`)
      try {
        await walk(luggage)
        count.passed++
        tell(`ok (${((performance.now() - start) / 1000).toFixed(1)} s)`)
      } catch (error) {
        count.failed++
        tell(`FAILED: ${error instanceof Error ? error.message : String(error)}`)
        tell(cloud.logs())
      }
    }
  } finally {
    await cloud.down()
    rmSync(cloud.folder, { recursive: true, force: true })
  }
  return count
}
