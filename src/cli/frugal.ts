/** How processes that serve are run, in a cloud on somebody's laptop and for operators: with small heaps, for there are several of them. */

/** Of a cloud's processes the old part of the heap is cleared when it has grown by so many percent: V8 would let it double, and more (docs/decisions/0002). */
export const heapGrowthPercent = 40

/** Options of Node for the processes of a cloud. A young heap of 6 MB instead of 48 costs a tenth of the work, and more of large pages. */
export const frugalNode: readonly string[] = ['--max-semi-space-size=2']

/**
 * Options for `nova-ts host`, where large pages count: one of 1,000 servers costs 1.6 times as much when the young heap has half of these 48 MB. Of the old
 * one V8 would let 256 MB come together before it looks for the first time what is still needed, and a multiple of that later. Maglev, the
 * compiler before the last, leaves up to 30 MB behind in malloc that nothing gives back; once the last has been at work, answers cost the same without
 * it (docs/decisions/0004).
 */
const servingNode: readonly string[] = [
  '--no-maglev',
  '--max-semi-space-size=16',
  '--initial-old-space-size=36',
  '--heap-growing-percent=100',
]

/** glibc keeps a heap for each thread and what is freed in it: 15 MB more for each process, and nothing is faster for it. */
export const frugalHeap = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '131072' }

/** The environment of a process that is run so; what an operator has set there stays. */
export const frugalEnvironment = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({ ...frugalHeap, ...env })

/** The arguments of Node for a process that serves: none when an operator has sized its heap (NODE_OPTIONS). */
export function servingArguments({ env, execArgv }: Pick<NodeJS.Process, 'env' | 'execArgv'> = process): readonly string[] {
  return /semi-space|initial-old-space|heap-growing/.test([...execArgv, env.NODE_OPTIONS ?? ''].join(' ')) ? [] : servingNode
}

/**
 * Starts this process again with these arguments, which cannot be had later: same number, same standard streams. Does nothing when it has them, or when
 * systemd has handed over sockets, which would be closed.
 */
export function becomeServing([, script]: readonly [string, ...string[]], argv: readonly string[]): void {
  const { env, execArgv, execPath } = process
  const added = servingArguments()
  if (added.length === 0 || env.LISTEN_FDS !== undefined || script === undefined || !process.execve) return
  process.execve(execPath, [execPath, ...execArgv, ...added, script, ...argv], frugalEnvironment(env))
}
