import type { PortalLooks, PutPortalLooksBody } from '@posthorn/client'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { posthorn } from '../../app/client.ts'
import { Button } from '../../kit/button.tsx'
import { Checkbox, Select } from '../../kit/choices.tsx'
import { TextField } from '../../kit/field.tsx'
import { ButtonLink } from '../../kit/link.tsx'
import { Banner, ErrorState, Skeleton } from '../../kit/surfaces.tsx'
import { toast } from '../../kit/toast.tsx'
import { errorUnder, fieldError, isAbout, messageOf } from '../../lib/errors.ts'
import { useDelayed } from '../../lib/hooks.ts'
import { portalLooks as words } from '../../strings/en/portal-looks.ts'
import { common } from '../../strings/index.ts'
import { Frame } from './frame.tsx'
import styles from './portal.module.css'
import { Accent } from './portal-accent.tsx'
import { HelpLinks } from './portal-help.tsx'
import { Logo } from './portal-logo.tsx'
import { Preview } from './portal-preview.tsx'
import { looksQuery, settingsQuery } from './queries.ts'

const PAGES = Object.keys(words.pageNames) as (keyof typeof words.pageNames)[]
const THEMES = ['system', 'light', 'dark'] as const

/** What is written, as the fields have it. */
export type Draft = {
  readonly name: string
  readonly accent: string
  readonly accentDark: string
  readonly theme: PortalLooks['theme']
  readonly radius: string
  readonly hiddenPages: PortalLooks['hiddenPages']
  readonly help: readonly { readonly label: string; readonly url: string }[]
  readonly publicTypes: boolean
}

const draftOf = ({ name, accent, accentDark, radius, theme, hiddenPages, help, publicTypes }: PortalLooks): Draft => ({
  name: name ?? '',
  accent: accent ?? '',
  accentDark: accentDark ?? '',
  radius: String(radius),
  ...{ theme, hiddenPages, help, publicTypes },
})

/** An empty field is none, and an empty row is no link. */
const bodyOf = ({ name, accent, accentDark, radius, help, ...others }: Draft): PutPortalLooksBody => ({
  ...others,
  name: name.trim() || null,
  accent: accent.trim() || null,
  accentDark: accentDark.trim() || null,
  radius: radius.trim() === '' ? 0 : Number(radius),
  help: help.filter(({ label, url }) => label.trim() !== '' || url.trim() !== ''),
})

/** How the portals of all tenants look, with a preview. */
export function Page() {
  const query = useQuery(looksQuery)
  const settings = useQuery(settingsQuery)
  const isLate = useDelayed(query.isPending)
  const isOff = settings.data?.data.find(({ name }) => name === 'portal')?.value === 'off'
  return (
    <Frame title={words.title}>
      <div className={styles.top}>
        <p className={styles.muted}>{words.lead}</p>
        {isOff && (
          <Banner
            tone="info"
            action={
              <ButtonLink small to={'/operate/settings' as '/'} search={{ q: 'portal' } as never}>
                {words.settings}
              </ButtonLink>
            }
          >
            {words.off}
          </Banner>
        )}
      </div>
      {query.data !== undefined && <Form looks={query.data} />}
      {query.data === undefined && isLate && (
        <div role="status" aria-label={`${common.loading}: ${words.title}`}>
          <Skeleton width="60%" height={280} />
        </div>
      )}
      {query.data === undefined && query.error !== null && (
        <ErrorState error={query.error} onRetry={() => void query.refetch()} />
      )}
    </Frame>
  )
}

function Form({ looks }: { readonly looks: PortalLooks }) {
  const client = useQueryClient()
  const [before, setBefore] = useState(() => draftOf(looks))
  const [draft, setDraft] = useState(before)
  const [error, setError] = useState<unknown>(null)
  const [isBusy, setBusy] = useState(false)
  const set = (changes: Partial<Draft>) => setDraft({ ...draft, ...changes })
  const isChanged = JSON.stringify(draft) !== JSON.stringify(before)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    setError(null)
    try {
      const saved = await posthorn.portalLooks.put(bodyOf(draft))
      client.setQueryData(looksQuery.queryKey, saved)
      setBefore(draftOf(saved))
      setDraft(draftOf(saved))
      toast(words.saved)
    } catch (failure) {
      setError(failure)
    } finally {
      setBusy(false)
    }
  }
  return (
    <div className={styles.columns}>
      <form className={styles.form} onSubmit={event => void submit(event)} noValidate>
        <fieldset className={styles.part}>
          <legend>{words.brand}</legend>
          <TextField
            label={words.name}
            help={words.nameHelp}
            error={fieldError(error, 'name')}
            maxLength={64}
            value={draft.name}
            onChange={name => set({ name })}
          />
          <Logo logo={looks.logo} />
        </fieldset>
        <fieldset className={styles.part}>
          <legend>{words.colours}</legend>
          <Accent draft={draft} error={error} onChange={set} />
          <div className={styles.pair}>
            <Select
              label={words.theme}
              help={words.themeHelp}
              value={draft.theme}
              options={THEMES.map(value => ({ value, label: words.themes[value] }))}
              onChange={theme => set({ theme })}
            />
            <TextField
              label={words.radius}
              help={words.radiusHelp}
              error={fieldError(error, 'radius')}
              inputMode="numeric"
              value={draft.radius}
              onChange={radius => set({ radius })}
            />
          </div>
        </fieldset>
        <fieldset className={styles.part}>
          <legend>{words.contents}</legend>
          <Pages hidden={draft.hiddenPages} error={errorUnder(error, 'hiddenPages')} onChange={set} />
          <HelpLinks help={draft.help} error={error} onChange={help => set({ help })} />
          <Checkbox
            label={words.publicTypes}
            checked={draft.publicTypes}
            onChange={publicTypes => set({ publicTypes })}
          />
        </fieldset>
        {error !== null && !isAbout(error, Object.keys(draft)) && <Banner tone="error">{messageOf(error)}</Banner>}
        <div className={styles.actions}>
          <Button kind="primary" type="submit" busy={isBusy} disabled={!isChanged}>
            {words.save}
          </Button>
          {isChanged && (
            <Button
              onClick={() => {
                setDraft(before)
                setError(null)
              }}
            >
              {words.discard}
            </Button>
          )}
        </div>
      </form>
      <Preview draft={draft} logo={looks.logo} />
    </div>
  )
}

type PagesProps = {
  readonly hidden: Draft['hiddenPages']
  readonly error: string | null
  readonly onChange: (change: Pick<Draft, 'hiddenPages'>) => void
}

function Pages({ hidden, error, onChange }: PagesProps) {
  return (
    <fieldset className={styles.choices}>
      <legend>{words.pages}</legend>
      {PAGES.map(page => (
        <Checkbox
          key={page}
          label={words.pageNames[page]}
          checked={!hidden.includes(page)}
          onChange={isShown =>
            onChange({ hiddenPages: isShown ? hidden.filter(one => one !== page) : [...hidden, page] })
          }
        />
      ))}
      <p className={styles.help}>{words.pagesHelp}</p>
      <div role="alert">{error !== null && <p className={styles.error}>{error}</p>}</div>
    </fieldset>
  )
}
