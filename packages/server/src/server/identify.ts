import type { Caller, GateOptions } from '../api/http/gate.ts'
import { StartRefused } from '../base/start-refused.ts'
import { type Network, parseNetwork } from '../guard/address.ts'
import { hashOfKey } from '../secrets/api-key.ts'
import type { ApiKeyCache } from '../services/api-keys/api-key-cache.ts'
import type { RootKey } from './instance-keys.ts'

const ROOT: Caller = { key: null }

/**
 * Identifies callers by their API key, and lists the proxies trusted with the caller's address. Throws StartRefused.
 */
export function createIdentify(
  { trustedProxies }: { readonly trustedProxies: readonly string[] },
  rootKey: RootKey,
  apiKeys: Pick<ApiKeyCache, 'find'>,
): Pick<GateOptions, 'identify' | 'trustedProxies'> {
  return {
    trustedProxies: trustedProxies.map(networkOf),
    identify(given) {
      const hash = hashOfKey(given)
      // Always check both, so that a wrong key takes the same time whichever key it resembles.
      const key = apiKeys.find(hash)
      if (rootKey.matches(hash)) return ROOT
      return key === undefined ? undefined : { key }
    },
  }
}

function networkOf(text: string): Network {
  const network = parseNetwork(text)
  if (network === undefined) throw new StartRefused(`trustedProxies: ${text} has bits set after its prefix.`)
  return network
}
