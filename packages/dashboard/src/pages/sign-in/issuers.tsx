import { useState } from 'react'
import { beginSignOn, type Issuer } from '../../app/session.ts'
import { signOnResponse } from '../../app/sign-on-response.ts'
import { Button } from '../../kit/button.tsx'
import { Banner } from '../../kit/surfaces.tsx'
import { shell } from '../../strings/index.ts'
import styles from './sign-in.module.css'

const words = shell.signIn
const TARGET = 'posthorn.sign-in.next'

/** Where one wanted to go before one went to the issuer that has led back here. */
export const target = signOnResponse === null ? undefined : (sessionStorage.getItem(TARGET) ?? undefined)

type Props = {
  readonly issuers: readonly Issuer[]
  readonly next: string | undefined
  readonly isBusy: boolean
  /** Whether the page says what went wrong, which might be the same. */
  readonly isFailed: boolean
  readonly onError: (error: unknown) => void
}

/** A button for each issuer of single sign-on, and which of them is unavailable. Nothing where there is none. */
export function Issuers({ issuers, next, isBusy, isFailed, onError }: Props) {
  const [busy, setBusy] = useState<string | null>(null)
  if (issuers.length === 0) return null
  const away = issuers.filter(({ isAvailable }) => !isAvailable)
  const begin = async (issuer: string) => {
    setBusy(issuer)
    try {
      const url = await beginSignOn(issuer)
      if (next === undefined) sessionStorage.removeItem(TARGET)
      else sessionStorage.setItem(TARGET, next)
      location.assign(url)
    } catch (error) {
      setBusy(null)
      onError(error)
    }
  }
  return (
    <>
      {away.length > 0 && !isFailed && (
        <Banner tone="warning">{words.issuersAway(away.map(({ name }) => name).join(', '), away.length)}</Banner>
      )}
      {issuers.map(({ id, name, isAvailable }) => (
        <Button
          key={id}
          kind={issuers.length === 1 && isAvailable ? 'primary' : 'secondary'}
          className={styles.issuer}
          busy={busy === id}
          disabled={isBusy || busy !== null}
          onClick={() => void begin(id)}
        >
          <bdi>{words.issuer(name)}</bdi>
        </Button>
      ))}
      <div className={styles.or}>{words.or}</div>
    </>
  )
}
