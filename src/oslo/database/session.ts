/** One connection to a database server, as `server-driver.ts` uses it; each engine's driver makes them. */
import type { Pooled } from './pool.ts'

export interface Answer {
  readonly rows: readonly unknown[]
  /** Rows that a statement changed, or would have had they been different before. */
  readonly affected: bigint | undefined
  readonly insertId: bigint | undefined
}

/** Errors are those of `errors.ts` where one fits: ConnectionLost for one that broke, and then `lost` is true. */
export interface Session extends Pooled {
  run(sql: string, parameters: readonly unknown[]): Promise<Answer>
  /** Cuts the connection without a word; what is under way rejects. */
  destroy(): void
}

/** Runs `work`, cut off when it takes longer than `seconds`: what an answer that comes later would belong to, nobody could tell. */
export function within<T>(session: Pick<Session, 'destroy'>, seconds: number, late: () => Error, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(late())
      session.destroy()
    }, seconds * 1000)
    work().then(
      (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      (error: unknown) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}
