/** Gives each request an id, and tells it in the answer (oslo_middleware/request_id.py, nova/api/compute_req_id.py). */
import { randomUUID } from 'node:crypto'
import { type Filter, headerJoined } from '../contract.ts'

const idForm = /^req-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}$/

const newRequestId = (): string => `req-${randomUUID()}`

/** Sets `environ.requestId`, and `environ.globalRequestId` when the caller's own id has the right form; adds each of `headers` that the answer lacks. */
export const requestId =
  ({ headers = ['x-openstack-request-id'], newId = newRequestId }: { headers?: readonly string[]; newId?: () => string } = {}): Filter =>
  (app) =>
    async function requestId(request) {
      const { environ } = request
      const theirs = headerJoined(request, 'x-openstack-request-id')
      if (theirs !== undefined && idForm.test(theirs)) environ.globalRequestId = theirs
      const id = newId()
      environ.requestId = id
      const response = await app(request)
      for (const name of headers) if (!response.headers.some(([key]) => key.toLowerCase() === name)) response.headers.push([name, id])
      return response
    }

/** Nova's: the same id under its older name too. */
export const computeRequestId = ({ newId = newRequestId }: { newId?: () => string } = {}): Filter =>
  requestId({ headers: ['x-openstack-request-id', 'x-compute-request-id'], newId })
