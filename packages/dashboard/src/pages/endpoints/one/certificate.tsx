import type { Endpoint } from '@posthorn/client'
import { useState } from 'react'
import { posthorn } from '../../../app/client.ts'
import { usePermissions } from '../../../app/session.ts'
import { Button } from '../../../kit/button.tsx'
import { ConfirmDialog } from '../../../kit/dialog.tsx'
import { TextArea } from '../../../kit/field.tsx'
import { KeyValue } from '../../../kit/surfaces.tsx'
import { Time } from '../../../kit/time.tsx'
import { toast } from '../../../kit/toast.tsx'
import { errorUnder, fieldError } from '../../../lib/errors.ts'
import { formatDay } from '../../../lib/format.ts'
import { endpointChange } from '../../../strings/en/endpoint-change.ts'
import styles from '../one.module.css'
import { Advice } from './advice.tsx'
import { useChanged } from './changed.ts'
import { Section } from './edit-section.tsx'
import { FormDialog } from './form-dialog.tsx'

const words = endpointChange.certificate

type Props = { readonly endpoint: Endpoint }

/** The certificate for mutual TLS. */
export function Certificate({ endpoint }: Props) {
  const { clientCertificate: certificate } = endpoint
  const { canManageSecrets } = usePermissions()
  const [dialog, setDialog] = useState<'set' | 'remove' | null>(null)
  return (
    <Section
      title={words.title}
      help={words.help}
      {...(canManageSecrets && {
        actions: (
          <>
            <Button small onClick={() => setDialog('set')}>
              {certificate === null ? words.set : words.replace}
            </Button>
            {certificate !== null && (
              <Button small onClick={() => setDialog('remove')}>
                {endpointChange.remove}
              </Button>
            )}
          </>
        ),
      })}
    >
      {certificate === null ? (
        <p className={styles.muted}>{words.none}</p>
      ) : (
        <KeyValue
          facts={[
            [words.subject, <bdi key="subject">{certificate.subject}</bdi>],
            [words.fingerprint, <code key="fingerprint">{certificate.fingerprint}</code>],
            [
              words.expires,
              <span key="expires">
                {formatDay(Date.parse(certificate.expiresAt))}, <Time at={certificate.expiresAt} />
              </span>,
            ],
          ]}
        />
      )}
      <Advice endpoint={endpoint} codes={['certificate_expires_soon']} />
      {dialog === 'set' && <SetCertificate endpoint={endpoint} onClose={() => setDialog(null)} />}
      {dialog === 'remove' && <RemoveCertificate endpoint={endpoint} onClose={() => setDialog(null)} />}
    </Section>
  )
}

type DialogProps = Props & { readonly onClose: () => void }

function SetCertificate({ endpoint: { tenant, id }, onClose }: DialogProps) {
  const [certificate, setCertificate] = useState('')
  const [key, setKey] = useState('')
  const changed = useChanged(tenant, id)
  const save = async () => {
    const body = { clientCertificate: { certificate, key } }
    const { signingSecret: _, ...saved } = await posthorn.endpoints.update(tenant, id, body)
    toast(words.done)
    await changed(saved)
  }
  return (
    <FormDialog
      wide
      title={words.dialog}
      action={words.set}
      onClose={onClose}
      fields={['clientCertificate']}
      isReady={certificate.trim() !== '' && key.trim() !== ''}
      onSave={save}
    >
      {error => (
        <>
          <TextArea
            label={words.certificate}
            mono
            rows={6}
            placeholder="-----BEGIN CERTIFICATE-----"
            value={certificate}
            onChange={setCertificate}
            error={fieldError(error, 'clientCertificate/certificate') ?? fieldError(error, 'clientCertificate')}
          />
          <TextArea
            label={words.key}
            help={words.keyHelp}
            mono
            rows={6}
            placeholder="-----BEGIN PRIVATE KEY-----"
            value={key}
            onChange={setKey}
            error={errorUnder(error, 'clientCertificate/key')}
          />
        </>
      )}
    </FormDialog>
  )
}

function RemoveCertificate({ endpoint: { tenant, id }, onClose }: DialogProps) {
  const changed = useChanged(tenant, id)
  const remove = async () => {
    const { signingSecret: _, ...saved } = await posthorn.endpoints.update(tenant, id, { clientCertificate: null })
    toast(words.removed)
    await changed(saved)
  }
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={words.removeTitle}
      action={endpointChange.remove}
      danger
      onConfirm={remove}
    >
      {words.removeText}
    </ConfirmDialog>
  )
}
