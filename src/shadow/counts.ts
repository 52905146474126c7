/** What a shadow has seen: counters, and how long both sides took. */

/** Why a read was answered to its client and not compared. */
export const lossKinds = {
  notSampled: 'not in the sample',
  hasBody: 'a read with a body',
  queueFull: 'too many waited already',
  memory: 'too much memory would have been needed',
  tooLarge: 'a larger answer than may be compared',
  clientLeft: 'the client went away before the end',
  unfinished: 'still waiting at the end',
} as const
export type Loss = keyof typeof lossKinds

export interface Counts {
  /** Requests of clients. */
  requests: number
  /** Reads among them. */
  reads: number
  /** Requests to which the real one gave no answer: clients were told 502 or 504, or their answer broke off. */
  realFailed: number
  /** Reads answered by both. */
  compared: number
  same: number
  /** Those among the same that had differed until they were asked once more: something changed between the two answers. */
  races: number
  different: number
  /** Changed each time they were asked, so that nothing can be said. */
  unsettled: number
  /** Reads to which ours gave no answer. */
  unanswered: number
  readonly dropped: Record<Loss, number>
}

export const newCounts = (): Counts => ({
  ...{ requests: 0, reads: 0, realFailed: 0, compared: 0, same: 0, races: 0, different: 0, unsettled: 0, unanswered: 0 },
  dropped: Object.fromEntries(Object.keys(lossKinds).map((kind) => [kind, 0])) as Record<Loss, number>,
})

export interface Quantiles {
  readonly count: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

export interface Latencies {
  add(ms: number): void
  /** In milliseconds, of the last ten thousand. */
  quantiles(): Quantiles
  /** How many took up to each bound, and their sum, of all; for Prometheus. */
  histogram(): { readonly buckets: readonly (readonly [seconds: number, count: number])[]; readonly sum: number; readonly count: number }
}

const kept = 10_000
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

export function latencies(): Latencies {
  const last = new Float64Array(kept)
  const below = bounds.map(() => 0)
  let [count, sum] = [0, 0]
  return {
    add(ms) {
      last[count % kept] = ms
      count++
      sum += ms / 1000
      for (const [index, bound] of bounds.entries()) if (ms / 1000 <= bound) below[index]!++
    },
    quantiles() {
      const sorted = last.slice(0, Math.min(count, kept)).sort()
      const at = (part: number) => Math.round((sorted[Math.ceil(sorted.length * part) - 1] ?? 0) * 10) / 10
      return { count, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) }
    },
    histogram: () => ({ buckets: bounds.map((bound, index) => [bound, below[index]!]), sum, count }),
  }
}
