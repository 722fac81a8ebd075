import type { CheckEndpointBody, Warning } from '@posthorn/client'
import { useEffect, useState } from 'react'
import { posthorn } from '../../app/client.ts'
import { useSettled } from '../../lib/hooks.ts'
import type { Problem } from '../../lib/schema-check.ts'
import { checkedOf, type Draft, type Errors, errorsOf, filterProblems, isBeginning } from './draft.ts'

/** How long nothing is typed before the server is asked, in milliseconds. */
const SETTLED_MS = 350

export type Check = {
  /** What registering would refuse, of what has been entered. */
  readonly errors: Errors
  /** What is wrong with the filter, by the place in it, and the filter, as JSON. */
  readonly filter: { readonly text: string | null; readonly problems: readonly Problem[] }
  readonly warnings: readonly Warning[]
  /** The URL that was last found to be allowed. */
  readonly goodUrl: string | null
  readonly isBusy: boolean
}

/** The body of a check of a form in which nothing has been entered. */
const EMPTY = '{}'

const NONE: Check = { errors: {}, filter: { text: null, problems: [] }, warnings: [], goodUrl: null, isBusy: false }

/**
 * Asks the server, as one types, what registering the endpoint would say. The answers are in no cache, because the
 * questions have secrets in them. Errors of what is still being typed are not shown.
 *
 * @param onlyUrl whether nothing but the URL is checked: it isn't of that tenant
 */
export function useCheck(tenant: string | null, draft: Draft, onlyUrl = false): Check {
  const [check, setCheck] = useState(NONE)
  const settled = useSettled(draft, SETTLED_MS)
  const { url: wanted, ...others } = checkedOf(settled)
  const body = JSON.stringify({ url: wanted, ...(!onlyUrl && others) })
  const { headers } = settled
  // biome-ignore lint/correctness/useExhaustiveDependencies: the names of the headers are in the body
  useEffect(() => {
    if (tenant === null || body === EMPTY) return setCheck(NONE)
    const controller = new AbortController()
    setCheck(before => ({ ...before, isBusy: true }))
    const ask = async () => {
      const asked = JSON.parse(body) as CheckEndpointBody
      try {
        const { errors, warnings } = await posthorn.endpoints.check(tenant, asked, { signal: controller.signal })
        const found = errorsOf(errors, headers)
        const isGood = asked.url !== undefined && found.url === undefined
        const filter = { text: JSON.stringify(asked.filter ?? null), problems: filterProblems(errors) }
        const goodUrl = isGood ? (asked.url ?? null) : null
        setCheck({ errors: found, filter, warnings, goodUrl, isBusy: false })
      } catch {
        // Without an answer there is nothing to say: registering says it.
        if (!controller.signal.aborted) setCheck(NONE)
      }
    }
    void ask()
    return () => controller.abort()
  }, [tenant, body])
  const isTyping = draft.url !== settled.url
  const { url, ...rest } = check.errors
  const errors = url === undefined || isTyping || isBeginning(draft.url) ? rest : check.errors
  return { ...check, errors, isBusy: check.isBusy || isTyping }
}
