/** The journey of `first-webhook.test.ts`, by the keyboard alone. */
import { test } from 'vitest'
import { deliverFirstWebhook, SCHEDULE_SECONDS } from '../first-webhook.ts'
import { keyboardAlone } from '../hands.ts'
import { describeInBrowser } from '../setup.ts'

await describeInBrowser(
  'someone with a keyboard',
  bench => {
    test('registers an endpoint of an empty server, sees a webhook arrive, one fail, and retries it', () =>
      bench.visit(visit => deliverFirstWebhook(visit, keyboardAlone(visit.page), bench.installation)))
  },
  { scheduleSeconds: SCHEDULE_SECONDS },
)
