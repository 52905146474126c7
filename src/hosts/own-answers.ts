/** What a host adds to every answer, and the one path that it answers itself. */
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
