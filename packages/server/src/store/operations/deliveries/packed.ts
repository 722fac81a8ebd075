/** Packs settlements for the embedded store's thread. */
import type { AttemptError } from '../../../base/model.ts'
import { codec, joined, splitter } from '../../packing.ts'
import type { PlacedMark } from '../endpoints/marks.ts'
import type { NextStep, SettleArguments, StoredSettlement } from './settlement.ts'

const NO_STATUS = -1
/** Stands for a request's version and sender where nothing was sent. */
const NOT_SENT = 0

const STEPS = ['delivered', 'exhausted', 'retry'] as const

type PackedSettlements = {
  readonly tenant: readonly string[]
  readonly delivery: readonly string[]
  readonly endpoint: readonly string[]
  readonly error: readonly (AttemptError | null)[]
  readonly address: readonly (string | null)[]
  /** For each settlement its headers, then its body. */
  readonly answers: Uint8Array
  /** NUMBERS_A_SETTLEMENT numbers for each settlement. */
  readonly numbers: Float64Array
  readonly marks: readonly PlacedMark[]
}

const NUMBERS_A_SETTLEMENT = 16

function packSettlements({ settlements, marks }: SettleArguments<StoredSettlement>): PackedSettlements {
  const numbers = new Float64Array(settlements.length * NUMBERS_A_SETTLEMENT)
  const answers: Uint8Array[] = []
  let at = 0
  for (const { partition, epoch, attempt, step, gone, dueAtMs, endedAtMs } of settlements) {
    answers.push(attempt.headers, attempt.responseBody)
    numbers[at++] = partition
    numbers[at++] = epoch
    numbers[at++] = STEPS.indexOf(step.kind)
    numbers[at++] = step.kind === 'retry' ? step.dueAtMs : 0
    numbers[at++] = gone ? 1 : 0
    numbers[at++] = endedAtMs
    numbers[at++] = attempt.number
    numbers[at++] = attempt.startedAtMs
    numbers[at++] = attempt.durationMs
    numbers[at++] = attempt.status ?? NO_STATUS
    numbers[at++] = attempt.responseTruncated ? 1 : 0
    numbers[at++] = attempt.responseBody.length
    numbers[at++] = dueAtMs
    numbers[at++] = attempt.headers.length
    numbers[at++] = attempt.requestVersion ?? NOT_SENT
    numbers[at++] = attempt.sender ?? NOT_SENT
  }
  return {
    tenant: settlements.map(({ tenant }) => tenant),
    delivery: settlements.map(({ delivery }) => delivery),
    endpoint: settlements.map(({ endpoint }) => endpoint),
    error: settlements.map(({ attempt }) => attempt.error),
    address: settlements.map(({ attempt }) => attempt.address),
    answers: joined(answers),
    numbers,
    marks,
  }
}

function unpackSettlements(packed: PackedSettlements): SettleArguments<StoredSettlement> {
  const nextBytes = splitter(packed.answers)
  const { numbers, marks } = packed
  const settlements = packed.tenant.map((tenant, index): StoredSettlement => {
    const at = index * NUMBERS_A_SETTLEMENT
    const kind = STEPS[numbers[at + 2]!]!
    const step: NextStep = kind === 'retry' ? { kind, dueAtMs: numbers[at + 3]! } : { kind }
    const status = numbers[at + 9]!
    return {
      tenant,
      delivery: packed.delivery[index]!,
      endpoint: packed.endpoint[index]!,
      partition: numbers[at]!,
      epoch: numbers[at + 1]!,
      step,
      gone: numbers[at + 4] === 1,
      dueAtMs: numbers[at + 12]!,
      endedAtMs: numbers[at + 5]!,
      attempt: {
        number: numbers[at + 6]!,
        startedAtMs: numbers[at + 7]!,
        durationMs: numbers[at + 8]!,
        status: status === NO_STATUS ? null : status,
        error: packed.error[index]!,
        address: packed.address[index]!,
        headers: nextBytes(numbers[at + 13]!),
        responseBody: nextBytes(numbers[at + 11]!),
        responseTruncated: numbers[at + 10] === 1,
        requestVersion: sentOrNull(numbers[at + 14]!),
        sender: sentOrNull(numbers[at + 15]!),
      },
    }
  })
  return { settlements, marks }
}

const sentOrNull = (value: number): number | null => (value === NOT_SENT ? null : value)

export const packedSettle = codec(packSettlements, unpackSettlements)
