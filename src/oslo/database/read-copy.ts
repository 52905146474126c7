/** Reading from a copy of a database (oslo.db's slave_connection), and from the database itself while the copy cannot be reached. */
import { DatabaseUnavailable } from './errors.ts'

export interface Copy<D> {
  /** Reads with the copy, or with `original` when that does not answer. */
  read<T>(original: D, work: (from: D) => Promise<T>): Promise<T>
  /** What is open of it. */
  readonly opened: D | undefined
  close(): Promise<void>
}

/** For so long a copy that did not answer is left alone. */
const restMs = 30_000

export function copy<D extends { close(): Promise<void> }>(open: () => Promise<D>): Copy<D> {
  let opening: Promise<D> | undefined
  let opened: D | undefined
  let restUntil = 0

  async function reached(): Promise<D> {
    opening ??= open()
    try {
      opened = await opening
      return opened
    } catch (error) {
      opening = undefined
      throw error
    }
  }

  return {
    async read(original, work) {
      if (performance.now() < restUntil) return work(original)
      try {
        return await work(await reached())
      } catch (error) {
        if (!(error instanceof DatabaseUnavailable)) throw error
        restUntil = performance.now() + restMs
        return work(original)
      }
    },
    get opened() {
      return opened
    },
    close: async () => opened?.close(),
  }
}
