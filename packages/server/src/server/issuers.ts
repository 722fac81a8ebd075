import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { StartRefused } from '../base/start-refused.ts'
import type { Config } from '../config/config.ts'
import { Issuer } from '../services/single-sign-on/issuer.ts'
import { createIssuerFetch } from './issuer-fetch.ts'

type IssuersConfig = Pick<Config, 'singleSignOn' | 'extraCa' | 'dev'>

/** The issuers of single sign-on. Throws StartRefused for one without TLS outside development. */
export function createIssuers(
  { singleSignOn, extraCa, dev }: IssuersConfig,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Issuer[] {
  const plain = singleSignOn.find(({ issuer }) => /^http:/i.test(issuer))
  if (plain !== undefined && !dev) {
    const detail = `singleSignOn: the issuer of ${plain.id} begins with http://, which only dev allows. Use https://.`
    throw new StartRefused(detail)
  }
  if (singleSignOn.length === 0) return []
  const fetch = createIssuerFetch(extraCa.map(({ pem }) => pem))
  return singleSignOn.map(settings => new Issuer(settings, { clock, logger, fetch }))
}
