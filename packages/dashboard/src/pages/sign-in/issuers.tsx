import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { beginSignOn, issuersQuery } from '../../app/session.ts'
import { Button } from '../../kit/button.tsx'
import { Banner } from '../../kit/surfaces.tsx'
import { shell } from '../../strings/index.ts'
import styles from './sign-in.module.css'

const words = shell.signIn
const TARGET = 'posthorn.sign-in.next'

/** Where one wanted to go before one went to the issuer, once. */
export function takeTarget(): string | undefined {
  const target = sessionStorage.getItem(TARGET) ?? undefined
  sessionStorage.removeItem(TARGET)
  return target
}

type Props = { readonly next: string | undefined; readonly onError: (error: unknown) => void }

/** A button for each issuer of single sign-on, and which of them is unavailable. Nothing where there is none. */
export function Issuers({ next, onError }: Props) {
  const { data: issuers = [] } = useQuery(issuersQuery)
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
      {away.length > 0 && <Banner tone="warning">{words.issuerAway(away.map(({ name }) => name).join(', '))}</Banner>}
      {issuers.map(({ id, name }) => (
        <Button key={id} busy={busy === id} disabled={busy !== null} onClick={() => void begin(id)}>
          {words.issuer(name)}
        </Button>
      ))}
      <div className={styles.or}>{words.or}</div>
    </>
  )
}
