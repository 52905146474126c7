/** A command line that cannot be followed; told to whoever wrote it, without a stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** What a command needs of the world: tests bring their own. */
export interface Terminal {
  /** Lines for people or for a shell. */
  readonly out: (text: string) => void
  /** Complaints, and what is no answer. */
  readonly err: (text: string) => void
  readonly env: Readonly<Record<string, string | undefined>>
  /** The program and its first arguments that run this command again, for the processes of a cloud. */
  readonly self: readonly [program: string, ...string[]]
}

/** Returns the exit status. */
export type Command = (argv: readonly string[], terminal: Terminal) => Promise<number>

/** A command that was understood and cannot be carried out; told to whoever gave it, without a stack. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}
