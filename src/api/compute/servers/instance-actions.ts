/** What was done to a server: /servers/:server_id/os-instance-actions. */
import { Fault } from '../../../compute/faults.ts'
import { actionsOf, eventsOf, findAction } from '../../../compute/servers/actions.ts'
import { findServer } from '../../../compute/servers/find.ts'
import { hostId } from '../../../compute/servers/names.ts'
import type { ActionEvent, ServerAction } from '../../../stores/cell/actions.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import { pageOf } from '../../serve/paging.ts'
import { last } from '../../serve/query.ts'
import { storedTime } from '../../serve/values.ts'
import { fields, isotime, view } from '../../spec/fields.ts'
import { type Call, many, one, op, resource } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'
import { json, type Of, object, single } from '../../spec/shape.ts'
import { ofProject } from './member.ts'

const time = single(json<string>({ type: 'string', format: 'date-time' }))

const listQuery = [
  p.anyParameters.until('2.57'),
  object({
    limit: single(p.nonNegativeInteger),
    marker: single(p.text),
    'changes-since': time,
    'changes-before': time.since('2.66'),
  }).since('2.58'),
]

/** An action, with its steps for those who may see them. */
interface ActionShown extends ServerAction {
  readonly events?: readonly object[]
}

const f = fields<ActionShown>()

const brief = view({
  action: f.text((r) => r.action),
  instance_uuid: f.uuid((r) => r.instanceUuid),
  request_id: f.text((r) => r.requestId),
  user_id: f.text((r) => r.userId),
  project_id: f.text((r) => r.projectId),
  start_time: f.localTime((r) => r.startTime),
  message: f.text((r) => r.message),
  updated_at: f.localTime((r) => r.updatedAt).since('2.58'),
})

const whole = brief.extend({ events: f.list((r) => r.events as object[] | undefined) })

/** From 2.21 on also of servers that are deleted. */
const anyServer = ({ backends, context, params, at }: Call): Promise<Server> =>
  findServer(backends, context, params.server_id!, { deletedToo: at('2.21'), ruleFollows: true })

type ListCall = Call & { readonly query: Of<typeof listQuery>; readonly member: Server }

function list({ backends, query, member, at }: ListCall): Promise<ServerAction[]> {
  if (!at('2.58')) return actionsOf(backends, member, {})
  const given = query as Readonly<Record<string, readonly string[] | undefined>>
  const timeOf = (name: string) => {
    const text = last(given, name)
    return text === undefined ? undefined : storedTime(text)
  }
  const [changesSince, changesBefore] = [timeOf('changes-since'), timeOf('changes-before')]
  if (changesSince !== undefined && changesBefore !== undefined && changesBefore < changesSince)
    throw new Fault('badRequest', 'The value of changes-since must be less than or equal to changes-before.')
  return actionsOf(backends, member, { ...pageOf(given, backends.settings.api.maxLimit), changesSince, changesBefore })
}

/** Who may see everything of events sees also what went wrong and where. From 2.51 on every owner sees that they were. */
async function show(call: Call & { readonly member: Server }): Promise<ActionShown> {
  const { backends, member, params, at, can } = call
  const action = await findAction(backends, member, params.id!)
  const everything = can('os_compute_api:os-instance-actions:events', ofProject(call))
  if (!everything && !at('2.51')) return action
  const details = at('2.84') && can('os_compute_api:os-instance-actions:events:details', ofProject(call))
  const events = await eventsOf(backends, member, action)
  const owner = action.projectId || member.projectId
  return { ...action, events: events.map((event) => shownEvent(call, event, owner, { everything, details })) }
}

function shownEvent(
  { at }: Call,
  { event, startTime, finishTime, result, traceback, host, details }: ActionEvent,
  owner: string | null,
  see: { readonly everything: boolean; readonly details: boolean },
): object {
  return {
    event,
    start_time: isotime(startTime),
    finish_time: isotime(finishTime),
    result,
    ...(see.everything && { traceback }),
    ...(see.everything && at('2.62') && { host }),
    ...(at('2.62') && { hostId: hostId(host, owner) }),
    ...(see.details && { details }),
  }
}

export const instanceActions = resource({
  'GET /servers/:server_id/os-instance-actions': op({
    query: listQuery,
    load: anyServer,
    rule: 'os_compute_api:os-instance-actions:list',
    target: ofProject,
    errors: { '2.1': [404], '2.58': [400, 404] },
    reply: ({ params }) =>
      many('instanceActions', brief, {
        next: {
          collection: `servers/${params.server_id}/os-instance-actions`,
          since: '2.58',
          marker: ({ requestId }) => requestId!,
          key: 'links',
        },
      }),
    run: list,
  }),
  'GET /servers/:server_id/os-instance-actions/:id': op({
    query: p.noParameters,
    load: anyServer,
    rule: 'os_compute_api:os-instance-actions:show',
    target: ofProject,
    errors: [404],
    reply: one('instanceAction', whole),
    run: show,
  }),
})
