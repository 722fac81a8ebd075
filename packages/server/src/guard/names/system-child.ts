/** The system's own resolver, in a process of its own: `getaddrinfo` can hold a thread long after anyone waits for it. */
import { ADDRCONFIG, lookup, V4MAPPED } from 'node:dns'

export type SystemQuestion = { readonly id: number; readonly name: string }
export type SystemAnswer = {
  readonly id: number
  readonly code: string | null
  readonly addresses: readonly { readonly address: string; readonly family: number }[]
}

process.on('message', ({ id, name }: SystemQuestion) => {
  lookup(name, { all: true, hints: ADDRCONFIG | V4MAPPED, order: 'verbatim' }, (error, addresses) => {
    const answer: SystemAnswer = error
      ? { id, code: error.code ?? 'EAI_AGAIN', addresses: [] }
      : { id, code: null, addresses }
    process.send?.(answer, () => {})
  })
})
// Without waiting for the threads.
process.on('disconnect', () => process.exit(0))
