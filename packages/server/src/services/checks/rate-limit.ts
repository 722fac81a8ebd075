import type { FieldError } from '../../base/errors.ts'
import type { RateLimit } from '../../base/model.ts'

const MAX_RATE_REQUESTS = 10_000
const MAX_RATE_SECONDS = 86_400

/** Checks the rate limit of an endpoint's deliveries or of a key's calls; null: no limit. */
export function checkRateLimit(rateLimit: unknown, faults: FieldError[]): RateLimit | null {
  if (rateLimit === null) return null
  if (typeof rateLimit !== 'object') {
    faults.push({ field: '/rateLimit', detail: 'The rateLimit must be an object with requests and perSeconds.' })
    return null
  }
  const { requests, perSeconds } = rateLimit as Partial<RateLimit>
  checkWhole(requests, MAX_RATE_REQUESTS, 'requests', '/rateLimit/requests', faults)
  checkWhole(perSeconds, MAX_RATE_SECONDS, 'seconds', '/rateLimit/perSeconds', faults)
  return { requests: requests!, perSeconds: perSeconds! }
}

function checkWhole(value: unknown, most: number, unit: string, field: string, faults: FieldError[]): void {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most) return
  faults.push({ field, detail: `The value must be a whole number of ${unit} from 1 to ${most}.` })
}
