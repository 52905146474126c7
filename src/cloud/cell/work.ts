/** Who waits for whom: one thing at a time per server, and which servers are being worked on at all. */

export interface Work {
  /** Runs what has the same key one after another, first come, first served. */
  inTurn<T>(key: string, run: () => Promise<T>): Promise<T>
  /** From this call until `run` has ended, these servers are being worked on. */
  on<T>(servers: readonly string[], run: () => Promise<T>): Promise<T>
  isBusy(server: string): boolean
  /** Resolves when nothing is being worked on. */
  idle(): Promise<void>
}

export function openWork(): Work {
  const tails = new Map<string, Promise<unknown>>()
  const busy = new Map<string, number>()
  const running = new Set<Promise<unknown>>()

  return {
    inTurn(key, run) {
      const before = tails.get(key) ?? Promise.resolve()
      const mine = before.then(run, run)
      tails.set(key, mine)
      const done = () => {
        if (tails.get(key) === mine) tails.delete(key)
      }
      mine.then(done, done)
      return mine
    },
    on(servers, run) {
      for (const server of servers) busy.set(server, (busy.get(server) ?? 0) + 1)
      const ended = () => {
        running.delete(mine)
        for (const server of servers) {
          const left = busy.get(server)! - 1
          if (left > 0) busy.set(server, left)
          else busy.delete(server)
        }
      }
      const mine = run().finally(ended)
      running.add(mine)
      return mine
    },
    isBusy: (server) => busy.has(server),
    async idle() {
      while (running.size > 0) await Promise.allSettled(running)
    },
  }
}
