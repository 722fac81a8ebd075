import { useState } from 'react'
import { cx } from '../lib/cx.ts'
import { formatDay, formatRelative } from '../lib/format.ts'
import { useNow } from '../lib/hooks.ts'
import { adviseOn, faultOf, generateSecret, readToken, type SecretAdvice, type Token } from '../lib/jwt.ts'
import { secrets as words } from '../strings/en/secrets.ts'
import { Button, IconButton } from './button.tsx'
import { Copy } from './copy.tsx'
import field from './field.module.css'
import { Field } from './field.tsx'
import { Icon } from './icon.tsx'
import styles from './secret-field.module.css'

type Props = {
  readonly value: string
  readonly onChange: (value: string) => void
  /** What the endpoint receives, as names or patterns; null for all types, undefined if it isn't known. */
  readonly types?: readonly string[] | null
  readonly label?: string
  /** What the server says of it, which comes before what is said here. */
  readonly error?: string | null
}

/**
 * A secret that is typed, pasted or generated. What is wrong with it (C7) and advice on it (C8) are said while one
 * types; of a JWT also when it expires. It is hidden until one asks to see it, and never leaves the field.
 */
export function SecretField({ value, onChange, types, label = words.label, error }: Props) {
  const [isShown, setShown] = useState(false)
  const [isGenerated, setGenerated] = useState(false)
  const fault = value === '' ? null : faultOf(value)
  return (
    <Field
      label={label}
      error={error ?? (fault && words.faults[fault.reason](fault.position))}
      help={
        <span className={styles.says}>
          <span>{isGenerated ? words.generated : words.help}</span>
          {fault === null && value !== '' && <Says secret={value} types={types} />}
        </span>
      }
    >
      {wiring => (
        <div className={styles.row}>
          <input
            type={isShown ? 'text' : 'password'}
            autoComplete="off"
            spellCheck={false}
            data-1p-ignore=""
            className={cx(field.input, field.mono, styles.input)}
            value={value}
            onChange={event => {
              // A pasted text mostly brings a line break along.
              onChange(event.target.value.trim() === '' ? '' : event.target.value.replace(/\s+$/, ''))
              setGenerated(false)
            }}
            {...wiring}
          />
          {isGenerated && <Copy text={value} what={words.copyWhat} />}
          <IconButton
            icon={isShown ? 'eyeOff' : 'eye'}
            label={isShown ? words.hide : words.show}
            onClick={() => setShown(!isShown)}
          />
          <Button
            onClick={() => {
              onChange(generateSecret())
              setShown(true)
              setGenerated(true)
            }}
          >
            {words.generate}
          </Button>
        </div>
      )}
    </Field>
  )
}

/** What is said of an allowed secret: what a token says of itself, and advice. */
function Says({ secret, types }: { readonly secret: string; readonly types: Props['types'] }) {
  const now = useNow(60_000)
  const token = readToken(secret)
  return (
    <>
      {token !== null && <TokenLine token={token} now={now} />}
      {adviseOn(secret, types, now).map(code => (
        <Advice key={code} code={code} claims={code === 'token_carries_access' ? (token?.access ?? []) : []} />
      ))}
    </>
  )
}

function TokenLine({ token: { issuedAt, expiresAt }, now }: { readonly token: Token; readonly now: number }) {
  const { isOne, expires, expired, never, issued } = words.token
  return (
    <span className={styles.token}>
      {isOne} ·{' '}
      {expiresAt === null
        ? never
        : `${expiresAt > now ? expires : expired} ${formatDay(expiresAt)}, ${formatRelative(expiresAt, now)}`}
      {issuedAt !== null && ` · ${issued} ${formatDay(issuedAt)}`}
    </span>
  )
}

/** One piece of advice (C8), with the claims that it is about. */
export function Advice({ code, claims = [] }: { readonly code: SecretAdvice; readonly claims?: readonly string[] }) {
  return (
    <span className={styles.advice}>
      <Icon name="warning" size={14} />
      <span>
        {words.advice[code]} {claims.length > 0 && <code>{words.accessBy(claims.join(', '))}</code>}
      </span>
    </span>
  )
}
