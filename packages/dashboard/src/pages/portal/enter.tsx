import { useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect, useReducer, useState } from 'react'
import { Brand, brandName } from '../../app/brand.tsx'
import { BASE } from '../../app/client.ts'
import { askForLink } from '../../app/embedding.ts'
import { LEFT } from '../../app/leave.ts'
import {
  changed,
  hasLink,
  languageOf,
  lastReturnUrl,
  linkWasRefused,
  redeem,
  wasReplaced,
} from '../../app/portal-session.ts'
import { queryClient } from '../../app/query.ts'
import { sessionOf, sessionQuery } from '../../app/session.ts'
import { useHost } from '../../app/use-host.ts'
import { Button, buttonClass } from '../../kit/button.tsx'
import { Banner } from '../../kit/surfaces.tsx'
import { isAway, messageOf } from '../../lib/errors.ts'
import { forget } from '../../lib/forget.ts'
import { language } from '../../lib/language.ts'
import { IS_FRAMED } from '../../lib/portal.ts'
import { goalOf } from '../../lib/search.ts'
import { shell } from '../../strings/index.ts'
import styles from '../sign-in/sign-in.module.css'

const words = shell.portal

/** Where a link leads: a button opens the portal. Without a link that works, the page says how to get one. */
export function Enter() {
  const { next, ended } = useSearch({ strict: false }) as { next?: string; ended?: string }
  const navigate = useNavigate()
  const [error, setError] = useState<string | null>(null)
  const [isBusy, setBusy] = useState(IS_FRAMED && (hasLink() || ended !== LEFT))
  const [, update] = useReducer((n: number) => n + 1, 0)
  const goal = goalOf(next ?? '/')
  const enter = async () => {
    setBusy(true)
    setError(null)
    try {
      const session = await redeem()
      if (session === null) return
      queryClient.clear()
      forget()
      // Pages take their words when they are loaded. A frame's session would be gone with the page.
      if (languageOf(session) !== language() && !IS_FRAMED) return location.replace(BASE)
      queryClient.setQueryData(sessionQuery.queryKey, sessionOf(session))
      await navigate({ ...goal, replace: true })
    } catch (failure) {
      setError(isAway(failure) ? words.unreachable : explain(failure))
    } finally {
      setBusy(false)
    }
  }
  /** In a frame, the page around it can get another link. */
  const ask = async (isClick = false) => {
    setBusy(true)
    await askForLink(ended !== undefined && ended !== LEFT, { isClick })
    if (!hasLink()) setBusy(false)
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: a link is redeemed once
  useEffect(() => {
    document.title = brandName()
    const begin = () => {
      update()
      if (IS_FRAMED && hasLink()) void enter()
    }
    begin()
    changed.addEventListener('link', begin)
    // Someone who has a session comes back to this page by its address.
    const isIn = queryClient.getQueryData(sessionQuery.queryKey) != null
    if (!hasLink() && isIn) void navigate({ ...goal, replace: true })
    else if (IS_FRAMED && !hasLink() && ended !== LEFT) void ask()
    return () => changed.removeEventListener('link', begin)
  }, [])
  const again = () => void ask(true)
  return (
    <main className={styles.page}>
      <div className={styles.box} aria-live="polite">
        <Brand isLarge />
        {hasLink() || isBusy ? (
          <>
            <h1>{words.title}</h1>
            <p>{words.welcome}</p>
            {error !== null && <Banner tone="error">{error}</Banner>}
            <Button kind="primary" autoFocus busy={isBusy} onClick={() => void enter()}>
              {isBusy ? words.opening : error === null ? words.open : words.retry}
            </Button>
          </>
        ) : linkWasRefused() ? (
          <Closed title={words.refused} back={null} onAgain={again} />
        ) : wasReplaced() ? (
          <Replaced />
        ) : ended === undefined ? (
          <Closed title={words.none} back={null} onAgain={again} />
        ) : (
          <Closed title={ended === LEFT ? words.left : words.ended} back={lastReturnUrl()} onAgain={again} />
        )}
      </div>
    </main>
  )
}

/** Another tab has opened the portal of another tenant, which all tabs of the browser now have. */
function Replaced() {
  return (
    <>
      <h1>{words.replaced}</h1>
      <p>{words.replacedText}</p>
      <Button kind="primary" onClick={() => location.assign(BASE)}>
        {words.show}
      </Button>
    </>
  )
}

type ClosedProps = { readonly title: string; readonly back: string | null; readonly onAgain: () => void }

/** How to get a link. It is the same for every link that doesn't work: nothing about whether it ever did. */
function Closed({ title, back, onAgain }: ClosedProps) {
  const host = back === null ? null : new URL(back).host
  const { ask, askThere, askAround } = words
  const canAsk = useHost() !== null
  return (
    <>
      <h1>{title}</h1>
      <p>{IS_FRAMED ? askAround : host === null ? ask : askThere(host)}</p>
      {canAsk && (
        <Button kind="primary" onClick={onAgain}>
          {words.again}
        </Button>
      )}
      {back !== null && host !== null && (
        <a className={buttonClass({ kind: 'primary' })} href={back} rel="noreferrer">
          {words.back(host)}
        </a>
      )}
    </>
  )
}

/** The server's own sentence, such as why it refuses a page without TLS. */
function explain(failure: unknown): string {
  const body = (failure as { body?: { detail?: string } }).body
  return body?.detail ?? messageOf(failure)
}
