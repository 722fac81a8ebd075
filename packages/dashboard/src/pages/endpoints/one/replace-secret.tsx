import type { Endpoint } from '@posthorn/client'
import { useState } from 'react'
import { posthorn } from '../../../app/client.ts'
import { SegmentedControl } from '../../../kit/choices.tsx'
import { TextField } from '../../../kit/field.tsx'
import { SecretField } from '../../../kit/secret-field.tsx'
import { toast } from '../../../kit/toast.tsx'
import { fieldError } from '../../../lib/errors.ts'
import { useNow } from '../../../lib/hooks.ts'
import { faultOf } from '../../../lib/jwt.ts'
import { fromField, toField } from '../../../lib/time-field.ts'
import { endpointChange } from '../../../strings/en/endpoint-change.ts'
import styles from '../one.module.css'
import { useChanged } from './changed.ts'
import { FormDialog } from './form-dialog.tsx'

const words = endpointChange.secret

type Props = { readonly endpoint: Endpoint; readonly onClose: () => void }

/** Gives the endpoint another secret, now or from a time on. */
export function ReplaceSecret({ endpoint: { tenant, id, types, oauth }, onClose }: Props) {
  const [secret, setSecret] = useState('')
  const [when, setWhen] = useState<'now' | 'later'>('now')
  const [at, setAt] = useState(() => toField(Date.now() + 86_400_000))
  const now = useNow(10_000)
  const changed = useChanged(tenant, id)
  const switchAt = when === 'now' ? null : fromField(at)
  const isPast = when === 'later' && (switchAt === null || Date.parse(switchAt) <= now)
  const save = async () => {
    const leave = oauth === null ? {} : { oauth: null }
    const { signingSecret: _, ...saved } = await posthorn.endpoints.update(tenant, id, {
      clientSecret: secret,
      ...(switchAt !== null && { switchAt }),
      ...leave,
    })
    toast(when === 'now' ? words.doneNow : words.doneLater)
    await changed(saved)
  }
  return (
    <FormDialog
      title={words.replaceTitle}
      action={words.replace}
      onClose={onClose}
      fields={['clientSecret', 'switchAt']}
      isReady={faultOf(secret) === null && !isPast}
      onSave={save}
    >
      {error => (
        <>
          <SecretField
            label={words.newOne}
            value={secret}
            onChange={setSecret}
            types={types}
            error={fieldError(error, 'clientSecret')}
          />
          {oauth !== null ? (
            <p className={styles.muted}>{words.leaveOauth}</p>
          ) : (
            <>
              <div className={styles.when}>
                <span className={styles.label}>{words.when}</span>
                <SegmentedControl
                  label={words.when}
                  value={when}
                  options={[
                    { value: 'now', label: words.moments.now },
                    { value: 'later', label: words.moments.later },
                  ]}
                  onChange={setWhen}
                />
              </div>
              {when === 'later' && (
                <TextField
                  label={words.at}
                  type="datetime-local"
                  step={1}
                  value={at}
                  onChange={setAt}
                  error={isPast ? words.past : fieldError(error, 'switchAt')}
                />
              )}
            </>
          )}
          <p className={styles.muted}>{when === 'now' ? words.nowText : words.laterText}</p>
        </>
      )}
    </FormDialog>
  )
}
