import type { Endpoint } from '@posthorn/client'
import { useState } from 'react'
import { posthorn } from '../../../app/client.ts'
import { SegmentedControl } from '../../../kit/choices.tsx'
import { TextField } from '../../../kit/field.tsx'
import { toast } from '../../../kit/toast.tsx'
import { errorUnder, fieldError } from '../../../lib/errors.ts'
import { endpointChange } from '../../../strings/en/endpoint-change.ts'
import styles from '../one.module.css'
import { useChanged } from './changed.ts'
import { FormDialog } from './form-dialog.tsx'

const words = endpointChange.oauth

type Props = { readonly endpoint: Endpoint; readonly onClose: () => void }

const FIELDS = ['tokenUrl', 'clientId', 'clientSecret', 'scope', 'audience', 'resource'] as const
type Name = (typeof FIELDS)[number]

/** Has the endpoint's requests carry tokens of an OAuth server. */
export function OAuthDialog({ endpoint: { tenant, id, oauth }, onClose }: Props) {
  const [draft, setDraft] = useState<Readonly<Record<Name, string>>>({
    tokenUrl: oauth?.tokenUrl ?? '',
    clientId: oauth?.clientId ?? '',
    clientSecret: '',
    scope: oauth?.scope ?? '',
    audience: oauth?.audience ?? '',
    resource: oauth?.resource?.join(' ') ?? '',
  })
  const [place, setPlace] = useState(oauth?.credentialsIn ?? 'header')
  const changed = useChanged(tenant, id)
  const save = async () => {
    const resource = draft.resource.split(/\s+/).filter(one => one !== '')
    const settings = {
      tokenUrl: draft.tokenUrl.trim(),
      clientId: draft.clientId,
      clientSecret: draft.clientSecret,
      scope: draft.scope.trim() || null,
      audience: draft.audience.trim() || null,
      resource: resource.length === 0 ? null : resource,
      credentialsIn: place,
    }
    const { signingSecret: _, ...saved } = await posthorn.endpoints.update(tenant, id, { oauth: settings })
    toast(words.done)
    await changed(saved)
  }
  const field = (name: Name, error: unknown, more: { help?: string; type?: string; mono?: boolean } = {}) => (
    <TextField
      label={words[name]}
      {...more}
      value={draft[name]}
      onChange={next => setDraft({ ...draft, [name]: next })}
      error={name === 'resource' ? errorUnder(error, 'oauth/resource') : fieldError(error, `oauth/${name}`)}
    />
  )
  return (
    <FormDialog
      title={words.dialog}
      action={endpointChange.save}
      onClose={onClose}
      fields={FIELDS.map(name => `oauth/${name}`)}
      isReady={draft.tokenUrl.trim() !== '' && draft.clientId !== '' && draft.clientSecret !== ''}
      onSave={save}
    >
      {error => (
        <>
          {field('tokenUrl', error, { mono: true })}
          {field('clientId', error, { mono: true })}
          {field('clientSecret', error, { help: words.clientSecretHelp, type: 'password', mono: true })}
          {field('scope', error, { help: words.scopeHelp, mono: true })}
          <div className={styles.two}>
            {field('audience', error, { mono: true })}
            {field('resource', error, { mono: true })}
          </div>
          <div className={styles.when}>
            <span className={styles.label}>{words.credentialsIn}</span>
            <SegmentedControl
              label={words.credentialsIn}
              value={place}
              options={(['header', 'body'] as const).map(value => ({ value, label: words.places[value] }))}
              onChange={setPlace}
            />
          </div>
        </>
      )}
    </FormDialog>
  )
}
