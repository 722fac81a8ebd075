/** Posthorn as a library: the whole server inside another program's process (docs/library.md). */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { EventTypeName, PayloadOf, Transaction } from '@posthorn/client'
import type { InnerRequestInit } from './api/http/inner-fetch.ts'
import type { Published, PublishOptions } from './base/published.ts'
import { StartRefused } from './base/start-refused.ts'
import { type Environment, loadConfig, readTextFile } from './config/config.ts'
import { flagName, SETTING_KEYS, variableName, type WrittenSettings } from './config/settings.ts'
import { readTelemetrySettings } from './config/telemetry-settings.ts'
import { RunningPosthorn } from './server/running-posthorn.ts'
import { startServer } from './server/server.ts'
import type { ServerIo } from './server/server-io.ts'

export type {
  DrizzleTransaction,
  // `npx @posthorn/client types --module posthorn` adds the types of a catalogue to it.
  EventPayloads,
  EventTypeName,
  KyselyTransaction,
  PayloadOf,
  PrismaTransaction,
  SqlTransaction,
  Transaction,
} from '@posthorn/client'
export type { InnerRequestInit } from './api/http/inner-fetch.ts'
export { type ErrorCode, type FieldError, PosthornError } from './base/errors.ts'
export type { Published, PublishOptions } from './base/published.ts'
export { StartRefused } from './base/start-refused.ts'

/** Anything that takes text, such as `process.stdout`. */
export type TextSink = { write(text: string): unknown }

/** Settings that are decided otherwise here: where to listen, and that there is one process. */
type NotHere = 'host' | 'port' | 'processes'

/** The settings of docs/configuration.md, under the same names as in the configuration file, and these. */
export type PosthornOptions = Omit<WrittenSettings, NotHere> & {
  /** The address to listen on. Default: Posthorn doesn't listen, and is reached by `fetch` and `handle`. */
  readonly listen?: { readonly host?: string | undefined; readonly port?: number | undefined } | undefined
  /**
   * The environment that settings which are not among the arguments are taken from, such as `process.env`. Default: none
   * is read.
   */
  readonly env?: Environment | undefined
  /** Takes log lines, in JSON unless `logFormat` is `text`, such as `process.stdout`. Default: nothing is logged. */
  readonly log?: TextSink | undefined
  /** Takes sentences for the person who started the program, such as `process.stderr`. Default: none are written. */
  readonly messages?: TextSink | undefined
}

/** A value, or what is JSON already. */
type Payload<Type extends EventTypeName> = PayloadOf<Type> | string | Uint8Array

/** A running Posthorn. All members can be taken off it: `const { publish, fetch } = posthorn`. */
export type Posthorn = {
  /** The URL that the API listens on, without a slash at the end. Null if it doesn't listen. */
  readonly url: string | null

  /**
   * Publishes an event. Resolves once it is stored durably; deliveries are made in the background.
   *
   * @param payload a string or bytes must already be JSON, and are sent as they are; any other value is serialised
   * @throws PosthornError with the API's codes and fields: `not_found`, `invalid`, `idempotency_conflict`, …;
   *   `shutting_down` after `close()`
   */
  publish<Type extends EventTypeName>(
    tenant: string,
    type: Type,
    payload: Payload<Type>,
    options?: PublishOptions,
  ): Promise<Published>

  /**
   * Publishes an event in the caller's own transaction on the same PostgreSQL database: it exists if and only if the
   * transaction commits. It is checked after that (docs/publishing-from-sql.md).
   *
   * @throws TypeError if `tx` is a pool or another handle that is no transaction; PosthornError with `not_implemented` on
   *   the embedded store; and what the database refuses, as the caller's own driver throws it
   */
  publish<Type extends EventTypeName>(
    tenant: string,
    type: Type,
    payload: Payload<Type>,
    options: { readonly key?: string | undefined; readonly tx: Transaction },
  ): Promise<{ readonly id: string }>

  /**
   * Handles a request to the API, the dashboard or the portal, like the global `fetch`. Mount it at `publicUrl`. Bodies
   * are streamed both ways, and a call ends when its signal is aborted or its response's body is cancelled.
   */
  fetch(input: Request | string | URL, init?: InnerRequestInit): Promise<Response>

  /** The same for a request that a server of `node:http` has received, whose body must not have been read. */
  handle(request: IncomingMessage, response: ServerResponse): void

  /**
   * Accepts nothing new, waits for calls and attempts in flight (at most `drainTimeoutMs`), and closes everything.
   * Whatever is pending then is sent after the next start. Calling it again returns the same promise.
   */
  close(): Promise<void>

  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Starts Posthorn in this process. Resolves once it is ready. Nothing that concerns the process as a whole is changed: no
 * handlers of signals or errors, no environment, no global state. Several can run in one process, each with a store of
 * its own or on one PostgreSQL database.
 *
 * @throws StartRefused if a setting is wrong (all of them are checked, and reported together), if the data folder is in
 *   use, or if something else has to be done first
 */
export async function createPosthorn(options: PosthornOptions = {}): Promise<Posthorn> {
  const { listen, env, log, messages, ...settings } = options
  const problems = [...problemsOfListen(listen), ...misplaced(settings)]
  const args = { ...settings, host: listen?.host, port: listen?.port, processes: undefined }
  const result = loadConfig({ flags: {}, args, env: env ?? {}, readFile: readTextFile })
  if (!result.ok) throw new StartRefused([...problems, ...result.problems])
  const { config, origins } = result
  if (config.processes > 1) {
    problems.push(`processes is ${config.processes}, but a program has Posthorn in its own process: leave it out.`)
  }
  if (config.dashboardListen !== null && listen === undefined) {
    problems.push('dashboardListen needs listen: without it, the dashboard is served by fetch and handle.')
  }
  if (problems.length > 0) throw new StartRefused(problems)
  const io: ServerIo = {
    stdout: log === undefined ? null : { write: text => log.write(text) },
    stderr: messages === undefined ? { write: () => {} } : { write: text => messages.write(text) },
    origins,
    listens: listen !== undefined,
    isGuest: true,
    environment: env ?? {},
    telemetry: env === undefined ? null : readTelemetrySettings(env),
  }
  try {
    return new RunningPosthorn(await startServer(config, io))
  } catch (error) {
    throw error instanceof StartRefused ? new StartRefused(error.problems.map(asArguments), { cause: error }) : error
  }
}

/** A sentence that names settings as the command does, with the names that arguments have. */
function asArguments(sentence: string): string {
  const byName = new Map(
    SETTING_KEYS.flatMap(key => [[variableName(key), key] as const, [flagName(key), key] as const]),
  )
  return sentence.replaceAll(/POSTHORN_[A-Z0-9_]+|--[a-z0-9-]+/g, name => byName.get(name) ?? name)
}

function problemsOfListen(listen: unknown): string[] {
  if (listen === undefined) return []
  const remedy = 'such as { host: "127.0.0.1", port: 8470 }, or left out to not listen'
  if (typeof listen !== 'object' || listen === null) return [`setting listen must be an object, ${remedy}.`]
  const unknown = Object.keys(listen).filter(name => name !== 'host' && name !== 'port')
  return unknown.map(name => `setting listen has an unknown member ${name}: it must be an object, ${remedy}.`)
}

function misplaced(settings: Readonly<Record<string, unknown>>): string[] {
  return (['host', 'port', 'processes'] as const).flatMap(name => {
    if (settings[name] === undefined) return []
    if (name === 'processes') return [`setting processes: a program has Posthorn in its own process. Leave it out.`]
    return [`setting ${name} is a member of listen: write listen: { ${name}: … }.`]
  })
}
