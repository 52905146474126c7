/** Events from other services: /os-server-external-events. */
import { type EventFate, type EventName, handOn } from '../../compute/external-events.ts'
import { type Call, op, plain, resource } from '../spec/operation.ts'
import * as p from '../spec/parameters.ts'
import { json, type Of, object, Shape, words } from '../spec/shape.ts'
import { since } from '../spec/span.ts'

const event = object(
  {
    name: words([
      'network-changed',
      'network-vif-plugged',
      'network-vif-unplugged',
      'network-vif-deleted',
      since('2.51', 'volume-extended'),
      since('2.76', 'power-update'),
      since('2.82', 'accelerator-request-bound'),
      since('2.93', 'volume-reimaged'),
    ]),
    server_uuid: p.uuid,
    status: words(['failed', 'completed', 'in-progress']),
    tag: json<string>({ type: 'string', maxLength: 255 }),
  },
  { required: ['name', 'server_uuid'] },
)
type Event = Of<typeof event>
// The fewest items are told before what is wrong with them
const events = new Shape<Event[]>((minor) => ({ type: 'array', minItems: 1, items: event.build(minor) }))
const eventsBody = object({ events }, { required: ['events'] })

interface Outcome {
  readonly events: readonly { readonly status: string; readonly code: number }[]
}

export const externalEvents = resource({
  'POST /os-server-external-events': op({
    body: eventsBody,
    rule: 'os_compute_api:os-server-external-events:create',
    target: () => ({}),
    errors: [403],
    reply: plain(),
    statusOf: (out) => ((out as Outcome).events.every(({ code }) => code === 200) ? 200 : 207),
    run: create,
  }),
})

const codes: Readonly<Record<EventFate, number>> = { accepted: 200, noTag: 400, noServer: 404, noHost: 422 }

async function create({ backends, context, body }: Call & { body: Of<typeof eventsBody> }): Promise<Outcome> {
  const fates = await handOn(
    backends,
    context,
    body.events.map(({ name, server_uuid, status = 'completed', tag = null }) => ({
      name: name as EventName,
      serverUuid: server_uuid,
      status,
      tag,
    })),
  )
  return {
    events: body.events.map((event, i) => {
      const code = codes[fates[i]!]
      return { ...event, status: code === 200 ? 'completed' : 'failed', code }
    }),
  }
}
