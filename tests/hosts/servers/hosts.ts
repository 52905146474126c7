/** A host that a run puts to the cases: what it needs, how it starts, and what it is known to do in its own way. */
import type { Target } from '../cases.ts'
import type { Started } from './processes.ts'

export interface Setting {
  /** For files of this host alone. */
  readonly folder: string
  /** Ports of its own, from this one on. */
  readonly port: number
  /** Our host behind it, as `nova-ts host` serves it. */
  readonly own: { readonly http: number; readonly uwsgi: string }
  /** The folder of npm packages that a run installed. */
  readonly packages: string
}

export interface Host {
  readonly name: string
  /** Commands or files that must be there; without them its cases are skipped. */
  readonly needs?: readonly string[]
  readonly start: (setting: Setting) => Promise<{ readonly target: Omit<Target, 'name'>; readonly running: readonly Started[] }>
}
