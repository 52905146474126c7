// What the command uses of undici, for the bundle: all of it is a megabyte, most of which is a browser's fetch.
import request from 'undici/lib/api/api-request.js'
import Agent from 'undici/lib/dispatcher/agent.js'
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js'

// as undici's index.js does
Object.assign(Dispatcher.prototype, { request })

/** With a dispatcher always. */
function requestOf(url, { dispatcher, ...options }) {
  const { origin, pathname, search } = new URL(url)
  return dispatcher.request({ ...options, origin, path: `${pathname}${search}` })
}

export { Agent, requestOf as request }
