/** Checks answers against what Nova declares of them: every answer that a test sees, at its version. */
import { firstProblem } from '../../src/api/serve/explain.ts'
import { router } from '../../src/app/router.ts'
import { str } from '../../src/oslo/python.ts'
import { type Upstream, upstream } from '../upstream/operations.ts'

const table: Record<string, Map<string, Upstream>> = {}
for (const operation of upstream) {
  const [method, route, action = ''] = operation.at.split(' ') as [string, string, string?]
  const at = `${method} ${route}`
  table[at] ??= new Map()
  table[at].set(action, operation)
}
const routes = router(table)

interface Exchange {
  readonly minor: number
  readonly method: string
  /** Below the endpoint, without query and project. */
  readonly path: string
  readonly body: unknown
  readonly answer: { readonly status: number; readonly body: unknown }
}

/** What is wrong with a successful answer, or undefined. */
export function wrongWith({ minor, method, path, body, answer }: Exchange): string | undefined {
  if (answer.status >= 300) return undefined
  const found = routes.match(method, path)
  const action = path.endsWith('/action') ? Object.keys((body ?? {}) as object)[0] : ''
  const operation = found?.value.get(action ?? '')
  if (!operation) return undefined
  const schema = operation.response(minor)
  // A null schema is for answers without a body
  const problem = schema && firstProblem(schema, answer.body)
  return (
    problem &&
    `${method} ${path} at 2.${minor}: ${problem.path.join('.')} ${problem.message.slice(0, 300)} (${str(problem.instance).slice(0, 200)})`
  )
}
