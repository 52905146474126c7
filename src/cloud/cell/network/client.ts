/** Who a host asks Neutron as, and what it makes of a refusal. */
import type { RequestContext } from '../../../oslo/context.ts'
import { isStatus } from '../../../oslo/keystoneauth/errors.ts'
import { type NeutronClient, neutronText } from '../../../peers/neutron.ts'
import { nova } from '../errors.ts'
import type { Host } from '../parts.ts'

/** As the one who asks; as ourselves when nobody does. What Neutron does not let them do is Nova's Forbidden, in Neutron's words. nova/network/neutron.py ClientWrapper */
export function clientOf({ neutron }: Pick<Host, 'neutron'>, context: RequestContext): NeutronClient {
  const client = context.token ? neutron.as(context) : neutron.own
  const refuse = (error: unknown) => {
    throw isStatus(error, 403) ? nova('Forbidden', {}, neutronText(error)) : error
  }
  const wrapped = (value: unknown) =>
    typeof value === 'function' ? (...args: unknown[]) => (value(...args) as Promise<unknown>).catch(refuse) : value
  return Object.fromEntries(Object.entries(client).map(([name, value]) => [name, wrapped(value)])) as unknown as NeutronClient
}
