/** nova-scheduler: what other services may ask of it. Aggregates are read anew for each request, so there is nothing to keep up with. */
import type { Endpoint } from '../../../oslo/messaging/rpc-server.ts'
import { RequestSpec } from '../../../stores/objects/request-spec.ts'
import { Selection } from '../../../stores/objects/selection.ts'
import type { CellParts } from '../parts.ts'

const nothing = () => null

export const schedulerEndpoints = ({ scheduler }: CellParts): Endpoint[] => [
  {
    version: '4.5',
    methods: {
      async select_destinations(_, { spec_obj, instance_uuids, return_alternates }) {
        const uuids = instance_uuids as string[]
        const lists = await scheduler.select(RequestSpec.fromWire(spec_obj), uuids, { alternates: Boolean(return_alternates) })
        return lists.map((list) => list.map((selection) => Selection.toWire(selection)))
      },
      update_aggregates: nothing,
      delete_aggregate: nothing,
      update_instance_info: nothing,
      delete_instance_info: nothing,
      sync_instance_info: nothing,
    },
    expected: { select_destinations: ['NoValidHost'] },
  },
]
