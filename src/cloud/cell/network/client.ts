/** Who a host asks Neutron as, and what it makes of a refusal. */
import type { RequestContext } from '../../../oslo/context.ts'
import { isStatus } from '../../../oslo/keystoneauth/errors.ts'
import { type NeutronClient, neutronClient, neutronText } from '../../../peers/neutron.ts'
import { nova } from '../errors.ts'
import type { Host } from '../parts.ts'

/** As the one who asks; as ourselves when nobody does. What Neutron does not let them do is Nova's Forbidden, in Neutron's words. nova/network/neutron.py ClientWrapper */
export function clientOf({ neutron }: Pick<Host, 'neutron'>, context: RequestContext): NeutronClient {
  const { session } = context.token ? neutron.as(context) : neutron.own
  return neutronClient({ ...session, request: (asked) => session.request(asked).catch(refuse) })
}

function refuse(error: unknown): never {
  throw isStatus(error, 403) ? nova('Forbidden', {}, neutronText(error)) : error
}
