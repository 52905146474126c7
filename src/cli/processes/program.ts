/** The life of a process that the supervisor started: it says when it can serve, and ends when it is told to or when the supervisor is gone. */
import { flushCompileCache } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import type { Place } from '../../cloud/places.ts'
import { heapGrowthPercent } from '../frugal.ts'

/** What a process of the cloud is: starts, and returns what stops it. */
export type Program = (place: Place) => Promise<{ close(): Promise<void> }>

/** What the supervisor hears. */
export type Word = { readonly ready: true } | { readonly failed: string }

/** Saved when the start is over, so that it does not slow it down; a process that is killed saves nothing. */
const saveAfterMs = 500
/** Longest that closing may take. */
const closeMs = 4000

export async function runProgram(program: Program, place: Place): Promise<void> {
  setFlagsFromString(`--heap-growing-percent=${heapGrowthPercent}`)
  let running: { close(): Promise<void> } | undefined
  let ending = false

  async function end(): Promise<void> {
    if (ending) return
    ending = true
    setTimeout(() => process.exit(1), closeMs).unref()
    await running?.close()
    process.exit(0)
  }
  process.on('SIGTERM', end)
  // A terminal sends it to all processes at once; the supervisor decides.
  process.on('SIGINT', () => undefined)
  process.on('disconnect', end)
  // nobody tells again of a supervisor that was killed while this was loaded
  if (!process.connected) return end()

  try {
    running = await program(place)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    await say({ failed: error instanceof Error ? error.message : String(error) })
    process.exit(1)
  }
  await say({ ready: true })
  setTimeout(flushCompileCache, saveAfterMs).unref()
}

const say = (word: Word): Promise<void> =>
  new Promise((resolve) => {
    if (process.send && process.connected) process.send(word, undefined, {}, () => resolve())
    else resolve()
  })
