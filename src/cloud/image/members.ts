/** /v2/images/{id}/members: the projects that an image is shared with (glance/api/v2/image_members.py). */
import type { AuthenticatedCall, Clock, Routes } from '../service.ts'
import { badRequest, notAllowed, refuse } from './faults.ts'
import { lookedUp } from './images.ts'
import { type Image, type Member, type MemberStatus, memberKey, memberView, type Store } from './model.ts'
import { assertMay, membershipOf, owns } from './rules.ts'

const statuses: readonly MemberStatus[] = ['pending', 'accepted', 'rejected']
const onlyShared = 'Only shared images have members.'

export function memberRoutes({ store, clock }: { store: Store; clock: Clock }): Routes {
  const imageOf = ({ caller, params }: AuthenticatedCall): Image =>
    lookedUp(store, caller, params.image_id!, `Image ${params.image_id} not found.`)
  const shared = (call: AuthenticatedCall, refusal: string): Image => {
    const image = imageOf(call)
    if (image.visibility !== 'shared') throw refuse(403, refusal)
    return image
  }
  /** The member that the path names, if it is the caller's to see. */
  const memberOf = (call: AuthenticatedCall, image: Image): Member => {
    const found = store.members.get(memberKey(image.id, call.params.member_id!))
    if (!found || !sees(store, call, image, found))
      throw refuse(404, `${call.params.member_id} not found in the member list of the image ${image.id}.`)
    return found
  }

  return {
    'GET /v2/images/:image_id/members': (call) => {
      const image = shared(call, `Not allowed to list members for image ${call.params.image_id}: ${onlyShared}`)
      const members = store.members.filter((member) => member.image_id === image.id && sees(store, call, image, member))
      return { members: members.map(memberView), schema: '/v2/schemas/members' }
    },
    'POST /v2/images/:image_id/members': (call) => {
      const member_id = memberIn(call.body)
      const image = shared(call, `Not allowed to create members for image ${call.params.image_id}.`)
      assertMay(call.caller, 'add_member', image)
      const id = memberKey(image.id, member_id)
      if (store.members.get(id)) throw refuse(409, `Member ${member_id} is duplicated for image ${image.id}`)
      const now = clock.now()
      const member: Member = { id, image_id: image.id, member_id, status: 'pending', created: now, updated: now }
      return memberView(store.write(() => store.members.put(member)))
    },
    'GET /v2/images/:image_id/members/:member_id': (call) => {
      const image = imageOf(call)
      if (image.visibility !== 'shared') throw refuse(404, onlyShared)
      return memberView(memberOf(call, image))
    },
    'PUT /v2/images/:image_id/members/:member_id': (call) => {
      const wanted = statusIn(call.body)
      const image = shared(call, `Not allowed to update members for image ${call.params.image_id}.`)
      const member = memberOf(call, image)
      // Only the project that it is shared with says whether it wants it.
      if (!call.caller.isAdmin && member.member_id !== call.caller.projectId) throw notAllowed('modify_member')
      const status = statuses.find((one) => one === wanted)
      if (!status) throw badRequest('Incorrect request: Status must be "pending", "accepted" or "rejected".')
      return memberView(store.write(() => store.members.put({ ...member, status, updated: clock.now() })))
    },
    'DELETE /v2/images/:image_id/members/:member_id': (call) => {
      const image = shared(call, `Not allowed to delete members for image ${call.params.image_id}.`)
      const { id } = memberOf(call, image)
      assertMay(call.caller, 'delete_member', image)
      store.write(() => store.members.remove(id))
    },
  }
}

/** The owner sees all members, a member itself. */
const sees = (store: Store, { caller }: AuthenticatedCall, image: Image, member: Member): boolean =>
  caller.isAdmin || owns(caller, image) || membershipOf(store, caller, image)?.id === member.id

const isRecord = (body: unknown): body is Record<string, unknown> => typeof body === 'object' && body !== null && !Array.isArray(body)

function memberIn(body: unknown): string {
  if (body === undefined) throw badRequest('Body expected in request.')
  if (!isRecord(body)) throw badRequest('Expected a member in the form: {"member": "image_id"}')
  if (body.member === undefined) throw badRequest('Member to be added not specified')
  if (!body.member || typeof body.member !== 'string') throw badRequest("Member can't be empty")
  return body.member
}

function statusIn(body: unknown): unknown {
  if (body === undefined) throw badRequest('Body expected in request.')
  if (!isRecord(body)) throw badRequest('Expected a status in the form: {"status": "status"}')
  if (body.status === undefined) throw badRequest('Status not specified')
  return body.status
}
