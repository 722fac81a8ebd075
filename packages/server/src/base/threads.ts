import { Worker } from 'node:worker_threads'

/**
 * Starts a thread.
 *
 * @param youngMegabytes limit for short-lived objects: by default V8 lets them take 64 MB before it collects any
 * @param data what the thread finds in `workerData`. Default: nothing
 */
export function startThread(file: URL, youngMegabytes: number, data?: unknown): Worker {
  const start = (flags: readonly string[]) =>
    // Otherwise a diagnostic report would list the environment, which has keys in it, again for each thread.
    new Worker(file, {
      execArgv: [...flags, '--report-exclude-env'],
      workerData: data,
      resourceLimits: { maxYoungGenerationSizeMb: youngMegabytes },
    })
  try {
    // Without the flag from cli.ts, so that the others (`--cpu-prof`) apply to threads too.
    return start(process.execArgv.filter(flag => !flag.startsWith('--max-semi-space-size')))
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_WORKER_INVALID_EXEC_ARGV') throw error
    // There are flags of the whole process (`--max-old-space-size`); these apply to its threads anyway.
    return start([])
  }
}
