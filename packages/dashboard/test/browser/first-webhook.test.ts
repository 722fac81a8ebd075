/** The one journey that every run of the tests makes: it needs all that there is, from the page to the receiver. */
import { test } from 'vitest'
import { deliverFirstWebhook, SCHEDULE_SECONDS } from './first-webhook.ts'
import { mouse } from './hands.ts'
import { describeInBrowser } from './setup.ts'

await describeInBrowser(
  'someone with a mouse',
  bench => {
    test('registers an endpoint of an empty server, sees a webhook arrive, one fail, and retries it', () =>
      bench.visit(visit => deliverFirstWebhook(visit, mouse(visit.page), bench.installation)))
  },
  { scheduleSeconds: SCHEDULE_SECONDS },
)
