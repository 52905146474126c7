/** The files that a guest's metadata refers to. Those that its user injected are written by its host and kept nowhere, so only the network's is left. */
import type { MetadataBackends } from './backends.ts'
import type { Guest } from './guest.ts'
import { injectedNetwork, isOwnTemplate } from './injected-network.ts'

/** Its network configuration, where its networks are to be configured so; null otherwise. */
export function networkConfigOf({ settings }: Pick<MetadataBackends, 'settings'>, { networkInfo }: Guest): string | null {
  return isOwnTemplate(settings.network.injectedNetworkTemplate) ? injectedNetwork(networkInfo) : null
}
