/** A tenant's own retention periods for events, payloads and responses. */
import type { FieldError } from '../../base/errors.ts'
import { pointerToken } from '../../base/json-scanner.ts'
import { describeUnknown } from '../../base/nearest.ts'
import type { Retention } from '../../base/tenant.ts'
import { isRecord } from '../checks/values.ts'

const MEMBERS = ['days', 'payloadDays', 'answerDays'] as const
/** The same maximum as for the settings. */
const MAX_DAYS = 36_500

/** null: the settings apply. This is also the result if the input is omitted or sets nothing. */
export function checkRetention(input: unknown, faults: FieldError[]): Retention | null {
  if (input === undefined || input === null) return null
  if (!isRecord(input)) {
    faults.push({
      field: '/retention',
      detail: 'The retention must be null, or an object with days, payloadDays and answerDays.',
    })
    return null
  }
  for (const name of Object.keys(input)) {
    if (MEMBERS.some(member => member === name)) continue
    faults.push({
      field: `/retention/${pointerToken(name)}`,
      detail: describeUnknown('field', name, MEMBERS),
      reason: 'unknown',
    })
  }
  const [days, payloadDays, answerDays] = MEMBERS.map(member => checkDays(input[member], member, faults))
  if (days !== null) {
    for (const [member, value] of [
      ['payloadDays', payloadDays!],
      ['answerDays', answerDays!],
    ] as const) {
      if (value === null || value <= days!) continue
      faults.push({
        field: `/retention/${member}`,
        detail: 'The value must not be greater than days: nothing is kept longer than its event.',
      })
    }
  }
  if (days === null && payloadDays === null && answerDays === null) return null
  return { days: days!, payloadDays: payloadDays!, answerDays: answerDays! }
}

function checkDays(value: unknown, member: string, faults: FieldError[]): number | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_DAYS) return value
  faults.push({
    field: `/retention/${member}`,
    detail: `The value must be a whole number of days from 1 to 36,500, or null.`,
  })
  return null
}
