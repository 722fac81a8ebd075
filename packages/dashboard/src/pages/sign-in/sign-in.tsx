import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type FormEvent, useEffect, useState } from 'react'
import { queryClient } from '../../app/query.ts'
import { type SignIn as Credentials, issuersQuery, readSession, sessionQuery, signIn } from '../../app/session.ts'
import { signOnResponse } from '../../app/sign-on-response.ts'
import favicon from '../../icons/favicon.svg'
import { Button } from '../../kit/button.tsx'
import { TextField } from '../../kit/field.tsx'
import { Banner } from '../../kit/surfaces.tsx'
import { isAway, messageOf } from '../../lib/errors.ts'
import { forget } from '../../lib/forget.ts'
import { useDelayed } from '../../lib/hooks.ts'
import { goalOf } from '../../lib/search.ts'
import { shell } from '../../strings/index.ts'
import { Issuers, target } from './issuers.tsx'
import styles from './sign-in.module.css'

const words = shell.signIn

/** The token of a sign-in link is in the fragment, which no server or log sees. It is removed before anything else. */
function takeToken(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get('token')
  if (token !== null) history.replaceState(history.state, '', location.pathname + location.search)
  return token
}
const token = takeToken()
/** How long the page waits to know the issuers, so that nothing moves when they appear. */
const ISSUERS_MS = 400
const isArriving = token !== null || signOnResponse !== null
let isRedeemed = false

/** What went wrong, with the key or with a link or an issuer. */
type Fault = { readonly of: 'key' | 'page'; readonly text: string }

/** Where one signs in, by a key, a link or an issuer, and goes on to where one was. */
export function SignIn() {
  const { next = target, ended } = useSearch({ strict: false }) as { next?: string; ended?: string }
  const navigate = useNavigate()
  const { data: issuers = [], isPending } = useQuery(issuersQuery)
  const isLate = useDelayed(isPending, ISSUERS_MS)
  const [key, setKey] = useState('')
  const [fault, setFault] = useState<Fault | null>(null)
  const [isBusy, setBusy] = useState(isArriving)
  const fail = (failure: unknown, of: Fault['of'] = 'page') =>
    setFault({ of, text: isAway(failure) ? words.unreachable : explain(failure) })
  const enter = async (credentials: Credentials, refused: string) => {
    const of = 'apiKey' in credentials ? 'key' : 'page'
    setBusy(true)
    setFault(null)
    try {
      // Who goes back to a response or a link that was used is mostly signed in already.
      const session = (await signIn(credentials)) ?? ('apiKey' in credentials ? null : await readSession())
      if (session === null) return setFault({ of, text: refused })
      if (session.apiKey.scope === 'publish') return setFault({ of, text: words.publishOnly })
      setKey('')
      // The session before can have been someone else's.
      queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== issuersQuery.queryKey[0] })
      forget()
      queryClient.setQueryData(sessionQuery.queryKey, session)
      // A link comes from a server that was just started: its minutes would be one bar of a day.
      const first = 'signInToken' in credentials ? '/?range=1h' : '/'
      await navigate({ ...goalOf(next ?? first), replace: true })
    } catch (failure) {
      fail(failure, of)
    } finally {
      setBusy(false)
    }
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: a link is redeemed once
  useEffect(() => {
    document.title = words.title
    if (isRedeemed) return
    isRedeemed = true
    if (token !== null) void enter({ signInToken: token }, words.linkUsed)
    else if (signOnResponse !== null) void enter({ singleSignOn: signOnResponse }, words.responseInvalid)
  }, [])
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const written = key.trim()
    if (written === '') setFault({ of: 'key', text: words.empty })
    else if (!/^[!-~]+$/.test(written)) setFault({ of: 'key', text: words.malformed })
    else void enter({ apiKey: written }, words.wrong)
  }
  if (isPending && !isLate) return <main className={styles.page} aria-busy />
  return (
    <main className={styles.page}>
      <form className={styles.box} onSubmit={submit}>
        <img src={favicon} alt="" className={styles.sign} />
        <h1>{words.title}</h1>
        {ended !== undefined && fault === null && <Banner>{words.ended}</Banner>}
        {fault?.of === 'page' && <Banner tone="error">{fault.text}</Banner>}
        <Issuers issuers={issuers} next={next} isBusy={isBusy} isFailed={fault?.of === 'page'} onError={fail} />
        <TextField
          label={words.key}
          help={words.keyHelp}
          error={fault?.of === 'key' ? fault.text : null}
          type="password"
          mono
          autoFocus={issuers.length === 0}
          name="api-key"
          autoComplete="current-password"
          value={key}
          onChange={setKey}
        />
        <Button type="submit" kind={issuers.length === 0 ? 'primary' : 'secondary'} busy={isBusy}>
          {isBusy ? (token !== null && key === '' ? words.linkWorking : words.working) : words.submit}
        </Button>
      </form>
    </main>
  )
}

/** The server's own sentence, such as why it refuses a page without TLS. */
function explain(failure: unknown): string {
  const body = (failure as { body?: { detail?: string } }).body
  return body?.detail ?? messageOf(failure)
}
