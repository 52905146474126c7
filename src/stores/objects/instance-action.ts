/** What was done to a server, and in which steps. */
import { datetime, integer, text, uuid } from '../../oslo/objects/fields.ts'
import { defineList, defineObject, type ObjectValue } from '../../oslo/objects/object.ts'
import { persistent } from './common.ts'

export const InstanceAction = defineObject('InstanceAction', '1.2', {
  id: integer,
  action: text.orNull(),
  instance_uuid: uuid.orNull(),
  request_id: text.orNull(),
  user_id: text.orNull(),
  project_id: text.orNull(),
  start_time: datetime.orNull(),
  finish_time: datetime.orNull(),
  message: text.orNull(),
  ...persistent,
})
export type InstanceAction = ObjectValue<typeof InstanceAction>

export const InstanceActionList = defineList('InstanceActionList', '1.1', InstanceAction)
export type InstanceActionList = ObjectValue<typeof InstanceActionList>

/** A step of an action. */
export const InstanceActionEvent = defineObject('InstanceActionEvent', '1.4', {
  id: integer,
  event: text.orNull(),
  action_id: integer.orNull(),
  start_time: datetime.orNull(),
  finish_time: datetime.orNull(),
  result: text.orNull(),
  traceback: text.orNull(),
  host: text.orNull(),
  details: text.orNull(),
  ...persistent,
})
export type InstanceActionEvent = ObjectValue<typeof InstanceActionEvent>

export const InstanceActionEventList = defineList('InstanceActionEventList', '1.1', InstanceActionEvent)
export type InstanceActionEventList = ObjectValue<typeof InstanceActionEventList>
