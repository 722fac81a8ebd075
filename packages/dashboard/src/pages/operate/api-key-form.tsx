import type { ApiKey, CreateApiKeyBody, NewApiKey } from '@posthorn/client'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { posthorn } from '../../app/client.ts'
import { usePermissions } from '../../app/session.ts'
import { Button } from '../../kit/button.tsx'
import { Checkbox, Combobox, Select } from '../../kit/choices.tsx'
import { Dialog, DialogActions } from '../../kit/dialog.tsx'
import { TextField } from '../../kit/field.tsx'
import { Banner } from '../../kit/surfaces.tsx'
import { type Expiry, expiresAtOf } from '../../lib/api-keys.ts'
import { fieldError, messageOf } from '../../lib/errors.ts'
import { access } from '../../strings/en/access.ts'
import { common } from '../../strings/index.ts'
import { RevokeKey } from './api-key-detail.tsx'
import styles from './api-key-form.module.css'
import { NewSecret } from './api-key-secret.tsx'

const words = access.keys.form

type Scope = ApiKey['scope']

type Draft = {
  readonly name: string
  readonly scope: Scope
  readonly tenant: string | null
  readonly payloads: boolean
  readonly expiry: Expiry
  readonly date: string
  readonly isLimited: boolean
  readonly requests: string
  readonly perSeconds: string
}

/** The permissions of the key that is replaced; otherwise the least that is useful: publishing. */
function draftOf(replaces: ApiKey | null, tenant: string | null, seesPayloads: boolean): Draft {
  const limit = replaces?.rateLimit ?? null
  return {
    name: replaces?.name ?? '',
    scope: replaces?.scope ?? 'publish',
    tenant: replaces === null ? tenant : replaces.tenant,
    payloads: replaces?.payloads ?? seesPayloads,
    expiry: replaces === null || replaces.expiresAt === null ? 'never' : '365',
    date: '',
    isLimited: limit !== null,
    requests: String(limit?.requests ?? 100),
    perSeconds: String(limit?.perSeconds ?? 1),
  }
}

type Props = {
  readonly tenant: string | null
  /** The key that the new one replaces. */
  readonly replaces: ApiKey | null
  readonly onClose: () => void
  readonly onCreated: (id: string) => void
}

/** Creates a key, shows its secret once, and offers to revoke the one that it replaces. */
export function CreateKey({ tenant, replaces, onClose, onCreated }: Props) {
  const [made, setMade] = useState<NewApiKey | null>(null)
  const [isRevoking, setRevoking] = useState(false)
  if (isRevoking && replaces !== null) return <RevokeKey apiKey={replaces} onClose={onClose} />
  if (made !== null) {
    return (
      <NewSecret
        made={made}
        replaces={replaces}
        onDone={() => {
          onCreated(made.id)
          onClose()
        }}
        onRevokeOld={() => {
          onCreated(made.id)
          setRevoking(true)
        }}
      />
    )
  }
  return <Form tenant={tenant} replaces={replaces} onClose={onClose} onMade={setMade} />
}

type FormProps = Omit<Props, 'onCreated'> & { readonly onMade: (made: NewApiKey) => void }

function Form({ tenant, replaces, onClose, onMade }: FormProps) {
  const client = useQueryClient()
  const { seesPayloads } = usePermissions()
  const [draft, setDraft] = useState(() => draftOf(replaces, tenant, seesPayloads))
  const [error, setError] = useState<unknown>(null)
  const [isTried, setTried] = useState(false)
  const [isBusy, setBusy] = useState(false)
  const set = (changes: Partial<Draft>) => setDraft({ ...draft, ...changes })
  const faults = faultsOf(draft)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setTried(true)
    if (Object.keys(faults).length > 0) return
    setBusy(true)
    setError(null)
    try {
      onMade(await posthorn.apiKeys.create(bodyOf(draft)))
      await client.invalidateQueries({ queryKey: ['api-keys'] })
    } catch (failure) {
      setError(failure)
    } finally {
      setBusy(false)
    }
  }
  const said = (field: string) => (isTried && faults[field]) || fieldError(error, field)
  const isGeneral = error !== null && ['name', 'tenant', 'expiresAt'].every(field => fieldError(error, field) === null)
  return (
    <Dialog open onClose={onClose} title={replaces === null ? words.title : words.titleReplace}>
      <form className={styles.form} onSubmit={event => void submit(event)} noValidate>
        {replaces !== null && <p className={styles.muted}>{words.replaceText}</p>}
        <TextField
          label={words.name}
          help={words.nameHelp}
          error={said('name')}
          autoFocus
          maxLength={256}
          value={draft.name}
          onChange={name => set({ name })}
        />
        <Select
          label={words.scope}
          value={draft.scope}
          help={access.keys.scopeHelp[draft.scope]}
          options={(['publish', 'read', 'all'] as const).map(value => ({ value, label: access.keys.scopes[value] }))}
          onChange={scope => set({ scope })}
        />
        <TenantField value={draft.tenant} onChange={next => set({ tenant: next })} error={said('tenant')} />
        {draft.scope !== 'publish' && (
          <div className={styles.choice}>
            <Checkbox
              label={words.payloads}
              checked={draft.payloads}
              disabled={!seesPayloads}
              onChange={payloads => set({ payloads })}
            />
            <span className={styles.help}>{words.payloadsHelp}</span>
          </div>
        )}
        <div className={styles.pair}>
          <Select
            label={words.expires}
            value={draft.expiry}
            options={(['never', '30', '90', '365', 'date'] as const).map(value => ({
              value,
              label: words.expiry[value],
            }))}
            onChange={expiry => set({ expiry })}
          />
          {draft.expiry === 'date' && (
            <TextField
              label={words.date}
              type="date"
              error={said('expiresAt')}
              value={draft.date}
              onChange={date => set({ date })}
            />
          )}
        </div>
        <Checkbox label={words.limit} checked={draft.isLimited} onChange={isLimited => set({ isLimited })} />
        {draft.isLimited && (
          <div className={styles.pair}>
            <TextField
              label={words.requests}
              inputMode="numeric"
              error={said('rateLimit')}
              value={draft.requests}
              onChange={requests => set({ requests })}
            />
            <TextField
              label={words.perSeconds}
              inputMode="numeric"
              value={draft.perSeconds}
              onChange={perSeconds => set({ perSeconds })}
            />
          </div>
        )}
        {isGeneral && <Banner tone="error">{messageOf(error)}</Banner>}
        <DialogActions>
          <Button onClick={onClose}>{common.cancel}</Button>
          <Button type="submit" kind="primary" busy={isBusy}>
            {replaces === null ? words.submit : words.submitReplace}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}

function faultsOf(draft: Draft): Readonly<Record<string, string | undefined>> {
  const isWhole = (text: string) => /^[1-9]\d{0,5}$/.test(text.trim())
  return {
    ...(draft.name.trim() === '' && { name: words.nameMissing }),
    ...(expiresAtOf(draft.expiry, draft.date, Date.now()) === undefined && { expiresAt: words.dateMissing }),
    ...(draft.isLimited && !(isWhole(draft.requests) && isWhole(draft.perSeconds)) && { rateLimit: words.limitWrong }),
  }
}

function bodyOf(draft: Draft): CreateApiKeyBody {
  const { name, scope, tenant, payloads, expiry, date, isLimited, requests, perSeconds } = draft
  return {
    name: name.trim(),
    scope,
    tenant,
    payloads,
    expiresAt: expiresAtOf(expiry, date, Date.now()) ?? null,
    rateLimit: isLimited ? { requests: Number(requests), perSeconds: Number(perSeconds) } : null,
  }
}

/** How many tenants are listed to choose from. Others are typed in full. */
const LISTED = 200
const ALL = ''

type TenantFieldProps = {
  readonly value: string | null
  readonly onChange: (tenant: string | null) => void
  readonly error: string | null
}

function TenantField({ value, onChange, error }: TenantFieldProps) {
  const [typed, setTyped] = useState('')
  const { data } = useQuery({
    queryKey: ['tenants', 'picker'],
    queryFn: ({ signal }) => posthorn.tenants.list({ limit: LISTED }, { signal }).then(page => page.data),
    staleTime: 30_000,
  })
  const text = typed.trim().toLowerCase()
  const all = { value: ALL, label: words.allTenants }
  const listed = (data ?? []).map(({ id, name }) => ({
    value: id,
    label: name === null || name === id ? id : `${name} (${id})`,
  }))
  const chosen = value === null ? all : (listed.find(one => one.value === value) ?? { value, label: value })
  const found = [all, ...listed].filter(({ label }) => text === '' || label.toLowerCase().includes(text))
  const isListed = text === '' || text === chosen.label.toLowerCase() || listed.some(one => one.value === typed.trim())
  return (
    <>
      <Combobox
        label={words.tenant}
        help={words.tenantHelp}
        value={chosen.value}
        options={
          text === chosen.label.toLowerCase()
            ? [all, ...listed]
            : isListed
              ? found
              : [...found, { value: typed.trim(), label: typed.trim(), isOwn: true }]
        }
        onSearch={setTyped}
        onChange={next => onChange(next === null || next === ALL ? null : next)}
      />
      {error !== null && <Banner tone="error">{error}</Banner>}
    </>
  )
}
