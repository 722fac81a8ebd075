import { ApiError, type PortalLooks } from '@posthorn/client'
import { useQueryClient } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { posthorn } from '../../app/client.ts'
import { Button } from '../../kit/button.tsx'
import { Field } from '../../kit/field.tsx'
import { toast } from '../../kit/toast.tsx'
import { messageOf } from '../../lib/errors.ts'
import { portalLooks as words } from '../../strings/en/portal-looks.ts'
import styles from './portal.module.css'
import { looksQuery } from './queries.ts'

/** The server stops reading a larger file, and browsers then don't show what it says. */
const MAX_BYTES = 262_144

/** The logo, which is stored as soon as it is chosen. What the server refuses it says in words. */
export function Logo({ logo }: { readonly logo: PortalLooks['logo'] }) {
  const client = useQueryClient()
  const input = useRef<HTMLInputElement>(null)
  const [error, setError] = useState<string | null>(null)
  const [isBusy, setBusy] = useState(false)
  const change = async (work: () => Promise<unknown>, said: string) => {
    setBusy(true)
    setError(null)
    try {
      await work()
      await client.invalidateQueries({ queryKey: looksQuery.queryKey })
      toast(said)
    } catch (failure) {
      setError(explain(failure))
    } finally {
      setBusy(false)
    }
  }
  const upload = async (file: File | undefined) => {
    if (file === undefined) return
    if (file.size > MAX_BYTES) return setError(words.tooLarge(file.size))
    const bytes = new Uint8Array(await file.arrayBuffer())
    await change(() => posthorn.portalLooks.putPortalLogo(bytes), words.uploaded)
  }
  return (
    <Field label={words.logo} help={words.logoHelp} error={error}>
      {wiring => (
        <div className={styles.logo}>
          {logo !== null && <Shown key={logo.url} logo={logo} />}
          <input
            ref={input}
            type="file"
            className={styles.file}
            tabIndex={-1}
            aria-hidden="true"
            accept="image/png,image/jpeg,image/webp,image/svg+xml"
            onChange={event => {
              void upload(event.target.files?.[0])
              // The same file can be chosen again after it was changed.
              event.target.value = ''
            }}
          />
          <Button {...wiring} busy={isBusy} onClick={() => input.current?.click()}>
            {logo === null ? words.choose : words.replace}
          </Button>
          {logo !== null && (
            <Button
              kind="quiet"
              disabled={isBusy}
              onClick={() => void change(() => posthorn.portalLooks.deletePortalLogo(), words.removed)}
            >
              {words.remove}
            </Button>
          )}
        </div>
      )}
    </Field>
  )
}

/** On both backgrounds. The portal, and with it the logo, can be at another address than the dashboard, or be off. */
function Shown({ logo }: { readonly logo: NonNullable<PortalLooks['logo']> }) {
  const [isUnseen, setUnseen] = useState(false)
  if (isUnseen) return <span className={styles.muted}>{words.logoUnseen}</span>
  return <img src={logo.url} alt={words.logoAlt} className={styles.picture} onError={() => setUnseen(true)} />
}

/** Without the name of a field: the file is all that there is. */
function explain(failure: unknown): string {
  if (failure instanceof ApiError) return failure.fields[0]?.detail ?? failure.detail
  return messageOf(failure)
}
