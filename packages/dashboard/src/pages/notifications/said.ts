import type { Notification } from '@posthorn/client'
import type { IconName } from '../../kit/icon.tsx'
import type { Tone } from '../../lib/states.ts'
import { wordsFor } from '../../strings/en/errors.ts'
import { notifications as words } from '../../strings/en/notifications.ts'

export type Type = Notification['types'][number]

const WORD_OF: Readonly<Record<Type, keyof typeof words.types>> = {
  'posthorn.endpoint.failing': 'failing',
  'posthorn.endpoint.disabled': 'disabled',
  'posthorn.secret.expiring': 'expiring',
  'posthorn.delivery.exhausted': 'exhausted',
  'posthorn.node.lost': 'nodeLost',
}

/** All that a notification of a tenant, or of the operator, can tell about. */
export const typesFor = (isOperators: boolean): readonly Type[] =>
  (Object.keys(WORD_OF) as Type[]).filter(type => isOperators || type !== 'posthorn.node.lost')

export const typeWord = (type: Type): string => words.types[WORD_OF[type]]
export const typeHelp = (type: Type): string => words.typeHelp[WORD_OF[type]]

export function typesText(types: readonly Type[], isOperators: boolean): string {
  return types.length === typesFor(isOperators).length ? words.allTypes : types.map(typeWord).join(', ')
}

export type State = keyof typeof words.states

/** Whether messages arrive. One that waits to be confirmed, and whose request failed, doesn't either. */
export function stateOf({ state, lastFailure }: Notification): State {
  return lastFailure !== null ? 'failing' : state
}

export const LOOKS: Readonly<Record<State, { readonly tone: Tone; readonly icon: IconName }>> = {
  confirmed: { tone: 'green', icon: 'check' },
  unconfirmed: { tone: 'amber', icon: 'clock' },
  failing: { tone: 'red', icon: 'cross' },
}

/** Why a message was not sent, in a sentence. */
export function reasonText(reason: string): string {
  const { failure } = words
  const [, kind, code = ''] = /^(smtp|http) (.+)$/.exec(reason) ?? []
  if (reason === 'no mail server') return failure.noMail
  if (kind === 'smtp') {
    if (/^4\d\d$/.test(code)) return failure.later(code)
    return code === '535' || !/^5\d\d$/.test(code) ? failure.unreachable(code) : failure.refused(code)
  }
  if (kind === 'http') return /^4(?:01|03|04|10)$/.test(code) ? failure.webhookGone(code) : failure.chat(code)
  return failure.other(wordsFor(reason).short)
}
