/** Serves an application under a prefix, as SCRIPT_NAME does in WSGI: `/compute/v2.1` is `/v2.1` to it, and its links begin with `/compute`. */
import type { Filter } from '../app/contract.ts'
import { withParts } from '../app/request.ts'

/** What does not begin with the prefix goes on as it is, so that a health check on `/` works with and without the server in front. */
export function mount(prefix: string): Filter {
  const clean = prefix.replace(/\/+$/, '')
  if (clean === '') return (app) => app
  return (app) =>
    async function mount(request) {
      const { path, scriptName } = request
      if (path !== clean && !path.startsWith(`${clean}/`)) return app(request)
      return app(withParts(request, { scriptName: scriptName + clean, path: path.slice(clean.length) }))
    }
}
