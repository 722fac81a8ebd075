/** Puts together what tells people by mail and chat (decision 55). */
import { rootCertificates } from 'node:tls'
import { PORTAL_PATH } from '../api/dashboard/bundle.ts'
import { createMailer, type Mailer } from '../background/notifications/mailer.ts'
import { Notifications } from '../background/notifications/notifications.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Config } from '../config/config.ts'
import { Posting } from '../engine/posting.ts'
import type { Resolver } from '../guard/lookup.ts'
import type { Keyring } from '../secrets/keyring.ts'
import type { Store } from '../store/store.ts'

type Parts = {
  readonly config: Config
  readonly store: Store
  readonly clock: Clock
  readonly logger: Logger
  readonly keys: { readonly keyring: Keyring }
}

type Options = {
  readonly resolver: Resolver
  readonly userAgent: string
  /** The URL that others reach the API by. Known once the server listens. */
  readonly apiUrl: () => string
  /** The same for the dashboard. */
  readonly dashboardUrl: () => string
}

export function composeTelling({ config, store, clock, logger, keys }: Parts, options: Options) {
  const { resolver, userAgent, apiUrl, dashboardUrl } = options
  const mailer = composeMailer(config)
  const posting = new Posting({ ...config, userAgent, resolver }, clock)
  const post: Posting['post'] = (url, body, tenant) => posting.post(url, body, tenant)
  const pagesUrl = (of: 'operator' | 'tenant') => {
    if (of === 'operator') return config.dashboard === 'on' ? dashboardUrl() : null
    return config.portal === 'on' ? `${apiUrl()}${PORTAL_PATH}` : null
  }
  const work = new Notifications(store, keys.keyring, logger, { mailer, post, apiUrl, pagesUrl, clock })
  return {
    work,
    stop: () => work.stop(),
    close: async () => {
      work.close()
      mailer?.close()
      posting.close()
    },
  }
}

function composeMailer({ smtpUrl, mailFrom, extraCa }: Config): Mailer | null {
  if (smtpUrl === null || mailFrom === null) return null
  const ca = extraCa.length === 0 ? undefined : [...rootCertificates, ...extraCa.map(({ pem }) => pem)]
  return createMailer(smtpUrl.reveal(), mailFrom, { ca })
}
