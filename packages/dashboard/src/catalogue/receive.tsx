import { useMemo } from 'react'
import { CodeBlock } from '../kit/code.tsx'
import { Copy } from '../kit/copy.tsx'
import { Icon } from '../kit/icon.tsx'
import { Tabs } from '../kit/tabs.tsx'
import { shellWord } from '../lib/curl.ts'
import { piecesOf } from '../lib/highlight.ts'
import { catalogue } from '../strings/en/catalogue.ts'
import styles from './receive.module.css'
import { LANGUAGES, type Language, type LanguageId, receiverFor } from './receiver-code.ts'
import { type Secrets, signingKeyOf, tryItCommand } from './try-it.ts'

const words = catalogue.receive

type Props = {
  readonly type: { readonly name: string; readonly schema: unknown; readonly example: unknown }
  readonly language: LanguageId
  readonly onLanguage: (language: LanguageId) => void
  /** The reader's own, for the commands. Empty texts, or none: an example, and no signatures. */
  readonly secrets?: Secrets
}

const NO_SECRETS: Secrets = { token: '', signing: '' }

export function isLanguage(text: string | undefined): text is LanguageId {
  return LANGUAGES.some(({ id }) => id === text)
}

/** Code that receives events of a type, in six languages, and what it does. */
export function Receive({ type, language, onLanguage, secrets = NO_SECRETS }: Props) {
  return (
    <div className={styles.columns}>
      <div className={styles.side}>
        <p>{words.lead}</p>
        <ul className={styles.does}>
          {words.does.map(([what, how]) => (
            <li key={what}>
              <Icon name="check" />
              <span>
                <b>{what}</b> {how}
              </span>
            </li>
          ))}
        </ul>
        <p className={styles.note}>{words.tls}</p>
        <p className={styles.note}>{words.library}</p>
      </div>
      <Tabs
        label={words.language}
        value={language}
        onChange={value => isLanguage(value) && onLanguage(value)}
        tabs={LANGUAGES.map(one => ({
          value: one.id,
          label: one.name,
          content: <InLanguage type={type} language={one} secrets={secrets} />,
        }))}
      />
    </div>
  )
}

type InLanguageProps = { readonly type: Props['type']; readonly language: Language; readonly secrets: Secrets }

function InLanguage({ type, language, secrets: { token, signing } }: InLanguageProps) {
  const code = useMemo(() => receiverFor(language, type), [language, type])
  const { id, file, run } = language
  const secret = token === '' ? words.secret : token
  const start =
    signing === ''
      ? `CLIENT_SECRET=${shellWord(secret)} ${run}   ${words.signing}`
      : `CLIENT_SECRET=${shellWord(secret)} SIGNING_SECRET=${shellWord(signing)} ${run}`
  const tryIt = signingKeyOf(signing) === null ? words.tryIt : words.trySigned
  return (
    <div className={styles.language}>
      <figure className={styles.file} aria-label={file}>
        <figcaption className={styles.bar}>
          <code>{file}</code>
          <Copy text={code} what={file} />
        </figcaption>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
        <pre className={styles.code} tabIndex={0} dir="ltr">
          {piecesOf(code, id).map(({ kind, text }, index) =>
            kind === 'plain' ? (
              text
            ) : (
              // biome-ignore lint/suspicious/noArrayIndexKey: a piece is its position
              <span key={index} className={styles[kind]}>
                {text}
              </span>
            ),
          )}
        </pre>
      </figure>
      <h3>{words.run}</h3>
      <CodeBlock label={words.run} code={id === 'csharp' ? `${words.csharpRun}\n${start}` : start} />
      <h3>{tryIt}</h3>
      <CodeBlock label={tryIt} code={tryItCommand(type.example, { token: secret, signing })} />
    </div>
  )
}
