import type { Notification, NotificationKind } from '@posthorn/client'
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { posthorn } from '../../app/client.ts'
import { Button } from '../../kit/button.tsx'
import { Checkbox, Select } from '../../kit/choices.tsx'
import { Dialog, DialogActions } from '../../kit/dialog.tsx'
import { TextField } from '../../kit/field.tsx'
import { Banner } from '../../kit/surfaces.tsx'
import { toast } from '../../kit/toast.tsx'
import { errorUnder, isAbout, messageOf } from '../../lib/errors.ts'
import { language } from '../../lib/language.ts'
import { notifications } from '../../strings/en/notifications.ts'
import { common } from '../../strings/index.ts'
import styles from './notifications.module.css'
import { keyOf, OPERATOR_TENANT } from './queries.ts'
import { type Type, typeHelp, typesFor, typeWord } from './said.ts'

const words = notifications.form
const KINDS = ['email', 'slack', 'teams'] as const

type Props = { readonly tenant: string; readonly onClose: () => void }

/** Adds an address, which is then asked to confirm. */
export function AddForm({ tenant, onClose, onAdded }: Props & { readonly onAdded: (id: string) => void }) {
  const [kind, setKind] = useState<NotificationKind>('email')
  const [address, setAddress] = useState('')
  const [types, setTypes] = useState(() => typesFor(tenant === OPERATOR_TENANT))
  const { isTried, error, isBusy, submit } = useSubmit(
    async () => {
      const isAll = types.length === typesFor(tenant === OPERATOR_TENANT).length
      const body = { kind, address: address.trim(), language: language(), ...(!isAll && { types }) }
      const { id } = await posthorn.notifications.create(tenant, body)
      toast(words.added)
      onAdded(id)
    },
    tenant,
    onClose,
  )
  const isEmpty = address.trim() === ''
  const isMail = kind === 'email'
  return (
    <Dialog open onClose={onClose} title={words.title}>
      <form className={styles.form} onSubmit={event => submit(event, !isEmpty && types.length > 0)} noValidate>
        <Select
          label={words.kind}
          value={kind}
          options={KINDS.map(value => ({ value, label: notifications.kinds[value] }))}
          error={errorUnder(error, 'kind')}
          onChange={setKind}
        />
        <TextField
          key={kind}
          label={isMail ? words.mail : words.webhook}
          help={isMail ? words.mailHelp : kind === 'slack' ? words.slackHelp : words.teamsHelp}
          error={isTried && isEmpty ? words.addressMissing : errorUnder(error, 'address')}
          type={isMail ? 'email' : 'url'}
          placeholder={isMail ? 'ada@acme.example' : 'https://'}
          maxLength={2_048}
          value={address}
          onChange={setAddress}
        />
        <Types tenant={tenant} types={types} onChange={setTypes} isTried={isTried} />
        {error !== null && !isAbout(error, ['kind', 'address']) && <Banner tone="error">{messageOf(error)}</Banner>}
        <DialogActions>
          <Button onClick={onClose}>{common.cancel}</Button>
          <Button type="submit" kind="primary" busy={isBusy}>
            {words.submit}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}

/** Changes what an address is told about. */
export function TypesForm({
  notification,
  onClose,
}: {
  readonly notification: Notification
  readonly onClose: () => void
}) {
  const { tenant, id } = notification
  const [types, setTypes] = useState<readonly Type[]>(notification.types)
  const { isTried, error, isBusy, submit } = useSubmit(
    async () => {
      await posthorn.notifications.update(tenant, id, { types })
      toast(words.saved)
    },
    tenant,
    onClose,
  )
  return (
    <Dialog open onClose={onClose} title={words.changeTitle}>
      <form className={styles.form} onSubmit={event => submit(event, types.length > 0)} noValidate>
        <Types tenant={tenant} types={types} onChange={setTypes} isTried={isTried} />
        {error !== null && <Banner tone="error">{messageOf(error)}</Banner>}
        <DialogActions>
          <Button onClick={onClose}>{common.cancel}</Button>
          <Button type="submit" kind="primary" busy={isBusy}>
            {words.save}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}

function useSubmit(send: () => Promise<void>, tenant: string, onClose: () => void) {
  const client = useQueryClient()
  const [isTried, setTried] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const [isBusy, setBusy] = useState(false)
  const run = async () => {
    setBusy(true)
    setError(null)
    try {
      await send()
      await client.invalidateQueries({ queryKey: keyOf(tenant) })
      onClose()
    } catch (failure) {
      setError(failure)
    } finally {
      setBusy(false)
    }
  }
  const submit = (event: FormEvent, isGood: boolean) => {
    event.preventDefault()
    setTried(true)
    if (isGood) void run()
  }
  return { isTried, error, isBusy, submit }
}

type TypesProps = {
  readonly tenant: string
  readonly types: readonly Type[]
  readonly isTried: boolean
  readonly onChange: (types: readonly Type[]) => void
}

function Types({ tenant, types, isTried, onChange }: TypesProps) {
  const all = typesFor(tenant === OPERATOR_TENANT)
  return (
    <fieldset className={styles.types}>
      <legend>{words.types}</legend>
      {all.map(type => (
        <div key={type} className={styles.choice}>
          <Checkbox
            label={typeWord(type)}
            checked={types.includes(type)}
            onChange={isTold => onChange(all.filter(each => (each === type ? isTold : types.includes(each))))}
          />
          <span className={styles.help}>{typeHelp(type)}</span>
        </div>
      ))}
      {isTried && types.length === 0 && <Banner tone="error">{words.typesMissing}</Banner>}
    </fieldset>
  )
}
