/** What Nova asks of Keystone beyond tokens. */
import type { RequestContext } from '../oslo/context.ts'

export interface Keystone {
  /** Whether a project is there: `unknown` when Keystone does not tell the caller, `unreachable` when the catalogue does not name it. */
  project(context: RequestContext, projectId: string): Promise<'present' | 'absent' | 'unknown' | 'unreachable'>
}
