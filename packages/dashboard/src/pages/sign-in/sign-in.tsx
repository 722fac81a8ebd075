import { useNavigate, useSearch } from '@tanstack/react-router'
import { type FormEvent, useEffect, useState } from 'react'
import { queryClient } from '../../app/query.ts'
import { type SignIn as Credentials, sessionQuery, signIn } from '../../app/session.ts'
import favicon from '../../icons/favicon.svg'
import { Button } from '../../kit/button.tsx'
import { TextField } from '../../kit/field.tsx'
import { Banner } from '../../kit/surfaces.tsx'
import { isAway, messageOf } from '../../lib/errors.ts'
import { goalOf } from '../../lib/search.ts'
import { shell } from '../../strings/index.ts'
import styles from './sign-in.module.css'

const words = shell.signIn

/** The token of a sign-in link is in the fragment, which no server or log sees. It is removed before anything else. */
function takeToken(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get('token')
  if (token !== null) history.replaceState(history.state, '', location.pathname + location.search)
  return token
}
const token = takeToken()
let isRedeemed = false

/** Where one signs in, by a key or by a link, and goes on to where one was. */
export function SignIn() {
  const { next, ended } = useSearch({ strict: false }) as { next?: string; ended?: string }
  const navigate = useNavigate()
  const [key, setKey] = useState('')
  const [error, setError] = useState<string | null>(null)
  const [isBusy, setBusy] = useState(token !== null)
  const enter = async (credentials: Credentials, refused: string) => {
    setBusy(true)
    setError(null)
    try {
      const session = await signIn(credentials)
      if (session === null) return setError(refused)
      if (session.apiKey.scope === 'publish') return setError(words.publishOnly)
      setKey('')
      queryClient.setQueryData(sessionQuery.queryKey, session)
      // A link comes from a server that was just started: its minutes would be one bar of a day.
      const first = 'signInToken' in credentials ? '/?range=1h' : '/'
      await navigate({ ...goalOf(next ?? first), replace: true })
    } catch (failure) {
      setError(isAway(failure) ? words.unreachable : explain(failure))
    } finally {
      setBusy(false)
    }
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: a link is redeemed once
  useEffect(() => {
    document.title = words.title
    if (token === null || isRedeemed) return
    isRedeemed = true
    void enter({ signInToken: token }, words.linkUsed)
  }, [])
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const written = key.trim()
    if (written === '') setError(words.empty)
    else if (!/^[!-~]+$/.test(written)) setError(words.malformed)
    else void enter({ apiKey: written }, words.wrong)
  }
  return (
    <main className={styles.page}>
      <form className={styles.box} onSubmit={submit}>
        <img src={favicon} alt="" className={styles.sign} />
        <h1>{words.title}</h1>
        {ended !== undefined && error === null && <Banner>{words.ended}</Banner>}
        <TextField
          label={words.key}
          help={words.keyHelp}
          error={error}
          type="password"
          mono
          autoFocus
          name="api-key"
          autoComplete="current-password"
          value={key}
          onChange={setKey}
        />
        <Button type="submit" kind="primary" busy={isBusy}>
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
