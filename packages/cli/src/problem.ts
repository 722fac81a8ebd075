/** Why a command didn't do its work, as one plain sentence with what to do about it, and an exit code. */
import { EXIT } from './exit.ts'
import { notFoundSentence } from './not-found.ts'

export class Problem extends Error {
  override readonly name = 'Problem'
  readonly exitCode: number

  /** @param message whole sentences: what is wrong, with what, and what to do. Shown after `posthorn: ` */
  constructor(message: string, exitCode: number = EXIT.refused, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}

/** The sentence about an error that is a fault of ours. */
export function unexpected(error: unknown): string {
  const what = error instanceof Error ? `${error.name}: ${error.message.split('\n', 1)[0]}` : String(error)
  return `Unexpected error (${what}). This is a fault of Posthorn: report it, with the command that you ran.`
}

/** What a call was made with, as the sentences show it. */
export type Caller = {
  readonly url: string
  /** Where the key comes from, such as "POSTHORN_API_KEY". */
  readonly keySource: string
}

/**
 * Makes a sentence of an error of the client, and of the system's errors about files. Anything else is returned as it is:
 * it is a fault of ours.
 */
export async function explain(error: unknown, caller: Caller | null): Promise<unknown> {
  if (error instanceof Problem) return error
  if (isFileError(error)) return new Problem(describeFileError(error), EXIT.refused, { cause: error })
  const { ApiError, ConnectionError, PosthornError, TimeoutError } = await import('@posthorn/client')
  if (!(error instanceof PosthornError)) return error
  const { url, keySource } = caller ?? { url: 'the server', keySource: 'the profile' }
  const problem = (message: string, code: number) => new Problem(message, code, { cause: error })
  if (error instanceof ConnectionError) {
    const what = `No server responds at ${url}${reasonOf(error)}`
    return problem(`${what}. Start it, or choose another one with --url, POSTHORN_URL or --profile.`, EXIT.unreachable)
  }
  if (error instanceof TimeoutError) {
    return problem(`${url} took too long to respond. Try again, or check the server.`, EXIT.unreachable)
  }
  // The method and path in front are for those who call the API by hand. Both versions, if they matter, are at the end.
  const sentence = error.message.replace(/^[A-Z]+ \S+: /, '')
  // The client calls its own setting `url`.
  if (!(error instanceof ApiError)) {
    return problem(`${url}: ${sentence.replace('`url`', 'the URL')}`, EXIT.unreachable)
  }
  if (error.status === 401) {
    const what = `${url} does not accept the API key from ${keySource}`
    return problem(`${what}. Set POSTHORN_API_KEY to a key of this server, or run: posthorn login`, EXIT.denied)
  }
  if (error.status === 403) return problem(`${sentence} (API key from ${keySource}.)`, EXIT.denied)
  if (error.status === 404) return problem(notFoundSentence(error.message, sentence, url), EXIT.notFound)
  if (error.status === 429 || error.status >= 500) return problem(`${url}: ${sentence}`, EXIT.unreachable)
  return problem(nameFields(sentence, error.fields), EXIT.refused)
}

/**
 * Says what is wrong with each field, with its name as people write it. The client's sentence names the first few, with
 * an ellipsis for the others, which have room here.
 */
function nameFields(sentence: string, fields: readonly { readonly field: string; readonly detail: string }[]): string {
  let text = sentence.replace(/ …(?= |$)/, '')
  for (const { field, detail } of fields) {
    const [known, named] = [`${field}: ${detail}`, `${field.replace(/^\//, '').replaceAll('/', '.')}: ${detail}`]
    if (text.includes(known)) text = text.replace(known, () => named)
    else if (fields.length > 1 || !text.includes(detail)) text += ` ${named}`
    // What is wrong with a single one, the sentence says already, but not always with which.
    else if (field !== '' && !namesField(text, field)) text = text.replace(detail, () => named)
  }
  return text
}

/** "The filter is not valid JSON." names `filter`, and "Unknown event type." names `/type`. */
const namesField = (text: string, field: string): boolean =>
  text.toLowerCase().includes(field.slice(field.lastIndexOf('/') + 1).toLowerCase())

/** Node's fetch says why in the cause of its error. */
function reasonOf(error: Error): string {
  const inner = (error.cause as { cause?: { code?: string; message?: string } } | undefined)?.cause
  const reason = inner?.code ?? inner?.message
  return reason === undefined ? '' : ` (${reason})`
}

type FileError = NodeJS.ErrnoException & { readonly code: string; readonly path: string }

const isFileError = (error: unknown): error is FileError =>
  error instanceof Error &&
  typeof (error as NodeJS.ErrnoException).code === 'string' &&
  typeof (error as NodeJS.ErrnoException).path === 'string'

/** What the system's errors about files mean, by their codes. */
export const FILE_REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'access is denied',
  EPERM: 'access is denied',
  EISDIR: 'it is a folder',
  ENOSPC: 'the disk is full',
}

function describeFileError({ code, path, syscall }: FileError): string {
  const verb = syscall === 'write' || syscall === 'mkdir' || syscall === 'rename' ? 'written' : 'opened'
  return `${path} cannot be ${verb}: ${FILE_REASONS[code] ?? code}.`
}
