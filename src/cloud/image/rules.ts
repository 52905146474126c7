/** Who may see and change an image: the default policies of Glance (glance/policies/image.py), and whose image is found at all. */
import type { Caller } from '../service.ts'
import { noImage, notAllowed, refuse, refuseWithDetail } from './faults.ts'
import { type Image, memberKey, type Store, type Visibility } from './model.ts'

const has = (caller: Caller, role: string): boolean => caller.isAdmin || caller.roles.includes(role)
export const owns = (caller: Caller, image: Pick<Image, 'owner'>): boolean => image.owner !== null && image.owner === caller.projectId

export const membershipOf = (store: Store, caller: Caller, image: Image) =>
  caller.projectId === null ? undefined : store.members.get(memberKey(image.id, caller.projectId))

/** Whether the image is found when asked for by its id (glance/db/sqlalchemy/api.py is_image_visible). */
export function isVisible(store: Store, caller: Caller, image: Image): boolean {
  if (caller.isAdmin) return true
  if (!has(caller, 'reader')) return false
  if (image.owner === null || image.visibility === 'public' || image.visibility === 'community' || owns(caller, image)) return true
  return image.visibility === 'shared' && membershipOf(store, caller, image) !== undefined
}

/** 404 for an image that is not there, or not for this caller. */
export function findImage(store: Store, caller: Caller, id: string): Image {
  const image = store.images.get(id)
  if (!image || !isVisible(store, caller, image)) throw noImage(id)
  return image
}

/** What its owner's members may do, and an administrator. The names are the rules'. */
export type OwnersAction = 'modify_image' | 'delete_image' | 'upload_image' | 'deactivate' | 'reactivate' | 'add_member' | 'delete_member'

export function assertMay(caller: Caller, action: OwnersAction, image: Image): void {
  if (!caller.isAdmin && !(has(caller, 'member') && owns(caller, image))) throw notAllowed(action)
}

/** download_image: whoever sees it and is more than a reader. */
export function assertMayDownload(caller: Caller, image: Image): void {
  if (image.status === 'deactivated' && !caller.isAdmin)
    throw refuse(403, 'The requested image has been deactivated. Image data download is forbidden.')
  if (!has(caller, 'member')) throw notAllowed('download_image')
}

/** Only administrators make images public. */
export function assertMayShow(caller: Caller, visibility: Visibility, owner: string | null): void {
  if (visibility === 'public' && !caller.isAdmin) throw notAllowed('publicize_image')
  if (visibility === 'community' && !caller.isAdmin && !(has(caller, 'member') && owns(caller, { owner })))
    throw notAllowed('communitize_image')
}

export function assertMayAdd(caller: Caller, owner: string | null): void {
  if (caller.isAdmin || (has(caller, 'member') && owner !== null && owner === caller.projectId)) return
  throw owner === caller.projectId ? notAllowed('add_image') : refuseOwner(owner)
}

const refuseOwner = (owner: string | null) => refuseWithDetail(403, `You are not permitted to create images owned by '${owner ?? 'None'}'`)

/** Whether the image is in the list: public ones, one's own, and those that are shared and accepted; an administrator's list has all. */
export function isListed(store: Store, caller: Caller, image: Image, memberStatus: string): boolean {
  if (caller.isAdmin) return true
  if (image.visibility === 'public' || image.visibility === 'community' || owns(caller, image)) return true
  if (image.visibility !== 'shared') return false
  const membership = membershipOf(store, caller, image)
  return membership !== undefined && (memberStatus === 'all' || membership.status === memberStatus)
}
