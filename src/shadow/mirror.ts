/** Asks ours what the real one was asked, a few at a time and behind a queue that has an end, and finds out whether they really differ. */
import { type Answer, type AnswerDifferences, compareAnswers } from './compare/answers.ts'
import type { Counts, Latencies } from './counts.ts'
import { ask, NoAnswer, type Question, type Side } from './side.ts'

/** A read of a client, and what the real one answered it. */
export interface Read {
  readonly question: Question
  /** See compare/route.ts. */
  readonly route: string
  readonly answer: Answer
  /** To be called once, when the answer is not needed any more. */
  readonly release: () => void
}

export type Verdict =
  | {
      readonly kind: 'different'
      readonly read: Read
      readonly real: Answer
      readonly ours: Answer
      readonly found: AnswerDifferences
      readonly lasting: boolean
    }
  | { readonly kind: 'unanswered'; readonly read: Read; readonly error: NoAnswer }

export interface MirrorParts {
  readonly real: Side
  readonly ours: Side
  readonly settings: {
    readonly concurrency: number
    readonly queue: number
    readonly oursSeconds: number
    readonly realSeconds: number
    readonly largestBytes: number
  }
  readonly counts: Counts
  readonly oursTook: Latencies
  readonly tell: (verdict: Verdict) => void
}

export interface Mirror {
  /** Never waits. */
  offer(read: Read): void
  waiting(): number
  /** Resolves when nothing waits or runs, or after that time; what is left then is dropped. */
  finish(ms: number): Promise<void>
}

/** A thing that changes each time it is looked at is looked at so often. */
const rounds = 3

export function mirror({ real, ours, settings, counts, oursTook, tell }: MirrorParts): Mirror {
  const queue: Read[] = []
  let running = 0
  let over = false
  let idle: (() => void) | undefined

  function next(): void {
    while (running < settings.concurrency && queue.length > 0) {
      const read = queue.shift()!
      running++
      settle(read)
        .catch((error: unknown) => {
          if (over) return
          counts.unanswered++
          const unforeseen = new NoAnswer('ERROR', error instanceof Error ? error.message : String(error), error)
          tell({ kind: 'unanswered', read, error: error instanceof NoAnswer ? error : unforeseen })
        })
        .finally(() => {
          read.release()
          running--
          next()
        })
    }
    if (running === 0 && queue.length === 0) idle?.()
  }

  const askOurs = async (question: Question): Promise<Answer> => {
    const answer = await ask(ours, question, { ms: settings.oursSeconds * 1000, largestBytes: settings.largestBytes })
    oursTook.add(answer.ms)
    return answer
  }
  /** Undefined when it does not say: then nothing can be said either. */
  const askReal = (question: Question): Promise<Answer | undefined> =>
    ask(real, question, { ms: settings.realSeconds * 1000, largestBytes: settings.largestBytes }).catch(() => undefined)

  /** Two answers differ when the real one says the same before and after ours said something else. */
  async function settle(read: Read): Promise<void> {
    const { question, route } = read
    let before = read.answer
    for (let round = 1; round <= rounds; round++) {
      const its = await askOurs(question)
      if (over) return
      if (round === 1) counts.compared++
      const found = compareAnswers(before, its, route)
      if (!found) return same(round > 1)
      const after = await askReal(question)
      if (over) return
      if (!after) break
      if (!compareAnswers(before, after, route)) return different({ read, real: before, ours: its, found })
      if (!compareAnswers(after, its, route)) return same(true)
      before = after
    }
    counts.unsettled++
  }

  function same(raced: boolean): void {
    counts.same++
    if (raced) counts.races++
  }

  async function different(what: Omit<Extract<Verdict, { kind: 'different' }>, 'kind' | 'lasting'>): Promise<void> {
    const later = await askOurs(what.read.question).catch(() => undefined)
    if (over) return
    counts.different++
    tell({ kind: 'different', ...what, lasting: later === undefined || compareAnswers(what.real, later, what.read.route) !== undefined })
  }

  return {
    offer(read) {
      if (over || queue.length >= settings.queue) {
        counts.dropped[over ? 'unfinished' : 'queueFull']++
        read.release()
        return
      }
      queue.push(read)
      next()
    },
    waiting: () => queue.length + running,
    async finish(ms) {
      if (running > 0 || queue.length > 0) {
        const { promise, resolve } = Promise.withResolvers<void>()
        idle = resolve
        const timer = setTimeout(resolve, ms)
        await promise
        clearTimeout(timer)
      }
      over = true
      counts.dropped.unfinished += queue.length + running
      for (const read of queue.splice(0)) read.release()
    },
  }
}
