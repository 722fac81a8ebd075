import { formatCount } from '../../base/counts.ts'
import { type FieldError, PosthornError } from '../../base/errors.ts'
import { type ListenerAnswer, MAX_ANSWER_HEADER_CHARACTERS } from '../../base/listener-request.ts'
import type { DeliveryId, TenantId } from '../../base/model.ts'
import type { Keyring } from '../../secrets/keyring.ts'
import type { Store } from '../../store/store.ts'
import { checkId, invalid, notFound, requireTenant } from '../checks/refusals.ts'

/** What the response to a request was, as someone who listens says it. */
export type AnswerInput = {
  readonly status: number
  /** Name and value of each. Default: none. */
  readonly headers?: readonly (readonly string[])[]
  /** Default: empty. */
  readonly body?: string
  /** Whether the body was longer. Default: false. */
  readonly truncated?: boolean
  /** Default: the time since the request was handed over. */
  readonly durationMs?: number
}

/** A field name (RFC 9110 §5.1), and a value without the characters that end it. */
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~\w]{1,256}$/
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\uffff]*$/

/** Takes the answers to requests that were handed over to those who listen (decision 54). */
export class ListenerAnswers {
  readonly #store: Store
  readonly #keyring: Keyring

  constructor(store: Store, keyring: Keyring) {
    this.#store = store
    this.#keyring = keyring
  }

  /** Answers an attempt. Throws not_found, `invalid`, and `conflict` if it is over or was answered. */
  async answer(tenant: TenantId, delivery: DeliveryId, attempt: number, input: AnswerInput): Promise<void> {
    await requireTenant(this.#store, tenant)
    checkId('dlv', delivery, 'delivery')
    const { status, headers = [], body = '', truncated = false, durationMs = null } = input
    checkHeaders(headers)
    const key = { tenant, delivery, number: attempt }
    const request = await this.#store.read('findRequest', key)
    if (request === null) {
      if ((await this.#store.read('getDelivery', { tenant, id: delivery })) === null) throw notFound('delivery')
      throw new PosthornError('conflict', 'No request of this attempt is open: it is over, or has not begun.')
    }
    const atMs = this.#store.now()
    const answer: ListenerAnswer = { status, headers: headers.flat(), body, truncated, durationMs, atMs }
    const sealed = this.#keyring.seal(request.endpoint, JSON.stringify(answer))
    if (!(await this.#store.write('answerRequest', { ...key, answer: sealed, nowMs: atMs }))) {
      throw new PosthornError('conflict', 'The attempt has been answered already, or its time is over.')
    }
    this.#store.changes.emit({ kind: 'answer', tenant, delivery })
  }
}

function checkHeaders(headers: readonly (readonly string[])[]): void {
  const faults: FieldError[] = []
  let characters = 0
  for (const [index, [name = '', value = '']] of headers.entries()) {
    characters += name.length + value.length
    if (HEADER_NAME.test(name) && HEADER_VALUE.test(value)) continue
    const detail = 'Each header must be a name of letters, digits and hyphens, and a value without line breaks.'
    faults.push({ field: `/headers/${index}`, detail })
  }
  if (characters > MAX_ANSWER_HEADER_CHARACTERS) {
    const detail = `The headers can have ${formatCount(MAX_ANSWER_HEADER_CHARACTERS)} characters together. Send fewer.`
    faults.push({ field: '/headers', detail })
  }
  if (faults.length > 0) throw invalid(faults)
}
