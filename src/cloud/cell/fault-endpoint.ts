/** How faults are set from outside: messages on a topic of their own, which only the owner of the broker's socket can send. */
import type { Endpoint } from '../../oslo/messaging/rpc-server.ts'
import { nova } from './errors.ts'
import { checkedRule } from './faults.ts'
import type { CellParts } from './parts.ts'
import { bringDown, bringUp } from './switch.ts'

export const faultTopic = 'nova-ts-faults'

/** What is set, and which hosts there are to set something for. */
export const faultEndpoint = ({ cells, faults }: CellParts): Endpoint => {
  const all = [...cells.values()]
  const names = () => all.flatMap(({ hosts }) => [...hosts.keys()])
  const told = () => ({ ...faults.state(), hosts: names() })
  return {
    version: '1.0',
    methods: {
      list: told,
      add(_, { rule }) {
        faults.add(checkedRule(rule as Record<string, unknown>, new Set(names())))
        return told()
      },
      remove(_, { id }) {
        if (!faults.remove(id as number)) throw nova('InvalidInput', { reason: `there is no fault ${id}` })
        return told()
      },
      clear() {
        faults.clear()
        return told()
      },
      async set_host(_, { host, down }) {
        const parts = all.find(({ hosts }) => hosts.has(host as string))
        if (!parts) throw nova('InvalidInput', { reason: `there is no host ${host}; there are ${names().join(', ')}` })
        await (down ? bringDown : bringUp)(parts, host as string)
        return told()
      },
    },
    expected: Object.fromEntries(['add', 'remove', 'set_host'].map((method) => [method, ['InvalidInput']])),
  }
}
