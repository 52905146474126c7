/** What a host adds to every answer, the one path that it answers itself, and what it answers for an application that cannot. */
import { type Filter, text } from '../app/contract.ts'

/** Adds headers behind those of the application, as uWSGI's `add-header`. */
export const addHeaders = (headers: readonly (readonly [string, string])[]): Filter =>
  headers.length === 0
    ? (app) => app
    : (app) =>
        async function addHeaders(request) {
          const response = await app(request)
          return { ...response, headers: [...response.headers, ...headers.map(([name, value]): [string, string] => [name, value])] }
        }

/** For load balancers: 200 while requests are welcome, 503 once the process is about to end, though it still answers. */
export const healthPath = (path: string | null, leaving: () => boolean): Filter =>
  path === null
    ? (app) => app
    : (app) =>
        async function healthPath(request) {
          if (request.path !== path || (request.method !== 'GET' && request.method !== 'HEAD')) return app(request)
          return leaving() ? text(503, 'LEAVING\n') : text(200, 'OK\n')
        }

/** Answers 500 for an application that throws, and tells `report` why. Applications answer their own errors: this is for those of third parties. */
export const lastResort =
  (report: (error: unknown) => void): Filter =>
  (app) =>
    async function lastResort(request) {
      try {
        return await app(request)
      } catch (error) {
        if (!request.signal?.aborted) report(error)
        return text(500, 'Internal Server Error\n')
      }
    }
