import type { Endpoint, EndpointWithSecret, Signing } from '@posthorn/client'
import { useState } from 'react'
import { posthorn } from '../../../app/client.ts'
import { usePermissions } from '../../../app/session.ts'
import { Button } from '../../../kit/button.tsx'
import { SegmentedControl, Select } from '../../../kit/choices.tsx'
import { CodeBlock } from '../../../kit/code.tsx'
import { Copy, CopyButton } from '../../../kit/copy.tsx'
import { Dialog, DialogActions } from '../../../kit/dialog.tsx'
import { Banner } from '../../../kit/surfaces.tsx'
import { type Column, Table } from '../../../kit/table.tsx'
import { Time } from '../../../kit/time.tsx'
import { messageOf } from '../../../lib/errors.ts'
import { shortenId } from '../../../lib/format.ts'
import { endpointChange } from '../../../strings/en/endpoint-change.ts'
import { common } from '../../../strings/index.ts'
import styles from '../one.module.css'
import { useChanged } from './changed.ts'
import { Section } from './edit-section.tsx'

const words = endpointChange.signing

type Props = { readonly endpoint: Endpoint }

const COLUMNS: readonly Column<Signing>[] = [
  { id: 'fingerprint', title: words.fingerprint, width: '96px', cell: row => <code>{row.fingerprint}</code> },
  { id: 'version', title: words.version, width: '104px', cell: row => words.versions[row.version] },
  {
    id: 'key',
    title: words.publicKey,
    width: 'minmax(136px, 1fr)',
    cell: row =>
      row.publicKey === null ? (
        <span className={styles.muted}>{common.none}</span>
      ) : (
        <span className={styles.url}>
          <code>{shortenId(row.publicKey)}</code>
          <Copy text={row.publicKey} what={words.publicKey} />
        </span>
      ),
  },
  { id: 'created', title: words.created, width: '112px', cell: row => <Time at={row.createdAt} /> },
  {
    id: 'expires',
    title: words.expires,
    width: '104px',
    cell: row => (row.expiresAt === null ? words.current : <Time at={row.expiresAt} />),
  },
]

/** The secrets that sign requests now. */
export function SigningSecrets({ endpoint }: Props) {
  const { canManageSecrets } = usePermissions()
  const [isOpen, setOpen] = useState(false)
  return (
    <Section
      title={words.title}
      help={words.help}
      {...(canManageSecrets && {
        actions: (
          <Button small icon="retry" onClick={() => setOpen(true)}>
            {words.rotate}
          </Button>
        ),
      })}
    >
      <div className={styles.framed}>
        <Table
          inline
          label={words.title}
          rows={endpoint.signing}
          columns={COLUMNS}
          keyOf={row => row.fingerprint}
          narrow={row => <NarrowRow row={row} />}
          empty={null}
        />
      </div>
      {isOpen && <RotateDialog endpoint={endpoint} onClose={() => setOpen(false)} />}
    </Section>
  )
}

function NarrowRow({ row }: { readonly row: Signing }) {
  return (
    <div className={styles.narrow}>
      <span>
        <code>{row.fingerprint}</code> · {words.versions[row.version]}
      </span>
      <span className={styles.muted}>
        {row.expiresAt === null ? words.current : <Time at={row.expiresAt} />}
        {row.publicKey !== null && <Copy text={row.publicKey} what={words.publicKey} />}
      </span>
    </div>
  )
}

type Grace = keyof typeof words.graces

function RotateDialog({ endpoint, onClose }: Props & { readonly onClose: () => void }) {
  const { tenant, id, signing } = endpoint
  const changed = useChanged(tenant, id)
  const [version, setVersion] = useState(signing[0]?.version ?? 'v1')
  const [grace, setGrace] = useState<Grace>('86400')
  const [made, setMade] = useState<EndpointWithSecret | null>(null)
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<string | null>(null)
  const rotate = async () => {
    setBusy(true)
    setError(null)
    try {
      const body = { signatureVersion: version, gracePeriodSeconds: Number(grace) }
      const result = await posthorn.endpoints.rotateSigningSecret(tenant, id, body)
      setMade(result)
      const { signingSecret: _, ...saved } = result
      await changed(saved)
    } catch (failure) {
      setError(messageOf(failure))
    } finally {
      setBusy(false)
    }
  }
  if (made !== null) {
    const isPublic = made.signing[0]?.publicKey != null
    return (
      <Dialog open onClose={onClose} title={isPublic ? words.publicKey : words.reveal}>
        <Reveal made={made} onClose={onClose} />
      </Dialog>
    )
  }
  return (
    <Dialog open onClose={onClose} title={words.dialog}>
      <p className={styles.muted}>{words.text}</p>
      <Select
        label={words.grace}
        value={grace}
        options={Object.entries(words.graces).map(([value, label]) => ({ value: value as Grace, label }))}
        help={grace === '0' ? words.graceText.dropped : words.graceText.kept}
        onChange={setGrace}
      />
      <div className={styles.when}>
        <span className={styles.label}>{words.which}</span>
        <SegmentedControl
          label={words.which}
          value={version}
          options={(['v1', 'v1a'] as const).map(value => ({ value, label: words.versions[value] }))}
          onChange={setVersion}
        />
      </div>
      {error !== null && <Banner tone="error">{error}</Banner>}
      <DialogActions>
        <Button onClick={onClose}>{common.cancel}</Button>
        <Button kind={grace === '0' ? 'danger' : 'primary'} busy={isBusy} onClick={() => void rotate()}>
          {words.action}
        </Button>
      </DialogActions>
    </Dialog>
  )
}

/** The new secret, this once; of `v1a` its public key, which is all that the receiver needs. */
function Reveal({ made, onClose }: { readonly made: EndpointWithSecret; readonly onClose: () => void }) {
  const { signingSecret, signing } = made
  const publicKey = signing[0]?.publicKey ?? null
  const shown = publicKey ?? signingSecret ?? ''
  return (
    <>
      <p className={styles.muted}>{publicKey === null ? words.revealText : words.revealKey}</p>
      <CodeBlock wrap code={shown} label={words.reveal} />
      <DialogActions>
        <CopyButton text={shown}>{publicKey === null ? words.copy : words.copyKey}</CopyButton>
        <Button kind="primary" onClick={onClose}>
          {words.done}
        </Button>
      </DialogActions>
    </>
  )
}
